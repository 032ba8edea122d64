"""Nodes on their way: handed to CPUs and engines as those have room, and taken in as they end or their engine dies.

Ready nodes wait here, the most urgent first, in a queue for the CPUs and one for each engine.
"""

import errno
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

from hipo_data.engines.base import EngineDeadError
from hipo_data.pipeline.graph.nodes import Node
from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.ray_errors import cause_of, plain
from hipo_data.pipeline.replicas.actor import NodeStoppedError
from hipo_data.pipeline.replicas.pool import EnginePool, Replica
from hipo_data.pipeline.replicas.pools import EnginePools
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.schemas.errors import DamagedError, RunFailedError, UnfitError
from hipo_data.schemas.records import Mode

_WAIT_S = 0.1
_LEAST_CPU_TASKS = 64
"""Handed to Ray at once, so that a cluster of any size sees that there is work and grows."""
_TASKS_A_CPU = 2


class Workers(Protocol):
    """Where nodes run that need no engine, and who knows what has ended; `Cluster` is Ray's."""

    def submit(self, task: Task) -> Any:
        """Hands a node to a CPU. Returns a reference."""

    def wait(self, references: list[Any], seconds: float) -> list[Any]:
        """Those of the references that are there: waits for the first one so long at most."""

    def get(self, reference: Any) -> Manifest:
        """What a node that is there left. Raises what it raised."""


class _Stalled(RuntimeError):
    """An engine that hangs."""


@dataclass(frozen=True)
class Landing:
    """A node that ended: done, with its manifest, or failed, with the error in a sentence."""

    node: Node
    manifest: Manifest | None = None
    error: str = ""
    damaged: DamagedError | None = None
    """What it could not be made from."""


@dataclass(frozen=True)
class _Flight:
    node: Node
    urgency: int
    replica: Replica | None = None
    pool: EnginePool | None = None


class _Queue:
    """Nodes by urgency, lower ones first; of equal urgency, whichever came first."""

    def __init__(self) -> None:
        self._order = count()
        self._heap: list[tuple[int, int, Node]] = []

    def push(self, node: Node, urgency: int) -> None:
        heapq.heappush(self._heap, (urgency, next(self._order), node))

    def pop(self) -> tuple[Node, int]:
        urgency, _, node = heapq.heappop(self._heap)
        return node, urgency

    def drop(self, unwanted: Callable[[Node], bool]) -> None:
        self._heap = [item for item in self._heap if not unwanted(item[2])]
        heapq.heapify(self._heap)

    def __len__(self) -> int:
        return len(self._heap)


