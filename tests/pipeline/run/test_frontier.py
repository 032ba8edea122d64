"""Which nodes become ready as others finish, fail, are refused or are up to date: the graph alone, nothing runs."""

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.pipeline.graph.nodes import INGEST, PUBLISH, Node, asks, parents
from hipo_data.pipeline.graph.stages import STAGES
from hipo_data.pipeline.run.frontier import Frontier, Opened
from hipo_data.pipeline.store.manifest import Manifest, Output
from hipo_data.schemas.config import RunConfig
from tests.pipeline.run.small_run import OFF, ON, SHARDS, config_of, manifest_of

FIRST, SECOND = SHARDS


def frontier_of(
    config: RunConfig | None = None, wanted: Iterable[str] = STAGES, up_to_date: Iterable[str] = ()
) -> Frontier:
    """One that finds the named nodes up to date."""

    def look(node: Node, inputs: dict[str, Output]) -> Manifest | str:
        return manifest_of(node) if node.name in up_to_date else "not done yet"

    return Frontier(config or config_of(), set(wanted), look)


def names(opened: Opened) -> set[str]:
    return {node.name for node in opened.ready}


def finish(frontier: Frontier, *nodes: Node) -> set[str]:
    """The names of what became ready by the last of them."""
    ready: set[str] = set()
    for node in nodes:
        ready = names(frontier.finished(node, manifest_of(node)))
    return ready


def run_all(frontier: Frontier, opened: Opened, order: Random) -> list[Node]:
    """Finishes whatever is ready, in any order."""
    ready, ran = list(opened.ready), []
    while ready:
        node = ready.pop(order.randrange(len(ready)))
        ran.append(node)
        ready += frontier.finished(node, manifest_of(node)).ready
    return ran


def test_a_new_run_begins_with_ingest_and_goes_on_with_what_its_shards_can_sample() -> None:
    frontier = frontier_of()
    assert names(frontier.start()) == {"ingest/all"}
    assert finish(frontier, INGEST) == {f"sample.{mode}/{shard}" for mode in (OFF, ON) for shard in SHARDS}
    assert frontier.shards == {FIRST: 0, SECOND: 1}


def test_a_shard_goes_on_without_waiting_for_the_others() -> None:
    frontier = frontier_of()
    frontier.start()
    finish(frontier, INGEST)
    assert finish(frontier, Node("sample", FIRST, ON)) == {f"verify.think_on/{FIRST}"}
    assert finish(frontier, Node("verify", FIRST, ON), Node("sample", FIRST, OFF), Node("verify", FIRST, OFF)) == {
        f"select/{FIRST}"
    }
    assert finish(frontier, Node("select", FIRST)) == {f"justify/{FIRST}"}
    assert finish(frontier, Node("justify", FIRST)) == set()  # publish waits for the other shard


@pytest.mark.parametrize(
    "changes",
    [{}, {"sample": {"n": 4, "stop": "decided"}}, {"sample": {"n": 8}, "verify": {"pseudo_gold": {}}}],
    ids=str,
)
@given(order=st.randoms(use_true_random=False))
def test_every_node_runs_once_and_after_all_that_it_reads_whatever_the_order(
    changes: dict[str, Any], order: Random
) -> None:
    config = config_of(**changes)
    frontier = frontier_of(config)
    ran = run_all(frontier, frontier.start(), order)
    assert len(ran) == len(set(ran)) == 2 + 6 * len(SHARDS) and ran[-1] == PUBLISH
    for place, node in enumerate(ran):
        assert set(parents(node, SHARDS, config)) <= set(ran[:place])
    assert not list(frontier.to_come())


def test_what_is_up_to_date_is_named_in_order_and_opens_what_reads_it() -> None:
    done = ["ingest/all", f"sample.think_off/{FIRST}", f"verify.think_off/{FIRST}"]
    opened = frontier_of(up_to_date=done).start()
    assert [node.name for node, _ in opened.up_to_date] == done
    assert names(opened) == {f"sample.think_on/{FIRST}", *(f"sample.{mode}/{SECOND}" for mode in (OFF, ON))}


def test_a_node_that_changed_runs_again_and_what_reads_it_is_looked_at_anew() -> None:
    """Its child is up to date only if the new output is as the old one was: who looks is given the new inputs."""
    seen: dict[str, dict[str, Output]] = {}

    def look(node: Node, inputs: dict[str, Output]) -> Manifest | str:
        seen[node.name] = inputs
        return "prompt changed" if node.stage == "sample" else manifest_of(node)

    frontier = Frontier(config_of(), set(STAGES), look)
    frontier.start()
    changed = manifest_of(Node("sample", FIRST, ON), n=1)
    changed.outputs["rows"] = Output(path="new", rows=1, bytes=1, sha256="1" * 64)
    opened = frontier.finished(Node("sample", FIRST, ON), changed)
    assert [node.name for node, _ in opened.up_to_date] == [f"verify.think_on/{FIRST}"]
    assert seen[f"verify.think_on/{FIRST}"][f"sample.think_on/{FIRST}"].path == "new"


