"""The sample node: a shard's rollouts in one mode, made where the engine is."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from hipo_data.engines.base import CountsTokens
from hipo_data.pipeline.graph.nodes import RESPONSES, VERDICTS
from hipo_data.pipeline.graph.task import Task, commit
from hipo_data.pipeline.nodes.asking import Host, earlier, given_up, session
from hipo_data.pipeline.nodes.grading import RemoteGrading
from hipo_data.pipeline.nodes.open_problems import open_to
from hipo_data.pipeline.nodes.preflight import preflight
from hipo_data.pipeline.nodes.sample_both import allocated, sample_both
from hipo_data.pipeline.nodes.sampled import beyond_n, counts_of, table_of, uneven, worth_asking_again
from hipo_data.pipeline.store.journal import lost_requests, remove_journal
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.arrow import to_table
from hipo_data.schemas.config import RolloutsEngine
from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.records import Mode, Problem, Response, Rollout, Verdict
from hipo_data.stages.sample.imported import imported_rollouts
from hipo_data.stages.sample.sample import Sampler, rollout_key, sample
from hipo_data.stages.stopping.sampler import Graded, is_cut, sample_until_decided, tokens_saved


async def run_sample(host: Host, task: Task, flush_s: float) -> Manifest:
    """Samples what earlier attempts have not. Raises `EngineDeadError` or `EngineRefusedError`."""
    started = time.monotonic()
    assert task.mode is not None
    role = task.config.roles.of(task.mode)
    if task.config.sample.adapts and task.mode is Mode.THINK_OFF:
        return await sample_both(host, task, flush_s)
    problems = every = await asyncio.to_thread(task.records, task.problems_label, Problem)
    if climbs := task.config.climbs:
        problems = await asyncio.to_thread(open_to, task, every)
    finished = await asyncio.to_thread(earlier, task, Rollout, "", rollout_key)
    failed_before = await asyncio.to_thread(given_up, task)
    alone = isinstance(task.config.engines[role.engine], RolloutsEngine)
    responses = await _responses(host, task)
    imported = await asyncio.to_thread(_imported, host, task, responses, alone)
    lost = await asyncio.to_thread(lost_requests, task.journal)
    stops = task.config.sample.stops and task.mode is Mode.THINK_ON and not climbs
    verdicts: list[Verdict] | None = None
    async with session(host, task, Rollout, flush_s) as (engine, recorder):
        await preflight(task, problems, role, engine, finished, imported)
        if stops:
            sampler = Sampler(task.mode, task.config.sample, role, engine, finished, failed_before)
            think_off = await asyncio.to_thread(_think_off, task)
            tags = FORMATS[task.config.publish.format].tags
            grade = RemoteGrading(task.config)
            stopped = await sample_until_decided(problems, think_off, imported, sampler, grade, task.config, tags)
            rollouts, verdicts = stopped.rollouts, stopped.verdicts
        else:
            given = await asyncio.to_thread(allocated, task)
            if alone:
                given = {problem.problem_id: len(imported.get(problem.problem_id, ())) for problem in problems}
            rollouts = await sample(
                problems, task.mode, task.config.sample, role, engine, finished, imported, failed_before, given
            )
    adapts = task.config.sample.adapts  # what think-off's node sampled, it has counted
    reused = 0 if adapts else max(0, sum(rollout.source is None for rollout in rollouts) - recorder.finished)
    count = task.config.sample.count(task.mode)
    left_over = beyond_n(task, responses)
    tables = {"rows": table_of(rollouts, role)}
    if verdicts is not None:
        tables[VERDICTS] = to_table(verdicts, Verdict)
    manifest = await asyncio.to_thread(
        commit,
        task,
        tables,
        left_over,
        rows_in=(len(rollouts) if stops or adapts or alone else len(problems) * count) + len(left_over),
        rows_out=len(rollouts),
        started=started,
        retry=worth_asking_again(rollouts, task.config.check),
        counts={
            **counts_of(rollouts, recorder.finished, reused, 0 if adapts else lost),
            **(uneven(rollouts) if adapts or alone else {}),
            **(_savings(rollouts, every, count) if stops or climbs else {}),
        },
    )
    await asyncio.to_thread(remove_journal, task.journal)
    return manifest


def _think_off(task: Task) -> dict[str, list[Graded]]:
    """Rollouts and verdicts of think-off, by problem."""
    name = f"{Mode.THINK_OFF}/{task.shard}"
    verdicts = {(v.problem_id, v.index): v for v in task.records(f"verify.{name}", Verdict)}
    found: dict[str, list[Graded]] = defaultdict(list)
    for rollout in task.records(f"sample.{name}", Rollout):
        found[rollout.problem_id].append((rollout, verdicts[rollout.problem_id, rollout.index]))
    return found


def _savings(rollouts: list[Rollout], problems: list[Problem], count: int) -> dict[str, int]:
    return {
        "unneeded": len(problems) * count - len(rollouts),
        "capped": sum(is_cut(rollout) for rollout in rollouts),
        "saved_tokens": tokens_saved(rollouts, problems, count),
    }


async def _responses(host: Host, task: Task) -> list[Response]:
    """Those that came with the problems, in this mode. Raises `EngineRefusedError` where nothing counts tokens."""
    if RESPONSES + task.shard not in task.inputs:
        return []
    if not isinstance(host.engine, CountsTokens):
        raise EngineRefusedError(
            "imported responses need an engine that knows its tokenizer, for their lengths are compared with "
            f"sampled ones; use an engine of type rollouts or vllm for roles.{task.mode}, or do not import them"
        )
    await host.ready()
    found = await asyncio.to_thread(task.records, RESPONSES + task.shard, Response)
    return [response for response in found if response.mode is task.mode]


def _imported(host: Host, task: Task, responses: list[Response], alone: bool) -> Mapping[str, Sequence[Rollout]]:
    if not responses:
        return {}
    assert task.mode is not None and isinstance(host.engine, CountsTokens)  # `_responses` says so
    return imported_rollouts(responses, task.config.sample.count(task.mode), host.engine.count_tokens, alone)
