"""An engine with the counts of what goes through it; all nodes of an engine actor share one."""

import asyncio
import gc
import os
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from hipo_data.engines.base import Completion, CountsSteps, EngineError, GenerationRequest
from hipo_data.engines.create import create_engine
from hipo_data.pipeline.replicas.in_flight_file import AT_ONCE, GIVEN_UP_AFTER, InFlightFile
from hipo_data.pipeline.replicas.priority_lock import PriorityLock
from hipo_data.schemas.config import EngineConfig
from hipo_data.schemas.errors import EngineRefusedError

_COLLECT_AFTER = 10_000
"""Objects made between two searches for cyclic garbage. With Python's 700 these take a fifth of a request's CPU time:
every request makes hundreds, and there are thousands of requests to search."""
_ERROR_LINE = re.compile(r"(?:^|[\s\]])((?:[\w.]+\.)?\w*(?:Error|Exception)\b(?:: .*)?)$")


@dataclass(frozen=True)
class EngineProgress:
    """A reading of an engine."""

    loading: bool = False
    start_seconds: float | None = None
    """How long the engine took to start; null until it has."""
    waiting: int = 0
    """Requests that are ready and wait to be let in."""
    in_flight: int = 0
    """Requests under way."""
    steps: int = 0
    """Steps of the engine so far, where it counts them: it is at work although nothing may finish for long."""
    finished: int = 0
    """Requests finished so far."""
    prompt_tokens: int = 0
    """Of those."""
    tokens: int = 0
    """Completion tokens of those."""
    done: dict[str, int] = field(default_factory=dict)
    """Finished rows by node under way."""
    shown: dict[str, dict[str, int]] = field(default_factory=dict)
    """What those show of their mode, by node under way, in the words of its counts (`stages.sample.shown`)."""
    turning: int = 0
    """Nodes that read what earlier attempts left, or write what they made: no request of theirs waits."""
    machine: str = ""
    """Ray's id of the machine that its process is on."""


class EngineHost:
    """Starts an engine with the first request, lets requests in, and counts them."""

    def __init__(self, config: EngineConfig, log: Path, state: Path, in_flight: Path | None) -> None:
        self.engine = create_engine(config, state)
        self._log = log
        self._in_flight_file = InFlightFile(in_flight) if in_flight else None
        self._suspects = {deaths: asyncio.Semaphore(at_once) for deaths, at_once in AT_ONCE.items()}
        self._next_slot = PriorityLock()
        self._waiting = 0
        self._in_flight = 0
        self.asking = 0
        """Nodes that make requests."""
        self._finished = 0
        self._prompt_tokens = 0
        self._tokens = 0
        self._done: dict[str, int] = {}
        self._shown: dict[str, Counter[str]] = {}
        self._starting: asyncio.Task[None] | None = None
        self._start_seconds: float | None = None

    async def ready(self) -> None:
        """Starts the engine, once. Raises `EngineRefusedError` with its own last error, or `EngineDeadError`."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        await asyncio.shield(self._starting)

    async def generate(self, request: GenerationRequest) -> Completion:
        """One response, once the engine runs."""
        await self.ready()
        return await self.engine.generate(request)

    def slot(self, prompt: str, urgency: int = 0, deaths: int = 0) -> AbstractAsyncContextManager[None]:
        """Leave to have one request under way.

        Args:
            prompt: what to suspect if the engine dies meanwhile.
            urgency: lower ones are let in first.
            deaths: how often an engine died with it under way; from `GIVEN_UP_AFTER` on it is refused.
        """
        return self._suspect(prompt, urgency, deaths) if deaths else self._let_in(prompt, urgency)

    @asynccontextmanager
    async def _suspect(self, prompt: str, urgency: int, deaths: int) -> AsyncIterator[None]:
        if deaths >= GIVEN_UP_AFTER:
            raise EngineError(f"the engine died {deaths} times while this prompt was under way", permanent=True)
        async with self._suspects[deaths], self._let_in(prompt, urgency):
            yield

    @asynccontextmanager
    async def _let_in(self, prompt: str, urgency: int) -> AsyncIterator[None]:
        slot = self.engine.slot()
        self._waiting += 1
        try:
            async with self._next_slot.held(urgency):
                await slot.__aenter__()
        finally:
            self._waiting -= 1
        self._in_flight += 1
        try:
            with self._in_flight_file.request(prompt) if self._in_flight_file else nullcontext():
                yield
        finally:
            self._in_flight -= 1
            await slot.__aexit__(*sys.exc_info())

    def finished(self, node: str, prompt_tokens: int, completion_tokens: int, shows: Mapping[str, int]) -> None:
        """A request of `node` brought its record, of so many tokens, and what a rollout shows of its mode."""
        self._finished += 1
        self._prompt_tokens += prompt_tokens
        self._tokens += completion_tokens
        self._done[node] = self._done.get(node, 0) + 1
        if shows:
            self._shown.setdefault(node, Counter()).update(shows)

    def forget(self, node: str) -> None:
        """A node is no longer under way."""
        self._done.pop(node, None)
        self._shown.pop(node, None)

    def progress(self) -> EngineProgress:
        """What the engine is doing now."""
        return EngineProgress(
            loading=self._starting is not None and not self._starting.done(),
            start_seconds=self._start_seconds,
            waiting=self._waiting,
            in_flight=self._in_flight,
            steps=self.engine.steps if isinstance(self.engine, CountsSteps) else 0,
            finished=self._finished,
            prompt_tokens=self._prompt_tokens,
            tokens=self._tokens,
            done=dict(self._done),
            shown={node: dict(counts) for node, counts in self._shown.items()},
        )

    async def close(self) -> None:
        """Stops the engine."""
        await self.engine.close()
        if self._in_flight_file:
            self._in_flight_file.close()

    async def _start(self) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        # The engine's own processes inherit these descriptors, so what they say on the way down is kept as well.
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        for stream in (1, 2):
            os.dup2(log, stream)
        os.close(log)
        started = time.monotonic()
        try:
            await self.engine.start()
        except EngineRefusedError as error:
            cause = self._last_error()
            if cause and cause not in str(error):
                raise EngineRefusedError(f"{error}; its last error: {cause} (log: {self._log})") from error
            raise
        self._start_seconds = time.monotonic() - started
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])

    def _last_error(self) -> str | None:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [match[1] for line in lines if (match := _ERROR_LINE.search(line.strip()))]
        telling = [line for line in found if ":" in line and "See root cause" not in line]
        return telling[-1] if telling else None
