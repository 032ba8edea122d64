"""What a run says of itself while it goes on, to whoever listens: the terminal, a log, Prometheus, OpenTelemetry."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hipo_data.pipeline.graph.nodes import Node
from hipo_data.pipeline.store.ledger import Spent
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.schemas.records import Mode
from hipo_data.stages.sample.shown import Shown

_WINDOW_S = 60.0


@dataclass
class StageProgress:
    """Rows of one stage: rollouts for sample and verify, problems elsewhere."""

    label: str
    unit: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class EngineStatus:
    """All replicas of an engine together, as of their last readings."""

    name: str
    replicas: int
    loading: int
    """Replicas that are not ready yet."""
    in_flight: int
    waiting: int
    """Requests that are ready and wait to be let in."""
    finished: int
    spent: Spent
    restarts: int


@dataclass(frozen=True)
class RunState:
    """A look at a run under way."""

    stages: Sequence[StageProgress] = ()
    engines: Sequence[EngineStatus] = ()
    spent: Spent = field(default_factory=Spent)
    """Over all attempts at the run."""
    modes: Mapping[Mode, Shown] = field(default_factory=dict)
    """What the rollouts show of their mode so far, as of the last readings; only modes with any."""


class Watcher:
    """Whoever listens, to as much of it as it overrides. None of this may raise."""

    def began(self, node: Node) -> None:
        """A node was handed to a worker."""

    def ended(self, node: Node, manifest: Manifest) -> None:
        """It is done."""

    def failed(self, node: Node, error: str) -> None:
        """It is not; the error in one sentence."""

    def said(self, text: str) -> None:
        """A line for people."""

    def looked(self, state: RunState) -> None:
        """About once a second."""

    def closed(self, error: str | None) -> None:
        """The attempt is over; the error that ended it in one sentence, null where it came to its end."""


class Rates:
    """How fast counts that only grow have grown in the last minute."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, Mapping[str, float]]] = deque()

    def look(self, counts: Mapping[str, float], now: float | None = None) -> dict[str, float]:
        """Takes the counts of now, and returns how much each grew in a second; none at the first look."""
        now = time.monotonic() if now is None else now
        self._seen.append((now, dict(counts)))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _WINDOW_S:
            self._seen.popleft()
        then, before = self._seen[0]
        if now <= then:
            return {}
        return {name: (count - before.get(name, 0)) / (now - then) for name, count in counts.items()}
