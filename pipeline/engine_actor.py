"""An engine in a Ray actor, with the nodes that need one: sample and justify.

The nodes run where the engine is, so responses go straight to the journal and the store and never through Ray.
"""

import asyncio
import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from engines.base import Completion, CountsTokens, EngineDeadError, EngineRefusedError, GenerationRequest
from engines.create import create_engine
from pipeline.graph import RESPONSES, overlapping
from pipeline.journal import Journal, lost_requests, read_journal, remove_journal
from pipeline.manifest import Manifest
from pipeline.store import read_table
from pipeline.task import R, Task, commit
from prompts.formats.registry import FORMATS
from schemas.arrow import from_table, to_table
from schemas.config import EngineConfig
from schemas.records import Decision, Example, FinishReason, Justification, Mode, Problem, Response, Rollout
from stages.engine_session import EngineSession
from stages.imported import imported_rollouts
from stages.justify import Case, failed_in_engine, justification_key, justify
from stages.sample import rollout_key, sample

K = TypeVar("K", bound=Hashable)
G = TypeVar("G", Rollout, Justification)

_ERROR_LINE = re.compile(r"(?:^|[\s\]])((?:[\w.]+\.)?\w*(?:Error|Exception)\b(?:: .*)?)$")


@dataclass(frozen=True)
class EngineProgress:
    """A reading of an engine actor."""

    loading: bool
    start_seconds: float | None
    """How long the engine took to start; null until it has."""
    in_flight: int
    """Requests under way."""
    tokens: int
    """Completion tokens so far."""
    done: dict[str, int]
    """Finished rows by node under way."""