def test_what_a_failed_node_feeds_is_not_to_come_and_other_shards_go_on() -> None:
    frontier = frontier_of()
    frontier.start()
    finish(frontier, INGEST)
    frontier.failed(Node("sample", FIRST, ON))
    assert {node.name for node in frontier.to_come()} == {
        f"verify.think_off/{FIRST}",
        *(f"verify.{mode}/{SECOND}" for mode in (OFF, ON)),
        f"select/{SECOND}",
        f"justify/{SECOND}",
        "publish/all",
    }
    assert finish(frontier, Node("sample", FIRST, OFF)) == {f"verify.think_off/{FIRST}"}
    assert finish(frontier, Node("verify", FIRST, OFF)) == set()


def test_nor_is_what_reads_that() -> None:
    frontier = frontier_of(wanted=["ingest", "sample", "verify", "justify"])
    frontier.start()
    finish(frontier, INGEST, *(Node("sample", shard, ON) for shard in SHARDS))
    assert {node.name for node in frontier.to_come() if node.stage == "justify"} == {f"justify/{s}" for s in SHARDS}
    assert not any(node.stage == "select" for node in frontier.to_come())  # nobody asked for it
    frontier.failed(Node("verify", FIRST, ON))
    assert {node.name for node in frontier.to_come() if node.stage == "justify"} == {f"justify/{SECOND}"}


def test_after_a_halt_nothing_that_asks_becomes_ready_and_complete_shards_are_published() -> None:
    config = config_of()
    frontier = frontier_of(config)
    frontier.start()
    finish(frontier, INGEST, *(Node(stage, FIRST, mode) for mode in (ON, OFF) for stage in ("sample", "verify")))
    finish(frontier, Node("select", FIRST), Node("justify", FIRST))
    frontier.halt()
    late = [Node("sample", SECOND, OFF), Node("verify", SECOND, OFF), Node("sample", SECOND, ON)]
    assert finish(frontier, *late) == {f"verify.think_on/{SECOND}"}
    assert finish(frontier, Node("verify", SECOND, ON)) == {f"select/{SECOND}"}
    assert asks(Node("justify", SECOND), config) and finish(frontier, Node("select", SECOND)) == set()
    assert names(frontier.publish_complete()) == {"publish/all"}
    assert set(frontier.shards) == {FIRST} and PUBLISH not in set(frontier.to_come())
    assert {label for label in frontier.inputs(PUBLISH) if SECOND in label} == set()


def test_a_halt_leaves_a_justify_node_that_asks_nothing() -> None:
    config = config_of(publish={"format": "thinkless"})
    assert not asks(Node("justify", FIRST), config)
    frontier = frontier_of(config)
    frontier.start()
    finish(frontier, INGEST, *(Node(stage, FIRST, mode) for mode in (ON, OFF) for stage in ("sample", "verify")))
    frontier.halt()
    assert finish(frontier, Node("select", FIRST)) == {f"justify/{FIRST}"}


@pytest.mark.parametrize("failed", [True, False])
def test_without_a_complete_shard_nothing_is_published(failed: bool) -> None:
    frontier = frontier_of()
    frontier.start()
    finish(frontier, INGEST)
    if failed:
        frontier.failed(Node("sample", FIRST, ON))
    frontier.halt()
    assert names(frontier.publish_complete()) == set() and not frontier.shards


def test_a_shard_that_failed_does_not_keep_the_complete_ones_from_being_published() -> None:
    frontier = frontier_of()
    frontier.start()
    finish(frontier, INGEST, *(Node(stage, FIRST, mode) for mode in (ON, OFF) for stage in ("sample", "verify")))
    finish(frontier, Node("select", FIRST), Node("justify", FIRST))
    frontier.failed(Node("sample", SECOND, OFF))
    frontier.halt()
    assert names(frontier.publish_complete()) == {"publish/all"}


def test_what_nobody_asked_for_is_taken_where_it_is_up_to_date_and_never_run() -> None:
    sampled = ["ingest/all", *(f"sample.{mode}/{shard}" for mode in (OFF, ON) for shard in SHARDS)]
    only = frontier_of(wanted=["verify"], up_to_date=sampled)
    assert names(only.start()) == {f"verify.{mode}/{shard}" for mode in (OFF, ON) for shard in SHARDS}
    assert not only.is_out_of_reach
    finish(only, *(Node("verify", shard, mode) for mode in (OFF, ON) for shard in SHARDS))
    assert set(only.blocked) == {f"select/{shard}" for shard in SHARDS} and not only.is_out_of_reach


@pytest.mark.parametrize("done", [[], ["ingest/all"]])
def test_what_waits_for_what_nobody_asked_for_is_out_of_reach(done: list[str]) -> None:
    frontier = frontier_of(wanted=["select"], up_to_date=done)
    assert not frontier.start().ready
    assert frontier.is_out_of_reach and set(frontier.blocked.values()) == {"not done yet"}


def test_earlier_shards_come_first_and_of_one_what_is_nearest_to_the_dataset() -> None:
    frontier = frontier_of()
    frontier.start()
    finish(frontier, INGEST)
    order = [Node("justify", FIRST), Node("sample", FIRST, OFF), Node("sample", FIRST, ON), Node("justify", SECOND)]
    assert [frontier.urgency(node) for node in order] == [0, 1, 2, 3]


def test_an_error_of_whoever_looks_comes_through() -> None:
    def look(node: Node, inputs: dict[str, Output]) -> Manifest | str:
        raise FileNotFoundError("problems.jsonl")

    with pytest.raises(FileNotFoundError, match=r"problems\.jsonl"):
        Frontier(config_of(), set(STAGES), look).start()
