"""All engines of a run: made when they are first needed, and asked how they are once a second."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hipo_data.pipeline.replicas.pool import EnginePool, Replica
from hipo_data.pipeline.store.ledger import Spent
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.watch.watcher import EngineStatus
from hipo_data.schemas.config import EngineConfig, RunConfig

_LAST_READING_S = 10.0
_STOP_S = 10.0


class EnginePools:
    """The pools by name of the engine.

    Args:
        config: of the run.
        run_dir: where the engines log.
        models: name of the model of each engine, for people.
        say: tells people something.
    """

    def __init__(
        self, config: RunConfig, run_dir: RunPath, models: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self._config = config
        self._run_dir = run_dir
        self._models = models
        self._say = say
        self._pools: dict[str, EnginePool] = {}
        self._readings: dict[Any, tuple[EnginePool, Replica]] = {}
        """Readings that are under way, by Ray's reference."""

    def of(self, engine: str) -> EnginePool:
        """The pool of an engine."""
        if engine not in self._pools:
            config = self._config.engines[engine]
            self._say_what_is_short(engine, config)
            self._pools[engine] = EnginePool(engine, config, self._run_dir, self._config.ray)
        if not self._pools[engine].replicas:
            self._pools[engine].open()
        return self._pools[engine]

    def is_open(self, engine: str) -> bool:
        """Whether an engine has replicas."""
        return engine in self._pools and bool(self._pools[engine].replicas)

    def release(self, idle: Iterable[str], needed: Container[str]) -> None:
        """Closes engines with nothing to do: those that are not needed again, and all where another has no room.

        Args:
            idle: engines without a node that is ready or under way.
            needed: those for which nodes may become ready yet.
        """
        pools = [self._pools[name] for name in idle if self.is_open(name)]
        crowded = any(pool.waits for pool in self._pools.values() if pool not in pools)
        closing = [pool for pool in pools if crowded or pool.name not in needed]
        if not closing:
            return
        alive = [replica for pool in closing for replica in pool.replicas if replica.moved is not None]
        self._read(alive)
        self._wait_for([replica.handle.stop.remote() for replica in alive])
        for pool in closing:
            for replica in pool.replicas:
                self.forget(replica)
            pool.close()
            if crowded:
                self._say(f"engine '{pool.name}' has nothing to do now and makes room for another")

    def _say_what_is_short(self, engine: str, config: EngineConfig) -> None:
        """Replicas that find no room now start as nodes join; a run may wait for that on purpose, so it is no error."""
        one = {"CPU": config.resources.num_cpus, "GPU": config.resources.num_gpus}
        import ray

        present = ray.cluster_resources()  # type: ignore[no-untyped-call]
        short = {name: n for name, n in one.items() if config.replicas * n > present.get(name, 0)}
        if short:
            wanted = ", ".join(f"{config.replicas * n:g} {name}" for name, n in short.items())
            there = ", ".join(f"{present.get(name, 0):g} {name}" for name in short)
            room = min(int(present.get(name, 0) // n) for name, n in short.items())
            waits = (
                "it waits for nodes"
                if room == 0
                else f"{config.replicas - room} of its {config.replicas} replicas wait for nodes"
            )
            self._say(f"engine '{engine}' asks for {wanted} in all, and the cluster has {there} now; {waits}")

    @property
    def readings(self) -> list[Any]:
        """References of the readings under way, to wait for."""
        return list(self._readings)

    def ask(self) -> None:
        """Asks all engines how they are that have answered the last time."""
        busy = {id(replica) for _, replica in self._readings.values()}
        for pool, replica in self._replicas():
            if id(replica) not in busy:
                self._readings[replica.handle.progress.remote()] = pool, replica

    def land(self, reference: Any) -> bool:
        """Takes in a reading that is there; whether `reference` was one."""
        asked = self._readings.pop(reference, None)
        if asked is None:
            return False
        pool, replica = asked
        if self._take_in(replica, reference):
            self._announce(pool.name, replica)
        return True

    def read_all(self) -> None:
        """Takes a last reading of all."""
        self._read([replica for _, replica in self._replicas()])

    def _read(self, replicas: list[Replica]) -> None:
        if not replicas:
            return
        import ray

        asked = {replica.handle.progress.remote(): replica for replica in replicas}
        ready, _ = ray.wait(list(asked), num_returns=len(asked), timeout=_LAST_READING_S)
        for reference in ready:
            self._take_in(asked[reference], reference)

    def _take_in(self, replica: Replica, reference: Any) -> bool:
        """Whether a reading came: one that died has nothing to add; its nodes under way fail as well, and decide."""
        import ray

        try:
            replica.read(ray.get(reference))
        except ray.exceptions.RayActorError:
            return False
        return True

    def keep_logs(self) -> None:
        """Copies the logs to where the run lives, if that is elsewhere."""
        if not isinstance(self._run_dir, Path):
            self._wait_for([replica.handle.keep_log.remote() for _, replica in self._replicas()])

    def stalled(self) -> list[tuple[EnginePool, Replica]]:
        """Engines in which nothing has moved for longer than it may."""
        return [
            (pool, replica)
            for pool, replica in self._replicas()
            if pool.stall_s is not None and replica.still_s() > pool.stall_s
        ]

    def forget(self, replica: Replica) -> None:
        """No longer waits for a reading of one that is replaced."""
        self._readings = {reading: of for reading, of in self._readings.items() if of[1] is not replica}

    def stop_nodes(self) -> None:
        """Lets the nodes under way end with what they have."""
        for _, replica in self._replicas():
            replica.handle.stop_nodes.remote()

    def stop(self) -> None:
        """Lets the engines journal what is finished and stops them."""
        self._wait_for([replica.handle.stop.remote() for _, replica in self._replicas()])

    def _wait_for(self, references: list[Any]) -> None:
        if references:
            import ray

            ray.wait(references, num_returns=len(references), timeout=_STOP_S)

    def forget_in_flight(self) -> None:
        """The run ended in peace."""
        for pool in self._pools.values():
            pool.forget_in_flight()

    def done(self) -> dict[str, int]:
        """Finished rows of nodes under way, by the name of the node; one that has just ended may still be there."""
        return {name: done for _, replica in self._replicas() for name, done in replica.last.done.items()}

    def shown(self) -> dict[str, dict[str, int]]:
        """What the rollouts that nodes under way have finished show of their mode, by the name of the node."""
        return {name: counts for _, replica in self._replicas() for name, counts in replica.last.shown.items()}

    @property
    def spent(self) -> dict[str, Spent]:
        """What this attempt has spent so far, by engine."""
        return {pool.name: pool.spent for pool in self._pools.values()}

    @property
    def status(self) -> list[EngineStatus]:
        """How the engines are, as of their last readings."""
        return [pool.status for pool in self._pools.values()]

    @property
    def restarts(self) -> int:
        """Engines that were started again."""
        return sum(pool.restarts for pool in self._pools.values())

    @property
    def start_seconds(self) -> float:
        """How long the slowest one took to start."""
        return max((pool.start_seconds for pool in self._pools.values()), default=0.0)

    def _replicas(self) -> Iterator[tuple[EnginePool, Replica]]:
        for pool in self._pools.values():
            for replica in list(pool.replicas):
                yield pool, replica

    def _announce(self, name: str, replica: Replica) -> None:
        if replica.last.loading and not replica.announced:
            replica.announced = True
            self._say(f"engine '{name}' is loading {self._models[name]} …")
        elif replica.last.start_seconds is not None and replica.announced:
            replica.announced = False
            self._say(f"engine '{name}' is ready after {replica.last.start_seconds:.0f} s")