class EngineActor:
    """Serves the nodes of one engine replica, many at once. The engine starts with the first request."""

    def __init__(self, config: EngineConfig, log: Path, state: Path, flush_s: float) -> None:
        self._config = config
        self._log = log
        self._flush_s = flush_s
        self._engine = create_engine(config, state)
        self._slots = asyncio.Semaphore(config.max_in_flight)
        self._in_flight = 0
        self._tokens = 0
        self._done: dict[str, int] = {}
        self._tasks: set[asyncio.Task[Manifest]] = set()
        self._starting: asyncio.Task[None] | None = None
        self._start_seconds: float | None = None

    async def ready(self) -> None:
        """Starts the engine, once. Raises `EngineRefusedError` with its own last error, or `EngineDeadError`."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        await asyncio.shield(self._starting)

    async def _start(self) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        # The engine's own processes inherit these descriptors, so what they say on the way down is kept as well.
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        for stream in (1, 2):
            os.dup2(log, stream)
        os.close(log)
        started = time.monotonic()
        try:
            await self._engine.start()
        except EngineRefusedError as error:
            cause = self._last_error()
            if cause and cause not in str(error):
                raise EngineRefusedError(f"{error}; its last error: {cause} (log: {self._log})") from error
            raise
        self._start_seconds = time.monotonic() - started

    async def run(self, task: Task) -> Manifest:
        """Runs a sample or justify node. Raises `EngineDeadError` or `EngineRefusedError`."""
        running = asyncio.create_task(self._sample(task) if task.stage == "sample" else self._justify(task))
        self._tasks.add(running)
        try:
            return await running
        except BaseExceptionGroup as group:
            for kind in (EngineRefusedError, EngineDeadError, OSError):
                found = group.subgroup(kind)
                if found is not None:
                    raise _first(found) from group
            raise _first(group) from group
        finally:
            self._tasks.discard(running)
            self._done.pop(task.name, None)

    async def progress(self) -> EngineProgress:
        """What the actor is doing now."""
        return EngineProgress(
            loading=self._starting is not None and not self._starting.done(),
            start_seconds=self._start_seconds,
            in_flight=self._in_flight,
            tokens=self._tokens,
            done=dict(self._done),
        )

    async def generate(self, request: GenerationRequest) -> Completion:
        """One response, once the engine runs."""
        await self.ready()
        return await self._engine.generate(request)

    async def stop(self) -> None:
        """Cancels what is under way, which journals what is finished, and stops the engine."""
        for running in self._tasks:
            running.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._engine.close()

    async def _sample(self, task: Task) -> Manifest:
        started = time.monotonic()
        assert task.mode is not None
        role = task.config.roles.of(task.mode)
        problems = await asyncio.to_thread(task.records, task.problems_label, Problem)
        finished = await asyncio.to_thread(_earlier, task, Rollout, "", rollout_key)
        imported = await self._imported(task)
        lost = lost_requests(task.journal)
        async with Journal[Rollout](task.journal, self._flush_s) as journal:
            recorder = _Recorder(self, task.name, journal)
            rollouts = await sample(
                problems,
                task.mode,
                task.config.sample,
                role,
                self._session(task, recorder),
                finished,
                imported,
            )
        failed = [rollout for rollout in rollouts if rollout.finish_reason is FinishReason.ERROR]
        manifest = await asyncio.to_thread(
            commit,
            task,
            {"rows": to_table(rollouts, Rollout)},
            [],
            rows_in=len(problems) * task.config.sample.count(task.mode),
            rows_out=len(rollouts),
            started=started,
            retry=sum(not rollout.error_permanent for rollout in failed),
            counts={
                "sampled": recorder.finished,
                "reused": sum(rollout.source is None for rollout in rollouts) - recorder.finished,
                "imported": sum(rollout.source is not None for rollout in rollouts),
                "lost": lost,
                "failed": len(failed),
                "prompt_tokens": sum(rollout.prompt_tokens for rollout in rollouts),
                "completion_tokens": sum(rollout.completion_tokens for rollout in rollouts),
            },
        )
        await asyncio.to_thread(remove_journal, task.journal)
        return manifest

    async def _imported(self, task: Task) -> Mapping[str, Sequence[Rollout]]:
        """Responses that came with the problems. Raises `EngineRefusedError` where their tokens cannot be counted."""
        if RESPONSES + task.shard not in task.inputs:
            return {}
        if not isinstance(self._engine, CountsTokens):
            raise EngineRefusedError(
                "imported responses need an engine that knows its tokenizer, for their lengths are compared with "
                "sampled ones; use a vllm engine for roles.think_on, or import_rollouts: false"
            )
        await self.ready()
        responses = await asyncio.to_thread(task.records, RESPONSES + task.shard, Response)
        count = task.config.sample.count(Mode.THINK_ON)
        return await asyncio.to_thread(imported_rollouts, responses, count, self._engine.count_tokens)

    async def _justify(self, task: Task) -> Manifest:
        started = time.monotonic()
        cases = await asyncio.to_thread(_cases, task)
        finished = await asyncio.to_thread(_earlier, task, Justification, ".attempts", justification_key)
        async with Journal[Justification](task.journal, self._flush_s) as journal:
            recorder = _Recorder(self, task.name, journal)
            result = await justify(
                cases,
                task.config.justify,
                task.config.roles.justifier,
                self._session(task, recorder),
                finished,
                FORMATS[task.config.publish.format],
            )
        failed = {row.problem_id for row in result.attempts if failed_in_engine(row)}
        manifest = await asyncio.to_thread(
            commit,
            task,
            {"rows": to_table(result.examples, Example), "attempts": to_table(result.attempts, Justification)},
            result.rejected,
            rows_in=len(cases),
            rows_out=len(result.examples),
            started=started,
            retry=len(failed & {row.key for row in result.rejected}),
            counts={
                "attempts": len(result.attempts),
                "written": recorder.finished,
                "completion_tokens": sum(attempt.completion_tokens for attempt in result.attempts),
            },
        )
        await asyncio.to_thread(remove_journal, task.journal)
        return manifest

    def _session(self, task: Task, recorder: "_Recorder[G]") -> EngineSession[G]:
        return EngineSession(
            engine=self,
            model=task.model,
            identity=task.identity,
            run_seed=task.config.seed,
            slots=self._slots,
            on_start=recorder.start,
            on_finish=recorder.finish,
        )

    def began(self) -> None:
        """A request went to the engine."""
        self._in_flight += 1

    def ended(self, node: str, tokens: int) -> None:
        """A request of `node` came back, with so many completion tokens."""
        self._in_flight -= 1
        self._tokens += tokens
        self._done[node] = self._done.get(node, 0) + 1

    def _last_error(self) -> str | None:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [match[1] for line in lines if (match := _ERROR_LINE.search(line.strip()))]
        telling = [line for line in found if ":" in line and "See root cause" not in line]
        return telling[-1] if telling else None


class _Recorder(Generic[G]):
    """Journals what a node's requests bring, and tells the actor's counters."""

    def __init__(self, actor: EngineActor, node: str, journal: Journal[G]) -> None:
        self._actor = actor
        self._node = node
        self._journal: Journal[G] = journal
        self.finished = 0

    def start(self) -> None:
        """A request is under way."""
        self._actor.began()
        self._journal.start()

    def finish(self, record: G) -> None:
        """A request has its record."""
        self.finished += 1
        self._actor.ended(self._node, record.completion_tokens)
        self._journal.add(record)


def _earlier(task: Task, model: type[R], suffix: str, key: Callable[[R], K]) -> dict[K, list[R]]:
    """Records of earlier attempts that may still be good, by key.

    They come from this shard's table and journal and, where the count of shards changed, from those of its relatives.
    """
    found: dict[K, list[R]] = defaultdict(list)
    folder = task.run_dir / task.folder
    for path in sorted(folder.glob(f"??-????{suffix}.parquet")):
        if overlapping(path.name.split(".")[0], task.shard):
            for record in from_table(read_table(path), model):
                found[key(record)].append(record)
    for journal in sorted(task.journal.parent.glob("??-????")):
        if overlapping(journal.name, task.shard):
            for record in read_journal(journal, model):
                found[key(record)].append(record)
    return found


def _cases(task: Task) -> list[Case]:
    problems = {problem.problem_id: problem for problem in task.records(task.problems_label, Problem)}
    kept = [d for d in task.records(f"select/{task.shard}", Decision) if d.mode is not None]
    wanted = {(d.problem_id, str(d.mode), d.index) for d in kept}
    rollouts = {
        r.problem_id: r
        for mode in Mode
        for r in task.records(f"sample.{mode}/{task.shard}", Rollout)
        if (r.problem_id, str(r.mode), r.index) in wanted
    }
    return [Case(problems[d.problem_id], d, rollouts[d.problem_id]) for d in kept]


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
