"""`hipo-data diff`: every way in which two runs' outcomes differ has a line, and equal ones have none."""

import json
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from hipo_data.pipeline.views.diff import Difference, compare
from hipo_data.pipeline.views.printing.diff import print_difference
from hipo_data.pipeline.views.run_files import open_run
from hipo_data.schemas.errors import UserError
from tests.support.made_up_run import make_run, replace_table


@pytest.fixture
def first(tmp_path: Path) -> Path:
    make_run(tmp_path / "first", 80, n=4, bits=1)
    return tmp_path / "first"


def groups(found: Difference) -> dict[str, int]:
    return {group.what: group.count for group in found.groups}


def printed(found: Difference, as_json: bool = False) -> str:
    console = Console(width=160)
    with console.capture() as capture:
        print_difference(console, found, as_json)
    return capture.get()


def edit(run_dir: Path, folder: str, *changes: pl.Expr) -> None:
    for path in (run_dir / folder).glob("0?-????.parquet"):
        replace_table(run_dir, path, pl.read_parquet(path).with_columns(*changes))


def test_equal_runs_have_no_difference_whatever_their_shards(first: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "second", 80, n=4, bits=2)
    found = compare(open_run(first), open_run(tmp_path / "second"))
    assert (found.config, found.groups, found.same) == ([], [], 80)
    assert "No problem and no example differs." in printed(found)


def test_another_delta_moves_modes_and_the_config_says_so(first: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "second", 80, n=4, bits=1, select={"delta": 0.6})
    found = compare(open_run(first), open_run(tmp_path / "second"))
    before, after = (
        dict(open_run(run).scan("select").select("problem_id", "mode").collect().iter_rows())  # type: ignore[union-attr]
        for run in (first, tmp_path / "second")
    )
    moved = [key for key in before if before[key] != after[key]]
    assert found.config == ["select.delta: 0.15 → 0.6"]
    assert sum(count for what, count in groups(found).items() if what.startswith("mode: ")) == len(moved) > 0
    (group,) = [group for group in found.groups if group.what == "mode: think-on (margin) → think-off (default_off)"]
    assert set(group.such_as) <= set(moved)
    assert groups(found)["examples: another response"] == len(moved)
    assert not any(what.startswith("kept rollout") for what in groups(found))  # who moved is told once
    assert any(what.startswith("rule: think-on (margin) → think-on (fallback_on)") for what in groups(found))


def test_problems_of_one_run_alone_are_counted_on_their_side(first: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "second", 70, n=4, bits=1)
    found = groups(compare(open_run(first), open_run(tmp_path / "second")))
    assert found["problems: only in the first run"] == 10
    assert found["examples: only in the first run"] <= 10
    assert not any("only in the second run" in what for what in found)
    assert groups(compare(open_run(tmp_path / "second"), open_run(first)))["problems: only in the second run"] == 10


def test_another_kept_rollout_response_and_justification_are_told_apart(first: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    make_run(second, 80, n=4, bits=1)
    edit(
        second,
        "select",
        pl.when(pl.col("mode") == "think_on").then(pl.col("index") + 1).otherwise("index").alias("index"),
    )
    edit(second, "justify", pl.lit("Another reason.").alias("justification"))
    found = compare(open_run(first), open_run(second))
    on = pl.read_parquet(str(first / "select/01-????.parquet")).filter(pl.col("mode") == "think_on").height
    examples = found.examples[0]
    assert groups(found) == {"kept rollout: another one of think-on": on, "examples: another justification": examples}
    assert found.same == 80 - on


def test_a_run_without_decisions_is_refused(first: Path, tmp_path: Path) -> None:
    for path in (first / "select").glob("*.json"):
        path.unlink()
    with pytest.raises(UserError, match="has decided nothing yet"):
        compare(open_run(first), open_run(first))


def test_json_holds_the_same(first: Path, tmp_path: Path) -> None:
    make_run(tmp_path / "second", 70, n=4, bits=1)
    found = compare(open_run(first), open_run(tmp_path / "second"))
    read = json.loads(printed(found, as_json=True))
    assert read["problems"] == [80, 70]
    assert {group["what"]: group["count"] for group in read["groups"]} == groups(found)
