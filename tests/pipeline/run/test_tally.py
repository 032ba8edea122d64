"""What a run says that it did, from what it was told of its nodes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.pipeline.graph.nodes import INGEST, PUBLISH, Node, shard_nodes
from hipo_data.pipeline.graph.stages import STAGES
from hipo_data.pipeline.run.tally import Tally
from hipo_data.stages.sample.shown import Shown
from tests.pipeline.run.small_run import OFF, ON, PROBLEMS, SHARDS, config_of, manifest_of

FIRST, SECOND = SHARDS


def tally_of(*wanted: str, up_to_date: bool = True) -> Tally:
    """One that knows how many problems there are."""
    tally = Tally(config_of(), set(wanted or STAGES))
    if up_to_date:
        tally.up_to_date(INGEST, manifest_of(INGEST))
    return tally


def run(tally: Tally, node: Node, start: float = 0.0, end: float = 1.0, **counts: int) -> None:
    tally.began(node, start)
    tally.ran(node, manifest_of(node, None, **counts), end)


def shown(tally: Tally, under_way: dict[Node, int] | None = None) -> dict[str, tuple[int, int]]:
    by_name = {node.name: rows for node, rows in (under_way or {}).items()}
    return {stage.label: (stage.done, stage.total) for stage in tally.stages(by_name)}


def test_stages_are_shown_with_rollouts_where_they_run_by_mode_and_problems_elsewhere() -> None:
    tally = tally_of()
    rollouts, problems = 4 * 2 * PROBLEMS, 2 * PROBLEMS
    assert shown(tally) == {
        "sample off": (0, rollouts),
        "verify off": (0, rollouts),
        "sample on": (0, rollouts),
        "verify on": (0, rollouts),
        "select": (0, problems),
        "justify": (0, problems),
    }
    assert {stage.label: stage.unit for stage in tally.stages({})}["sample on"] == "rollouts"


def test_nothing_is_shown_before_ingest_is_done_nor_of_stages_that_nobody_asked_for() -> None:
    assert shown(tally_of(up_to_date=False)) == {}
    assert list(shown(tally_of("verify"))) == ["verify off", "verify on"]


def test_rows_of_nodes_that_ran_that_were_up_to_date_and_that_are_under_way_are_done_rows() -> None:
    tally = tally_of()
    run(tally, Node("sample", FIRST, OFF))
    tally.up_to_date(Node("select", FIRST), manifest_of(Node("select", FIRST)))
    now = shown(tally, {Node("sample", SECOND, OFF): 7, Node("sample", FIRST, ON): 3})
    assert now["sample off"] == (4 * PROBLEMS + 7, 8 * PROBLEMS) and now["sample on"] == (3, 8 * PROBLEMS)
    assert now["select"] == (PROBLEMS, 2 * PROBLEMS)


def test_modes_show_what_nodes_under_way_have_counted_and_no_node_twice() -> None:
    tally = tally_of()
    first, second = (Node("sample", shard, OFF) for shard in SHARDS)
    three, two = Shown(plain=2, cut=1, lengths={20: 2}), Shown(plain=1, failed=1, lengths={20: 1})
    assert tally.modes({}) == {}
    assert tally.modes({first.name: three.counts()}) == {OFF: three}
    run(tally, first, **three.counts())
    late = {first.name: two.counts(), second.name: two.counts()}  # the reading is older than the end of the first
    assert tally.modes(late) == {OFF: three + two}


def test_a_reading_from_before_a_node_ended_counts_no_row_twice() -> None:
    tally = tally_of()
    first, second = (Node("sample", shard, OFF) for shard in SHARDS)
    assert shown(tally, {first: 39, second: 2})["sample off"] == (41, 8 * PROBLEMS)
    run(tally, first)
    assert shown(tally, {first: 39, second: 2})["sample off"] == (4 * PROBLEMS + 2, 8 * PROBLEMS)
    assert shown(tally, {second: 1000})["sample off"] == (8 * PROBLEMS, 8 * PROBLEMS)


def test_an_engine_that_is_started_again_goes_on_from_what_is_journalled() -> None:
    tally, node = tally_of(), Node("sample", FIRST, OFF)
    for rows, said in ((20, 20), (0, 20), (5, 25), (19, 39), (39, 40)):
        assert shown(tally, {node: rows})["sample off"][0] == said
    assert shown(tally)["sample off"][0] == 40


def test_problems_that_select_drops_are_not_waited_for() -> None:
    tally = tally_of()
    run(tally, Node("select", FIRST), kept=3)
    assert shown(tally)["justify"] == (0, PROBLEMS + 3)
    assert shown(tally, {Node("justify", FIRST): 9})["justify"] == (3, PROBLEMS + 3)
    run(tally, Node("justify", FIRST))
    assert shown(tally)["justify"] == (3, PROBLEMS + 3)


NODES = [node for shard in SHARDS for node in shard_nodes(shard)]


@given(st.lists(st.tuples(st.sampled_from(NODES), st.integers(0, 60), st.booleans(), st.booleans()), max_size=60))
def test_progress_never_goes_back_nor_past_its_end(steps: list[tuple[Node, int, bool, bool]]) -> None:
    """Whatever engines say and when, and whenever nodes end, fail and begin again."""
    tally, ended, readings = tally_of(), set(), dict.fromkeys(NODES, 0)
    before = shown(tally)
    for node, rows, ends, remembered in steps:
        if node.stage == "justify" and Node("select", node.shard) not in ended:
            continue  # it has not begun
        readings[node] = rows
        if ends and node not in ended:
            ended.add(node)
            run(tally, node, kept=min(rows, PROBLEMS))
        now = shown(tally, readings if remembered else {node: rows})
        for label, (done, total) in now.items():
            assert before[label][0] <= done <= total <= before[label][1]
        before = now


def test_every_stage_is_through_once_all_nodes_are_done() -> None:
    tally = tally_of()
    for node in (node for shard in SHARDS for node in shard_nodes(shard)):
        run(tally, node)
    run(tally, PUBLISH)
    assert all(done == total for done, total in shown(tally).values())
    assert tally.outcome.ran == {**dict.fromkeys([node.folder for node in shard_nodes(FIRST)], 2), "publish": 1}
    assert tally.outcome.up_to_date == 1


def test_counts_of_sampling_are_those_of_this_attempt_and_what_a_dataset_rests_on_those_of_all() -> None:
    """A node that was up to date sampled nothing now, but its rejected rows are rejected and its savings saved."""
    tally = tally_of()
    earlier, now = Node("sample", FIRST, ON), Node("sample", SECOND, ON)
    counts = {"sampled": 30, "reused": 10, "lost": 2, "unneeded": 5, "saved_tokens": 700}
    tally.up_to_date(earlier, manifest_of(earlier, "one.parquet", **counts))
    tally.began(now, 0.0)
    tally.ran(now, manifest_of(now, "two.parquet", **counts), 1.0)
    outcome = tally.outcome
    assert (outcome.sampled, outcome.reused, outcome.lost) == (30, 10, 2)
    assert (outcome.unneeded, outcome.saved_tokens) == (10, 1400)
    assert [output.path for output in outcome.rejected] == ["one.parquet", "two.parquet"]


@pytest.mark.parametrize(("start_seconds", "sampling"), [(0.0, 60.0), (15.0, 45.0), (90.0, 0.0)])
def test_times_go_from_the_first_node_to_the_last_and_sampling_leaves_out_the_start_of_engines(
    start_seconds: float, sampling: float
) -> None:
    tally = tally_of()
    run(tally, Node("sample", FIRST, OFF), 100.0, 130.0)
    run(tally, Node("sample", SECOND, OFF), 120.0, 150.0)
    run(tally, Node("sample", FIRST, ON), 110.0, 160.0)
    run(tally, Node("select", FIRST), 150.0, 152.0)
    tally.close(start_seconds)
    assert tally.outcome.seconds == {"sample.think_off": 50.0, "sample.think_on": 50.0, "select": 2.0}
    assert tally.outcome.sampling_seconds == sampling


def test_without_sampling_there_is_no_time_of_it() -> None:
    tally = tally_of()
    run(tally, Node("select", FIRST), 5.0, 6.0)
    tally.close(0.0)
    assert tally.outcome.sampling_seconds == 0.0


def test_a_node_that_failed_is_kept_with_its_error_and_did_not_run() -> None:
    tally = tally_of()
    tally.began(Node("select", FIRST), 0.0)
    tally.failed(Node("select", FIRST), "the disk is gone")
    assert tally.outcome.failures == {f"select/{FIRST}": "the disk is gone"}
    assert tally.outcome.ran == {} and shown(tally)["select"][0] == 0
