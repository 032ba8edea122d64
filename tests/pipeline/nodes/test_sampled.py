"""What a sample node writes: responses beyond `sample.n` in quarantine, and tables of all shards alike."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.nodes.sampled import beyond_n, table_of
from hipo_data.pipeline.store.files import scan_tables
from hipo_data.schemas.config import RoleConfig, RunConfig
from hipo_data.schemas.records import Control, Mode, Response
from tests.stages.builders import SOURCE, make_problem, make_rollout

CONFIG = RunConfig.model_validate(
    {
        "name": "n",
        "sources": [{"type": "am_thinking", "path": "x", "import_rollouts": True}],
        "engines": {"teacher": {"type": "replay", "path": "r.jsonl"}},
        "roles": {role: {"engine": "teacher"} for role in ("think_on", "think_off", "justifier")},
        "sample": {"n": 2},
    }
)


def response(problem: str, text: str) -> Response:
    return Response(problem_id=problem, mode=Mode.THINK_ON, text=text, model="m", source=SOURCE)


def test_the_first_n_of_a_problem_are_taken_and_the_others_named() -> None:
    task = Task(
        run_dir=Path("r"), name="s", stage="sample", mode=Mode.THINK_ON, shard="00-0000", config=CONFIG, parts={},
        inputs={},
    )  # fmt: skip
    came = [response("a", "1"), response("b", "1"), response("a", "2"), response("a", "3"), response("a", "4")]
    left = beyond_n(task, came)
    assert [(each.key, each.row, each.reason, each.sources) for each in left] == [
        ("a", "3", "beyond_n", [SOURCE]),
        ("a", "4", "beyond_n", [SOURCE]),
    ]
    assert "raise sample.n" in left[0].detail


@pytest.mark.parametrize("watched", [True, False])
def test_a_shard_without_rollouts_has_the_columns_of_the_others(watched: bool, tmp_path: Path) -> None:
    control = {"control": {"chunk": 8, "agree": 2}} if watched else {}
    role = RoleConfig.model_validate({"engine": "teacher", **control})
    took = Control(pieces=1, trials=1, returns=0, unread=0, ended_by="agreement", prompt_tokens=9, completion_tokens=4)
    rollout = make_rollout(make_problem(), control=took if watched else None)
    for name, rollouts in (("a", []), ("b", [rollout])):
        pq.write_table(table_of(rollouts, role), tmp_path / name)
    rows = scan_tables([tmp_path / "a", tmp_path / "b"]).collect()
    assert ("control" in rows.columns) == watched
    if watched:
        assert rows.select(pl.col("control").struct.field("completion_tokens")).item() == 4
