"""Handing nodes out and taking them in, with workers and engines that do as the test says; Ray is not started."""

import errno
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray.exceptions import RayActorError

from hipo_data.engines.base import EngineDeadError
from hipo_data.pipeline.graph.nodes import Node, asks
from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.replicas.actor import NodeStoppedError
from hipo_data.pipeline.replicas.pool import Replica
from hipo_data.pipeline.run.flights import Flights, Landing
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.schemas.errors import EngineRefusedError, RunFailedError, SandboxUnavailable, SourceError, StorageError
from tests.pipeline.run.small_run import OFF, ON, PROBLEMS, SHARDS, config_of, manifest_of, output

FIRST, SECOND = SHARDS
CONFIG = config_of()


class Workers:
    """Nodes end when the test says so, with a manifest or an error."""

    def __init__(self) -> None:
        self.given: list[Task] = []
        self.ended: dict[str, Manifest | BaseException] = {}

    def submit(self, task: Task) -> str:
        self.given.append(task)
        return task.name

    def wait(self, references: list[str], seconds: float) -> list[str]:
        return [reference for reference in self.ended if reference in references]

    def get(self, reference: str) -> Manifest:
        found = self.ended.pop(reference)
        if isinstance(found, BaseException):
            raise found
        return found


class Pool:
    """One replica, or as many as the test puts in, each with room for so many nodes."""

    def __init__(self, name: str, workers: Workers) -> None:
        self.name = name
        self.room = 1_000
        self.given_up = 0
        self._workers = workers
        self.replicas = [self.replica()]
        self.died: list[Replica] = []

    def replica(self) -> Replica:
        return Replica(SimpleNamespace(run=SimpleNamespace(remote=self._workers.submit)))

    def free_replica(self) -> Replica | None:
        return next((replica for replica in self.replicas if len(replica.given) < self.room), None)

    def deaths(self, node: str) -> dict[str, int]:
        return {"p": len(self.died)} if self.died else {}

    def replace(self, replica: Replica) -> int:
        self.died.append(replica)
        self.replicas[self.replicas.index(replica)] = self.replica()
        return self.given_up


class Engines:
    """The pools; a reading is a reference of its own."""

    def __init__(self, workers: Workers) -> None:
        self.pools = {name: Pool(name, workers) for name in ("small", "large")}
        self.used: set[str] = set()
        self.hanging: list[tuple[Pool, Replica]] = []
        self.readings: list[str] = []
        self.landed: list[str] = []
        self.nodes_stopped = False
        self.forgotten: list[Replica] = []

    def of(self, name: str) -> Pool:
        self.used.add(name)
        return self.pools[name]

    def is_open(self, name: str) -> bool:
        return name in self.used

    def land(self, reference: str) -> bool:
        if reference not in self.readings:
            return False
        self.landed.append(reference)
        return True

    def stalled(self) -> list[tuple[Pool, Replica]]:
        return self.hanging

    def forget(self, replica: Replica) -> None:
        self.forgotten.append(replica)

    def stop_nodes(self) -> None:
        self.nodes_stopped = True


class World:
    def __init__(self) -> None:
        self.workers = Workers()
        self.engines = Engines(self.workers)
        self.said: list[str] = []
        self.flights = Flights(
            self.workers,
            self.engines,  # type: ignore[arg-type]
            task_of,
            2,
            Path("runs/small"),
            self.said.append,
        )

    def fly(self, *nodes: Node) -> None:
        """Adds nodes in this order of urgency, and hands out what there is room for."""
        for urgency, node in enumerate(nodes):
            engine = {"sample": "large" if node.mode is ON else "small", "justify": "small"}.get(node.stage)
            self.flights.add(node, engine, urgency)
        self.flights.take_off()

    def end(self, node: Node, result: BaseException | None = None) -> list[Landing]:
        self.workers.ended[node.name] = result or manifest_of(node)
        return list(self.flights.land())

    @property
    def handed_out(self) -> list[str]:
        return [task.name for task in self.workers.given]


def task_of(node: Node) -> Task:
    return Task(
        run_dir=Path("runs/small"),
        name=node.name,
        stage=node.stage,
        mode=node.mode,
        shard=node.shard,
        config=CONFIG,
        parts={},
        inputs={f"problems/{node.shard}": output()},
    )


SAMPLE, OTHER = Node("sample", FIRST, ON), Node("sample", SECOND, ON)


@pytest.fixture
def world() -> World:
    return World()


