"""The replicas of one engine, as the driver sees them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray

from pipeline.engine_actor import EngineActor
from pipeline.engine_host import EngineProgress
from pipeline.ray_options import ray_options
from schemas.config import EngineConfig


@dataclass
class Replica:
    """One actor. `queued` counts the requests that wait in it to be let in, and those of nodes it was just given."""

    handle: Any
    queued: int = 0
    last: EngineProgress = field(default_factory=lambda: EngineProgress(False, None, 0, 0, 0, {}))
    announced: bool = False


class EnginePool:
    """Hands nodes to the least loaded replica, and replaces those that die."""

    def __init__(self, name: str, config: EngineConfig, run_dir: Path, flush_s: float) -> None:
        self.name = name
        self._config = config
        self._run_dir = run_dir
        self._flush_s = flush_s
        self.restarts = 0
        self._tokens_of_lost = 0
        self.replicas = [self._create(number) for number in range(config.replicas)]

    def replace(self, replica: Replica) -> None:
        """A new actor for one that died."""
        number = self.replicas.index(replica)
        self._tokens_of_lost += replica.last.tokens
        self.restarts += 1
        ray.kill(replica.handle)
        self.replicas[number] = self._create(number)

    def free_replica(self) -> Replica | None:
        """The replica to give the next node to: the one with the least to do, if its queue is not full already."""
        free = [replica for replica in self.replicas if replica.queued < self._config.max_in_flight]
        return min(free, key=lambda replica: replica.queued + replica.last.in_flight, default=None)

    @property
    def tokens(self) -> int:
        """Completion tokens generated for this driver so far."""
        return self._tokens_of_lost + sum(replica.last.tokens for replica in self.replicas)

    def _create(self, number: int) -> Replica:
        actor = ray.remote(EngineActor).options(
            **ray_options(self._config.resources), max_concurrency=10_000, max_restarts=0
        )
        log = self._run_dir / "logs" / f"{self.name}-{number}.log"
        state = self._run_dir / "engines" / self.name
        return Replica(actor.remote(self._config, log, state, self._flush_s))
