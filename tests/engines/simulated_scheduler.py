"""vLLM's scheduler in small: requests that grow by a token a step in a cache of so many tokens, first come first.

As in vLLM, a prompt is let in where it fits now, and when the cache is full the youngest request is thrown out, to be
computed again from the head of the queue.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from hipo_data.engines.admission import Admission


@dataclass
class Sequence:
    """Tokens so far and at the end, prompt included."""

    tokens: int
    end: int


@dataclass
class Scheduler:
    """One engine of `seats` requests at once and a cache of `cache` tokens."""

    seats: int
    cache: int
    waiting: deque[Sequence] = field(default_factory=deque)
    running: list[Sequence] = field(default_factory=list)
    preempted: int = 0

    @property
    def used(self) -> int:
        return sum(sequence.tokens for sequence in self.running)

    @property
    def kv(self) -> float:
        return self.used / self.cache

    def step(self) -> int:
        """One token for all that run; how many of them ended."""
        while self.waiting and len(self.running) < self.seats:
            if self.used + self.waiting[0].tokens + len(self.running) + 1 > self.cache:
                break
            self.running.append(self.waiting.popleft())
        while self.used + len(self.running) > self.cache:
            self.waiting.appendleft(self.running.pop())
            self.preempted += 1
        for sequence in self.running:
            sequence.tokens += 1
        ended = [sequence for sequence in self.running if sequence.tokens >= sequence.end]
        self.running = [sequence for sequence in self.running if sequence.tokens < sequence.end]
        return len(ended)


@dataclass
class Run:
    """What happened, a number a step."""

    running: list[int]
    waiting: list[int]
    left: list[int]
    """Requests not yet let in."""
    preempted: int

    @property
    def steps(self) -> int:
        return len(self.running)


def drive(scheduler: Scheduler, sequences: Iterable[Sequence], admission: Admission | None, delay: int = 1) -> Run:
    """Runs all; reports and new requests arrive `delay` steps late. Without an admission, all come at once."""
    backlog = deque(sequences)
    reports: deque[tuple[int, int, float]] = deque()
    on_their_way: deque[list[Sequence]] = deque([[]] * delay)
    in_flight = 0
    run = Run([], [], [], 0)
    while backlog or in_flight:
        limit = len(backlog) + in_flight if admission is None else admission.limit
        sent = [backlog.popleft() for _ in range(min(len(backlog), limit - in_flight))]
        in_flight += len(sent)
        on_their_way.append(sent)
        scheduler.waiting.extend(on_their_way.popleft())
        ended = scheduler.step()
        in_flight -= ended
        reports.append((len(scheduler.waiting), len(scheduler.running), scheduler.kv))
        run.running.append(len(scheduler.running) + ended)
        run.waiting.append(len(scheduler.waiting))
        run.left.append(len(backlog))
        if admission is not None and len(reports) > delay:
            admission.observe(*reports.popleft())
        assert run.steps < 1_000_000
    run.preempted = scheduler.preempted
    return run