def test_the_most_urgent_nodes_are_handed_out_first_and_as_many_as_there_is_room(world: World) -> None:
    world.engines.pools["large"].room = 1
    world.flights.add(OTHER, "large", 5)
    world.flights.add(SAMPLE, "large", 2)
    world.flights.add(Node("select", SECOND), None, 3)
    world.flights.add(Node("select", FIRST), None, 0)
    assert world.flights.take_off() == [Node("select", FIRST), Node("select", SECOND), SAMPLE]
    assert world.flights.take_off() == []
    assert world.end(SAMPLE) == [Landing(SAMPLE, manifest_of(SAMPLE))]
    assert world.flights.take_off() == [OTHER]
    assert world.handed_out == [f"select/{FIRST}", f"select/{SECOND}", SAMPLE.name, OTHER.name]
    assert [task.urgency for task in world.workers.given] == [0, 0, 2, 5]


def test_of_equal_urgency_whichever_came_first_goes_first(world: World) -> None:
    nodes = [Node("select", f"04-000{number}") for number in range(8)]
    for node in nodes:
        world.flights.add(node, None, 1)
    assert world.flights.take_off() == nodes


def test_cpus_get_some_nodes_each_beforehand_and_more_in_a_larger_cluster(world: World) -> None:
    nodes = [Node("select", f"08-{number:04x}") for number in range(200)]
    world.fly(*nodes)
    assert len(world.handed_out) == 64
    world.flights.make_room(cpus=50, needed=1)
    world.flights.take_off()
    assert len(world.handed_out) == 100
    world.end(nodes[0], ValueError("broken"))  # one that fails makes room as well
    world.flights.take_off()
    assert len(world.handed_out) == 101


def test_a_cluster_that_lost_its_nodes_is_told_of_once_and_again_when_they_are_back(world: World) -> None:
    world.flights.make_room(cpus=0, needed=1)
    assert not world.said  # nothing is under way
    world.fly(SAMPLE)
    for cpus in (4, 0, 0, 0.5):
        world.flights.make_room(cpus, needed=1)
    assert [said.partition(":")[0] for said in world.said] == ["the cluster has 0 CPUs left and a task needs 1"]
    world.flights.make_room(cpus=8, needed=1)
    world.flights.make_room(cpus=8, needed=1)
    assert world.said[1:] == ["the cluster has 8 CPUs again: the run goes on"]


def test_all_that_ended_lands_and_flights_are_left_until_it_has(world: World) -> None:
    assert not world.flights.are_left()
    world.flights.add(SAMPLE, "large", 0)
    assert world.flights.are_left()
    world.flights.take_off()
    assert world.flights.are_left() and list(world.flights.land()) == []
    assert world.end(SAMPLE) == [Landing(SAMPLE, manifest_of(SAMPLE))]
    assert not world.flights.are_left()


def test_readings_of_engines_land_beside_nodes(world: World) -> None:
    world.fly(SAMPLE)
    world.engines.readings = ["reading"]
    world.workers.ended["reading"] = ValueError("not to be got here")
    assert list(world.flights.land()) == [] and world.engines.landed == ["reading"]


@pytest.mark.parametrize(("node", "requests"), [(SAMPLE, 4 * PROBLEMS), (Node("justify", FIRST), PROBLEMS)])
def test_a_replica_is_charged_with_a_node_s_requests_until_it_ends(world: World, node: Node, requests: int) -> None:
    """A node that ended makes room before the next reading: else shards with nothing to ask go one queue a second."""
    world.fly(node)
    (replica,) = world.engines.pools["large" if node is SAMPLE else "small"].replicas
    assert replica.given == {node.name: requests}
    world.end(node)
    assert replica.given == {}


@pytest.mark.parametrize("error", [EngineDeadError("gone"), RayActorError()])
def test_all_nodes_of_an_engine_that_died_go_on_in_the_next_one_with_what_is_known_of_its_death(
    world: World, error: BaseException
) -> None:
    off = Node("sample", FIRST, OFF)
    world.fly(SAMPLE, OTHER, off)
    assert world.end(SAMPLE, error) == []
    large, small = world.engines.pools["large"], world.engines.pools["small"]
    assert len(large.died) == 1 and world.engines.forgotten == large.died and not small.died
    assert "engine 'large' died" in world.said[0] and "2 shards go on" in world.said[0]
    assert world.flights.take_off() == [SAMPLE, OTHER]
    assert [task.deaths for task in world.workers.given[-2:]] == [{"p": 1}, {"p": 1}]
    assert [task.urgency for task in world.workers.given] == [0, 1, 2, 0, 1]
    assert world.end(off) == [Landing(off, manifest_of(off))]


def test_a_node_that_ended_together_with_its_engine_is_asked_once_more_and_lands_once(world: World) -> None:
    world.fly(SAMPLE, OTHER)
    world.workers.ended = {SAMPLE.name: EngineDeadError("gone"), OTHER.name: manifest_of(OTHER)}
    assert list(world.flights.land()) == []
    world.workers.ended.clear()
    world.flights.take_off()
    assert world.end(OTHER) == [Landing(OTHER, manifest_of(OTHER))]
    assert Counter(world.handed_out) == {SAMPLE.name: 2, OTHER.name: 2}


