"""`hipo-data show`: one expression language over all shards, and one sentence where it is used wrongly."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from hipo_data.pipeline.views.printing.show import print_rows
from hipo_data.pipeline.views.show import read_rows
from hipo_data.schemas.errors import UserError
from tests.support.made_up_run import make_run, replace_table


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 40 problems in four shards."""
    path = tmp_path_factory.mktemp("runs") / "run[*]"
    make_run(path, 40, n=3, bits=2)
    return path


def show(run_dir: Path, stage: str, limit: int = 10_000, as_json: bool = False, **asked: Any) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        print_rows(console, read_rows(run_dir, stage, limit, **asked), as_json)
    return capture.get()


def rows(run_dir: Path, stage: str, limit: int = 10_000, **asked: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in show(run_dir, stage, limit, as_json=True, **asked).splitlines()]


def test_where_looks_at_the_rows_of_all_shards(run_dir: Path) -> None:
    every = rows(run_dir, "sample")
    found = rows(run_dir, "sample", where="mode = 'think_on' AND completion_tokens > 500 OR \"index\" = 2")
    assert found == [
        row for row in every if (row["mode"] == "think_on" and row["completion_tokens"] > 500) or row["index"] == 2
    ]
    assert 0 < len(found) < len(every) == 240


def test_a_comparison_with_the_whole_is_with_all_shards(run_dir: Path) -> None:
    (longest,) = rows(run_dir, "sample", where="completion_tokens = MAX(completion_tokens)")
    assert longest["completion_tokens"] == max(row["completion_tokens"] for row in rows(run_dir, "sample"))


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("tokenz > 3", "there is no column 'tokenz'; there are problem_id, kind"),
        ('mode = "think_on"', "text stands in single quotes, as in 'think_on'"),
        ("mode =", "unable to parse"),
        ("mode", "has to be true or false for a row"),
        ("n_on + 1", "has to be true or false for a row"),
        ("mode > 3", "cannot compare string with numeric type"),
        ("CAST(mode AS INTEGER) = 3", "conversion from `str`"),
        ("mode IS NULL LIMIT 3", "found 'LIMIT' clause"),
        ("mode IS NULL; DROP TABLE rows", "unexpected token"),
        ("mode IN (SELECT mode FROM rows)", "relation 'rows' was not found"),
        ("read_csv('/etc/passwd') IS NULL", "unsupported function"),
        ("__import__('os').system('true')", "--where"),
    ],
)
def test_a_wrong_expression_gets_one_sentence(run_dir: Path, where: str, sentence: str) -> None:
    with pytest.raises(UserError) as error:
        show(run_dir, "select", where=where)
    assert str(error.value).startswith(f"--where {where}")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_sort_is_over_all_shards_and_nulls_come_last(run_dir: Path) -> None:
    found = rows(run_dir, "select", sort="-chosen_tokens,problem_id")
    tokens = [row["chosen_tokens"] for row in found]
    known = [each for each in tokens if each is not None]
    assert tokens == sorted(known, reverse=True) + [None] * (len(tokens) - len(known))
    assert rows(run_dir, "select", limit=3, sort="-chosen_tokens,problem_id") == found[:3]


def test_columns_make_a_table_in_their_order(run_dir: Path) -> None:
    lines = show(run_dir, "select", limit=2, columns="mode, problem_id").splitlines()
    assert lines[0].split() == ["mode", "problem_id"]
    assert lines[-1] == "2 of 40 rows"
    assert [list(row) for row in rows(run_dir, "select", limit=1, columns="rule,mode")] == [["rule", "mode"]]
    with pytest.raises(UserError, match=r"--columns mode,nothing: there is no column 'nothing'; there are problem_id"):
        show(run_dir, "select", columns="mode,nothing")
    with pytest.raises(UserError, match="--sort -nothing: there is no column 'nothing'"):
        show(run_dir, "select", sort="-nothing")


@pytest.mark.parametrize("text", ["[bold]x[/bold]", "a" * 200, "two\nlines"])
def test_text_of_a_cell_is_shown_as_it_is_on_one_line(tmp_path: Path, text: str) -> None:
    make_run(tmp_path, 1, n=1, bits=0)
    path = tmp_path / "ingest/00-0000.parquet"
    table = pl.read_parquet(path).with_columns(question=pl.lit(text))
    replace_table(tmp_path, path, table)
    line = show(tmp_path, "ingest", columns="question").splitlines()[1]
    assert line.strip() == " ".join(text.split()) if len(text) < 80 else line.startswith("a" * 70)


def test_every_stage_can_be_read(run_dir: Path) -> None:
    assert {stage: len(rows(run_dir, stage)) for stage in ("ingest", "sample", "verify", "select", "rejected")} == {
        "ingest": 40, "sample": 240, "verify": 240, "select": 40, "rejected": 2,
    }  # fmt: skip
    assert len(rows(run_dir, "picks")) == len(rows(run_dir, "justify"))
    assert len(rows(run_dir, "attempts")) == len(rows(run_dir, "justify")) > 30
    with pytest.raises(UserError, match="has no row of publish"):
        show(run_dir, "publish")


def test_nothing_found_says_what_was_asked(run_dir: Path) -> None:
    with pytest.raises(UserError, match="has no row of select that --where asks for"):
        show(run_dir, "select", where="margin > 2")
    with pytest.raises(UserError, match="has no row of select of problem zz"):
        show(run_dir, "select", problem="zz")
