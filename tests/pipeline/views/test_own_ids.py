"""Problems are found by what their source calls them."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hipo_data.pipeline.store.run_path import run_path
from hipo_data.pipeline.views.explain import explain
from hipo_data.pipeline.views.run_files import open_run
from hipo_data.pipeline.views.show import read_rows
from hipo_data.schemas.errors import UserError
from tests.support.made_up_run import make_run, replace_table


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run of eight problems, of which the source calls the even ones q-0, q-2 …; number 4 is called as a row is."""
    make_run(tmp_path, 8, n=2, bits=0)
    path = tmp_path / "ingest/00-0000.parquet"
    problems = pl.read_parquet(path)
    sources: list[list[dict[str, Any]]] = problems["sources"].to_list()
    for (source,) in sources:
        number = source["row"]
        source["id"] = "rows.jsonl:0" if number == 4 else f"q-{number}" if number % 2 == 0 else None
    replace_table(tmp_path, path, problems.with_columns(pl.Series("sources", sources, problems.schema["sources"])))
    return tmp_path


def number_of(row: dict[str, Any]) -> int:
    return int(row["sources"][0]["row"])


def test_explain_takes_own_ids_before_ids_and_rows(run_dir: Path) -> None:
    files = open_run(run_path(str(run_dir)))
    for asked, number in (("q-2", 2), ("rows.jsonl:0", 4), ("rows.jsonl:3", 3)):
        story = explain(files, asked)
        assert story.problem is not None and number_of(story.problem) == number
    (refused,) = explain(files, "bad-1").rejected
    assert refused["reason"] == "bad_column"
    with pytest.raises(UserError, match="an id that is or begins with 'q-1'"):
        explain(files, "q-1")


def test_show_has_own_ids_beside_the_rows_of_each_stage(run_dir: Path) -> None:
    directory = run_path(str(run_dir))
    for stage in ("sample", "verify", "select"):
        shown = read_rows(directory, stage, 100, problem="q-2")
        assert set(shown.first["source_id"]) == {"q-2"} and len(set(shown.first["problem_id"])) == 1
    named = read_rows(directory, "select", 100, columns="source_id", where="source_id = 'q-6'")
    assert named.first["source_id"].to_list() == ["q-6"]
    assert read_rows(directory, "select", 100).first["source_id"].null_count() == 4
    assert read_rows(directory, "rejected", 100, problem="bad-1").first["reason"].to_list() == ["bad_column"]


def test_a_run_without_own_ids_is_shown_as_it_was(tmp_path: Path) -> None:
    make_run(tmp_path, 4, n=2, bits=0)
    directory = run_path(str(tmp_path))
    assert "source_id" not in read_rows(directory, "select", 100).first.columns
    problem = read_rows(directory, "select", 1).first["problem_id"][0]
    assert set(read_rows(directory, "sample", 100, problem=problem[:12]).first["problem_id"]) == {problem}