def test_an_engine_that_dies_again_and_again_ends_the_run_unless_a_node_got_through_meanwhile(world: World) -> None:
    def die() -> None:
        world.flights.take_off()
        world.end(SAMPLE, EngineDeadError("no memory"))

    world.fly(SAMPLE, OTHER)
    die()
    die()
    world.flights.take_off()
    world.end(OTHER)
    die()
    die()
    with pytest.raises(RunFailedError, match="'large' died 3 times without progress; the last time: no memory"):
        die()


def test_giving_up_prompts_that_kill_an_engine_is_progress(world: World) -> None:
    world.engines.pools["large"].given_up = 2
    world.fly(SAMPLE)
    for _ in range(5):
        world.end(SAMPLE, EngineDeadError("gone"))
        world.flights.take_off()
    assert world.said[-1] == "2 prompts are not asked again: each time, the engine died over them"


def test_an_engine_that_hangs_is_replaced_as_one_that_died(world: World) -> None:
    world.fly(SAMPLE)
    pool = world.engines.pools["large"]
    world.engines.hanging = [(pool, pool.replicas[0])]
    world.flights.restart_stalled()
    assert "engine 'large' hangs (nothing moved in it for 0 s)" in world.said[0]
    assert world.flights.take_off() == [SAMPLE]


@pytest.mark.parametrize(
    "error",
    [EngineRefusedError("no such model"), SandboxUnavailable("no bwrap"), SourceError("404"), StorageError("denied")],
    ids=lambda error: type(error).__name__,
)
def test_what_would_fail_everywhere_ends_the_run_in_its_own_words(world: World, error: Exception) -> None:
    world.fly(SAMPLE)
    with pytest.raises(RunFailedError, match=f"^{error}$"):
        world.end(SAMPLE, error)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_ends_the_run(world: World, number: int) -> None:
    world.fly(Node("select", FIRST))
    with pytest.raises(RunFailedError, match=f"no space left while writing select/{FIRST} in runs/small; free some"):
        world.end(Node("select", FIRST), OSError(number, "full"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EIO, "Input/output error"), "[Errno 5] Input/output error"),
        (ValueError("first\nbroken table\n"), "broken table"),
        (RayActorError(), "its process ended unexpectedly"),
    ],
)
def test_any_other_error_fails_that_node_alone(world: World, error: BaseException, said: str) -> None:
    broken, fine = Node("select", FIRST), Node("select", SECOND)
    world.fly(broken, fine)
    assert world.end(broken, error) == [Landing(broken, error=said)]
    assert world.end(fine) == [Landing(fine, manifest_of(fine))]


def test_once_a_budget_is_used_up_nothing_more_is_asked_and_what_asks_nothing_goes_on(world: World) -> None:
    config = config_of(publish={"format": "thinkless"})  # its justify nodes ask nothing
    unwanted: Callable[[Node], bool] = lambda node: asks(node, config)  # noqa: E731
    world.engines.pools["large"].room = 1
    world.fly(SAMPLE, OTHER)
    world.flights.add(Node("justify", FIRST), "small", 0)
    world.flights.stop_asking(unwanted)
    assert world.engines.nodes_stopped
    assert world.end(SAMPLE, NodeStoppedError("stopped")) == []
    assert world.flights.take_off() == [Node("justify", FIRST)]


def test_what_is_left_of_a_queue_keeps_its_order(world: World) -> None:
    nodes = [Node("justify", f"04-{number:04x}") for number in range(12)]
    for urgency in (0, 6, 1, 9, 7, 3, 2, 11, 10, 8, 5, 4):
        world.flights.add(nodes[urgency], "small", urgency)
    unwanted = [nodes[number] for number in (0, 1, 2, 5)]
    world.flights.stop_asking(lambda node: node in unwanted)
    assert world.flights.take_off() == [node for node in nodes if node not in unwanted]


def test_engines_with_nothing_ready_and_nothing_under_way_are_idle(world: World) -> None:
    world.engines.pools["large"].room = 1
    world.fly(SAMPLE, OTHER, Node("sample", FIRST, OFF))
    assert world.flights.idle_engines() == []
    world.end(Node("sample", FIRST, OFF))
    assert world.flights.idle_engines() == ["small"]
    world.end(SAMPLE)
    assert world.flights.idle_engines() == ["small"]  # a node for the other one is ready
    world.flights.take_off()
    world.end(OTHER)
    assert set(world.flights.idle_engines()) == {"small", "large"}
    world.engines.used.remove("small")  # it was closed
    assert world.flights.idle_engines() == ["large"]
