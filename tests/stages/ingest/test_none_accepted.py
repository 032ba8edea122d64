"""A source of which no row is accepted says in one sentence which column is missing, or else why."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hipo_data.schemas.config import IngestConfig, NearDuplicates
from hipo_data.stages.ingest import none_accepted
from hipo_data.stages.ingest.filters import rules
from hipo_data.stages.ingest.none_accepted import first_look
from hipo_data.stages.ingest.origins import open_source
from hipo_data.stages.ingest.sources.table import ColumnMapping
from tests.stages.ingest.ingesting import acereason, read, sky_row, skywork, table, write, write_parquet
from tests.stages.ingest.test_formats import as_csv

ROWS: list[Any] = [{"problem": f"What is {n} + {n}?", "solution": "s", "answer": "1"} for n in range(30)]
HINT = "; say which it is under the source's 'columns'"
MISSING = "column 'question' is missing; the file has problem, solution, answer" + HINT


def why(*sources: Any, **config: Any) -> list[str]:
    found = read(*sources, **config)
    assert found.accounts.rows_read == len(found.outcomes)
    filters = config.get("filters", {rule.name: False for rule in rules()})
    looks = [first_look(open_source(source, IngestConfig(filters=filters), None)) for source in sources]
    assert [look.why_none for look in looks if look.why_none] == found.accounts.none_accepted
    return found.accounts.none_accepted


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("x.jsonl", lambda path: write(path, ROWS)),
        ("x.parquet", lambda path: write_parquet(path, ROWS)),
        ("x.json", lambda path: path.write_text(json.dumps(ROWS))),
        ("x.csv.gz", lambda path: path.write_bytes(gzip.compress(as_csv(ROWS)))),
    ],
)
def test_a_missing_column_is_named_with_those_that_there_are(
    tmp_path: Path, name: str, written: Callable[[Path], Any]
) -> None:
    written(tmp_path / name)
    assert why(table(tmp_path / name), near_duplicates=NearDuplicates(), filters={}) == [
        f"0 of 30 rows of {name} kept: {MISSING}"
    ]


def test_each_source_is_told_of_by_itself_and_the_others_are_kept(tmp_path: Path) -> None:
    rows = write(tmp_path / "a.jsonl", ROWS)
    good, bad = acereason(rows), table(rows)
    assert why(good, bad) == [f"0 of 30 rows of a.jsonl kept: {MISSING}"]
    assert why(good) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "x.jsonl of source table: there is no row in it"),
        ([{"x": 1}], "0 of 1 row of x.jsonl kept: columns 'question' and 'answer' are missing; the file has x" + HINT),
        (
            [{"question": None, "answer": "1"}, {"question": "a", "answer": None}, {"question": "b", "answer": None}],
            "0 of 3 rows of x.jsonl kept: no_gold 2 (column 'answer' is missing or null), "
            "bad_column 1 (column 'question' must be text; it is missing or null)",
        ),
    ],
)
def test_other_reasons_are_counted(tmp_path: Path, rows: list[Any], said: str) -> None:
    assert why(table(write(tmp_path / "x.jsonl", rows))) == [said]


def test_nested_columns_and_unreadable_files_are_told(tmp_path: Path) -> None:
    rows = write(tmp_path / "x.jsonl", [{"meta": {"q": "a"}, "answer": "1"}])
    assert why(table(rows, columns=ColumnMapping(question="meta.q"))) == []
    (nested,) = why(table(rows, columns=ColumnMapping(question="about.q")))
    assert "column 'about.q' is missing; the file has meta, answer" in nested
    (tmp_path / "y.jsonl.gz").write_bytes(gzip.compress(b"{}" * 999)[:-9])
    (cut,) = why(acereason(tmp_path / "y.jsonl.gz"))
    assert cut.startswith("0 of 1 row of y.jsonl.gz kept: unreadable_file 1 (y.jsonl.gz is cut off or damaged")
    assert why(skywork(write(tmp_path / "z.jsonl", [sky_row("q")]))) == []


def test_a_first_look_ends_with_the_first_row_that_is_accepted_or_enough_that_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(none_accepted, "_ENOUGH_ROWS", 10)
    bad = first_look(open_source(table(write(tmp_path / "x.jsonl", ROWS)), IngestConfig(), None))
    assert (bad.why_none, bad.whole) == (f"0 of the first 30 rows of x.jsonl kept: {MISSING}", False)
    good = first_look(open_source(acereason(tmp_path / "x.jsonl"), IngestConfig(), None))
    assert good.why_none is None