class Flights:
    """The nodes of a run that are ready or under way.

    Args:
        workers: where nodes run that need no engine.
        engines: where the others do.
        task_of: what a worker has to know of a node, made as the node is handed out.
        max_restarts: how often an engine may die while none of its nodes ends.
        run_dir: where nodes write, for people.
        say: tells people something.
    """

    def __init__(
        self,
        workers: Workers,
        engines: EnginePools,
        task_of: Callable[[Node], Task],
        max_restarts: int,
        run_dir: RunPath,
        say: Callable[[str], None],
    ) -> None:
        self._workers = workers
        self._engines = engines
        self._task_of = task_of
        self._max_restarts = max_restarts
        self._run_dir = run_dir
        self._say = say
        self._for_cpus = _Queue()
        self._for_engines: dict[str, _Queue] = {}
        self._flights: dict[Any, _Flight] = {}
        """Nodes under way, by the reference of what they will bring."""
        self._on_cpus = 0
        self._most_on_cpus = _LEAST_CPU_TASKS
        self._starved = False
        """Whether the cluster has too few CPUs for any task."""
        self._deaths_without_progress: dict[str, int] = {}

    def add(self, node: Node, engine: str | None, urgency: int) -> None:
        """A node is ready, to be run beside an engine, or on a CPU where that is null."""
        queue = self._for_cpus if engine is None else self._for_engines.setdefault(engine, _Queue())
        queue.push(node, urgency)

    def are_left(self) -> bool:
        """Whether nodes are ready or under way."""
        return bool(self._flights or self._for_cpus or any(self._for_engines.values()))

    def make_room(self, cpus: float, needed: float) -> None:
        """The cluster has so many CPUs now: Ray gets some nodes for each beforehand. Says so where those are fewer than
        a task needs, as Ray waits for more without a word."""
        self._most_on_cpus = max(_LEAST_CPU_TASKS, round(_TASKS_A_CPU * cpus))
        starved = cpus < needed and bool(self._flights)
        if starved and not self._starved:
            self._say(
                f"the cluster has {cpus:g} CPUs left and a task needs {needed:g}: the run waits for nodes to join; "
                "Ctrl-C stops it, and finished work is kept"
            )
        elif self._starved and not starved:
            self._say(f"the cluster has {cpus:g} CPUs again: the run goes on")
        self._starved = starved

    def stop_asking(self, asks: Callable[[Node], bool]) -> None:
        """Of the nodes beside engines, drops the ready ones that would ask, and ends those under way with what they
        have."""
        for queue in self._for_engines.values():
            queue.drop(asks)
        self._engines.stop_nodes()

    def take_off(self) -> list[Node]:
        """Hands out ready nodes as far as CPUs and engines have room; returns those nodes."""
        began: list[Node] = []
        while self._for_cpus and self._on_cpus < self._most_on_cpus:
            node, urgency = self._for_cpus.pop()
            self._flights[self._workers.submit(self._task_of(node))] = _Flight(node, urgency)
            self._on_cpus += 1
            began.append(node)
        for engine, queue in self._for_engines.items():
            pool = self._engines.of(engine) if queue else None
            while queue and pool is not None and (replica := pool.free_replica()) is not None:
                node, urgency = queue.pop()
                deaths = pool.deaths(node.name)
                task = self._task_of(node).model_copy(update={"deaths": deaths, "urgency": urgency})
                replica.given[node.name] = _requests(task)
                self._flights[replica.handle.run.remote(task)] = _Flight(node, urgency, replica, pool)
                began.append(node)
        return began

    def land(self) -> Iterator[Landing]:
        """Waits a moment for something to end, and takes in all that has: readings of engines, and nodes.

        Of an engine that died, the nodes wait for the next one with what they have in their journals. Raises
        `RunFailedError` where going on is pointless.
        """
        for reference in self._workers.wait([*self._flights, *self._engines.readings], _WAIT_S):
            if not self._engines.land(reference) and reference in self._flights:
                landing = self._land(reference)
                if landing is not None:
                    yield landing

    def restart_stalled(self) -> None:
        """Replaces engines in which nothing has moved for longer than it may. Raises `RunFailedError` as `land`."""
        for pool, replica in self._engines.stalled():
            self._restart(pool, replica, _Stalled(f"nothing moved in it for {replica.still_s():.0f} s"))

    def idle_engines(self) -> list[str]:
        """Engines that run and have no node, ready or under way."""
        busy = {flight.pool.name for flight in self._flights.values() if flight.pool is not None}
        quiet = (name for name, queue in self._for_engines.items() if not queue and name not in busy)
        return [name for name in quiet if self._engines.is_open(name)]

    def _land(self, reference: Any) -> Landing | None:
        from ray.exceptions import RayActorError

        flight = self._flights.pop(reference)
        node, replica, pool = flight.node, flight.replica, flight.pool
        if replica is None:
            self._on_cpus -= 1
        else:  # one with little to ask ends before the next reading, and makes room at once
            replica.given.pop(node.name, None)
        try:
            manifest = self._workers.get(reference)
        except (EngineDeadError, RayActorError) as error:
            if pool is None or replica is None:
                return Landing(node, error=plain(error))
            self._flights[reference] = flight  # requeued together with all the others of this replica
            self._restart(pool, replica, error)
            return None
        except NodeStoppedError:
            return None  # its journal holds what is finished
        except DamagedError as error:
            found = cause_of(error)
            return Landing(node, error=str(found), damaged=found)
        except UnfitError as error:
            raise UnfitError(plain(error)) from error
        except RunFailedError as error:  # whatever ran there would fail as well
            raise RunFailedError(plain(error)) from error
        except OSError as error:
            if cause_of(error).errno in (errno.ENOSPC, errno.EDQUOT):
                raise RunFailedError(
                    f"no space left while writing {node.name} in {self._run_dir}; "
                    "free some and run again, finished work is kept"
                ) from error
            return Landing(node, error=plain(error))
        except Exception as error:
            return Landing(node, error=plain(error))
        if pool is not None:
            self._deaths_without_progress[pool.name] = 0
        return Landing(node, manifest)

    def _restart(self, pool: EnginePool, replica: Replica, error: BaseException) -> None:
        lost = [reference for reference, flight in self._flights.items() if flight.replica is replica]
        deaths = self._deaths_without_progress.get(pool.name, 0) + 1
        self._deaths_without_progress[pool.name] = deaths
        if deaths > self._max_restarts:
            raise RunFailedError(
                f"engine '{pool.name}' died {deaths} times without progress; the last time: {plain(error)}"
            )
        for reference in lost:
            flight = self._flights.pop(reference)
            self.add(flight.node, pool.name, flight.urgency)
        self._engines.forget(replica)
        self._say(
            f"engine '{pool.name}' {'hangs' if isinstance(error, _Stalled) else 'died'} ({plain(error)}); "
            f"starting it again, {len(lost)} shards go on from their journals"
        )
        given_up = pool.replace(replica)
        if given_up:
            self._deaths_without_progress[pool.name] = 0
            self._say(f"{given_up} prompts are not asked again: each time, the engine died over them")


def _requests(task: Task) -> int:
    """Requests that a node beside an engine may make: one a rollout where it has a mode, else one a problem."""
    problems = task.inputs[task.problems_label].rows
    if task.config.sample.adapts and task.mode is not None:  # think-off's node asks for both modes
        return problems * sum(task.config.sample.count(mode) for mode in Mode) if task.mode is Mode.THINK_OFF else 0
    return problems * task.config.sample.count(task.mode) if task.mode is not None else problems
