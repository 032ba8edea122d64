"""The replicas of one engine, as the driver sees them."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hipo_data.engines.placement import placement
from hipo_data.pipeline.ray_options import gpus_of_a_node, in_placement_group
from hipo_data.pipeline.replicas.actor import EngineActor
from hipo_data.pipeline.replicas.engine_files import left_in_flight
from hipo_data.pipeline.replicas.host import EngineProgress
from hipo_data.pipeline.replicas.in_flight_file import GIVEN_UP_AFTER
from hipo_data.pipeline.store.ledger import Spent, spent_on
from hipo_data.pipeline.store.run_path import RunPath, scratch
from hipo_data.pipeline.watch.watcher import EngineStatus
from hipo_data.schemas.config import EngineConfig, OpenAIEngine, RayConfig, VllmEngine

if TYPE_CHECKING:
    from ray.util.placement_group import PlacementGroup

_LEAST_QUEUE = 256
"""Requests that a replica has waiting, so that none runs out between two looks of the driver."""
_MOST_TURNING = 32
"""Nodes that a replica may be reading in or writing out; each holds a shard in memory, and the disk is one."""
_ROOM_S = 30.0


@dataclass
class Replica:
    """One actor."""

    handle: Any
    group: "PlacementGroup | None" = None
    """What its workers run in, where they are actors of their own."""
    given: dict[str, int] = field(default_factory=dict)
    """Requests of the nodes that it was given since the last reading and that have not ended."""
    last: EngineProgress = field(default_factory=EngineProgress)
    announced: bool = False
    rate: int = 0
    """Requests finished between the last two readings."""
    born: float = field(default_factory=time.monotonic)
    """When it was asked for, and from its first reading on when that came."""
    moved: float | None = None
    """When it last got on, or had nothing to do; null until its process has answered."""

    def read(self, progress: EngineProgress) -> None:
        """Takes in a reading."""
        if self.moved is None:
            self.born = time.monotonic()  # until then it held nothing
        signs = [(each.finished, each.steps, each.loading) for each in (self.last, progress)]
        if self.moved is None or signs[0] != signs[1] or progress.loading or not progress.in_flight:
            self.moved = time.monotonic()
        self.rate = progress.finished - self.last.finished
        self.last = progress
        self.given.clear()

    @property
    def queued(self) -> int:
        """Requests that wait in it to be let in, and those of nodes it was just given."""
        return self.last.waiting + sum(self.given.values())

    def still_s(self) -> float:
        """Seconds for which nothing has moved in it."""
        return 0.0 if self.moved is None else time.monotonic() - self.moved

    @property
    def is_full(self) -> bool:
        """Whether as much waits in it already as it has under way, or brings between two readings.

        Or whether it cannot keep up with reading shards in and writing them out.
        """
        enough = self.queued >= max(_LEAST_QUEUE, self.last.in_flight, 2 * self.rate)
        return enough or self.last.turning >= _MOST_TURNING


class EnginePool:
    """Hands nodes to the least loaded replica, and replaces those that die."""

    def __init__(self, name: str, config: EngineConfig, run_dir: RunPath, settings: RayConfig) -> None:
        self.name = name
        # Endpoints are silent for as long as they ask callers to wait, and have time limits of their own.
        self.stall_s = settings.stall_s if isinstance(config, VllmEngine) else None
        self._placement = placement(config, gpus_of_a_node())
        self._run_dir = run_dir
        self._flush_s = settings.flush_s
        self.restarts = 0
        self._spent_by_lost = Spent()
        self._finished_by_lost = 0
        self._longest_start_s = 0.0
        self._deaths: Counter[str] = Counter()
        self.replicas: list[Replica] = []

    def open(self) -> None:
        """Makes the replicas; each starts once the cluster has room for it."""
        self.replicas = [self._create(number) for number in range(self._placement.config.replicas)]

    def close(self) -> None:
        """Gives back what the replicas hold. Their last readings are taken before; `open` makes new ones."""
        for replica in self.replicas:
            self._spent_by_lost = self._spent_by_lost.plus(self._spent_by(replica))
            self._finished_by_lost += replica.last.finished
            _end(replica)
        self._longest_start_s = self.start_seconds
        self.replicas = []

    @property
    def waits(self) -> bool:
        """Whether a replica has found no room in the cluster: one that has starts its process in a few seconds."""
        now = time.monotonic()
        return any(replica.moved is None and now - replica.born > _ROOM_S for replica in self.replicas)

    def replace(self, replica: Replica) -> int:
        """A new actor for one that died. Returns how many prompts are given up now as those that killed it."""
        number = self.replicas.index(replica)
        self._spent_by_lost = self._spent_by_lost.plus(self._spent_by(replica))
        self._finished_by_lost += replica.last.finished
        self.restarts += 1
        _end(replica)  # and with its group the workers that outlived the actor
        suspects = left_in_flight(replica.last.machine, self._log(number), self._in_flight_file(number))
        self._deaths.update(suspects)
        self.replicas[number] = self._create(number)
        return sum(self._deaths[prompt] == GIVEN_UP_AFTER for prompt in suspects)

    def forget_in_flight(self) -> None:
        """Nobody died of what was under way when the run ended."""
        for number in range(self._placement.config.replicas):
            in_flight = self._in_flight_file(number)
            if in_flight:
                scratch(in_flight).unlink(missing_ok=True)

    def deaths(self, node: str) -> dict[str, int]:
        """How often an engine died with a prompt of this node under way, by problem."""
        if not self._deaths:
            return {}
        return {key.removeprefix(f"{node} "): n for key, n in self._deaths.items() if key.startswith(f"{node} ")}

    def free_replica(self) -> Replica | None:
        """The replica to give the next node to: the one with the least to do, if its queue is not full already."""
        free = [replica for replica in self.replicas if not replica.is_full]
        return min(free, key=lambda replica: replica.queued + replica.last.in_flight, default=None)

    @property
    def spent(self) -> Spent:
        """What was spent for this driver so far."""
        total = self._spent_by_lost
        for replica in self.replicas:
            total = total.plus(self._spent_by(replica))
        return total

    @property
    def status(self) -> EngineStatus:
        """All replicas together."""
        readings = [replica.last for replica in self.replicas]
        return EngineStatus(
            name=self.name,
            replicas=len(readings),
            loading=sum(reading.start_seconds is None for reading in readings),
            in_flight=sum(reading.in_flight for reading in readings),
            waiting=sum(reading.waiting for reading in readings),
            finished=self._finished_by_lost + sum(reading.finished for reading in readings),
            spent=self.spent,
            restarts=self.restarts,
        )

    @property
    def start_seconds(self) -> float:
        """How long its slowest replica took to start."""
        return max([self._longest_start_s, *(replica.last.start_seconds or 0.0 for replica in self.replicas)])

    def _spent_by(self, replica: Replica) -> Spent:
        gpus = self._placement.config.resources.num_gpus or sum(each.get("GPU", 0) for each in self._placement.bundles)
        held = 0.0 if replica.moved is None else (time.monotonic() - replica.born) * gpus
        return spent_on(self._placement.config, replica.last.prompt_tokens, replica.last.tokens, held)

    def _create(self, number: int) -> Replica:
        import ray

        options, group = in_placement_group(self._placement)
        actor = ray.remote(EngineActor).options(**options, max_concurrency=10_000, max_restarts=0)
        state = self._run_dir / "engines" / self.name
        in_flight = self._in_flight_file(number)
        handle = actor.remote(self._placement.config, self._log(number), state, in_flight, self._flush_s)
        return Replica(handle, group)

    def _log(self, number: int) -> RunPath:
        return self._run_dir / "logs" / f"{self.name}-{number}.log"

    def _in_flight_file(self, number: int) -> RunPath | None:
        """Null for an endpoint: that it cannot be reached is no prompt's doing."""
        if isinstance(self._placement.config, OpenAIEngine):
            return None
        return self._run_dir / "logs" / f"{self.name}-{number}.under-way"


def _end(replica: Replica) -> None:
    import ray
    from ray.util.placement_group import remove_placement_group

    ray.kill(replica.handle)
    if replica.group is not None:
        remove_placement_group(replica.group)
