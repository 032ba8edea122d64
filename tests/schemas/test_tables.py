"""Source files are read row by row, and what cannot be read comes out as a row that says so."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hipo_data.schemas.tables import Row, lookup, read_rows, source_files
from hipo_data.schemas.text import valid_unicode


def rows_of(tmp_path: Path, content: bytes) -> list[Row]:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    return list(read_rows(path))


def test_good_lines_come_out_with_file_and_line(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, b'{"a": 1}\n{"a": "\xc3\xa9"}\r\n{"a": null}')
    assert [(row.file, row.number, row.values) for row in rows] == [
        ("rows.jsonl", 0, {"a": 1}),
        ("rows.jsonl", 1, {"a": "é"}),
        ("rows.jsonl", 2, {"a": None}),
    ]


def test_blank_lines_are_no_rows_but_count_as_lines(tmp_path: Path) -> None:
    assert [row.number for row in rows_of(tmp_path, b'\n{"a": 1}\n  \t\r\n\n{"a": 2}\n\n')] == [1, 4]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"a": 1', "JSONDecodeError"),
        (b"{'a': 1}", "JSONDecodeError"),
        (b'{"a": 1} {"a": 2}', "Extra data"),
        (b'{"a": "\xff\xfe"}', "UnicodeDecodeError"),
        ('{"a": "é"}'.encode("latin-1"), "UnicodeDecodeError"),
        ('{"a": 1}'.encode("utf-16"), "UnicodeDecodeError"),
        (b"[1, 2]", "a JSON object is expected, this is list"),
        (b'"text"', "a JSON object is expected, this is str"),
        (b"null", "a JSON object is expected, this is NoneType"),
        (b"\x00", "JSONDecodeError"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "4300 digits"),
        (b"[" * 100_000, "RecursionError"),
    ],
)
def test_a_broken_line_says_why_and_the_rest_goes_on(tmp_path: Path, line: bytes, says: str) -> None:
    rows = rows_of(tmp_path, b'{"a": 1}\n' + line + b'\n{"a": 2}\n')
    broken = [row for row in rows if row.values is None]
    assert [row.values for row in rows if row.values is not None] == [{"a": 1}, {"a": 2}]
    assert broken
    assert says in (broken[0].error or "")
    assert broken[0].number == 1
    assert broken[0].raw


def test_a_byte_order_mark_does_not_cost_the_first_row(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n')
    assert [row.values for row in rows] == [{"a": 1}, {"a": 2}]


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    assert rows_of(tmp_path, b"") == []


def test_parquet_rows_are_numbered_across_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    values: list[dict[str, Any]] = [{"a": number, "b": {"c": [str(number), None]}} for number in range(2_500)]
    pq.write_table(pa.Table.from_pylist(values), path, row_group_size=700)
    rows = list(read_rows(path))
    assert [row.values for row in rows] == values
    assert [row.number for row in rows] == list(range(2_500))


@pytest.mark.parametrize("content", [b"", b"not parquet at all", b"PAR1 cut off"])
def test_a_parquet_file_that_is_none_is_named_in_the_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.parquet"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.parquet cannot be read as Parquet"):
        list(read_rows(path))


def test_a_glob_names_files_in_order_and_no_folders(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "deep/c.jsonl", "folder.jsonl/x.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in source_files(f"{tmp_path}/*.jsonl")] == ["a.jsonl", "b.jsonl"]
    assert [path.name for path in source_files(f"{tmp_path}/**/*.jsonl")] == ["a.jsonl", "b.jsonl", "c.jsonl"]


def test_a_file_whose_name_holds_a_glob_sign_is_found(tmp_path: Path) -> None:
    (tmp_path / "data[1].jsonl").touch()
    assert [path.name for path in source_files(f"{tmp_path}/data[1].jsonl")] == ["data[1].jsonl"]


def test_a_source_without_files_is_refused_with_the_folder_that_it_was_sought_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=rf"no file matches 'data/\*\.jsonl'.*{tmp_path}"):
        source_files("data/*.jsonl")


@pytest.mark.parametrize(
    ("dotted", "wanted"),
    [
        ("a", {"b": {"c": 1}}),
        ("a.b.c", 1),
        ("a.b", {"c": 1}),
        ("a.x.c", None),
        ("a.b.c.d", None),
        ("d.e", "the key itself"),
        ("list.0", None),
        ("", None),
    ],
)
def test_dots_reach_into_objects(dotted: str, wanted: object) -> None:
    values = {"a": {"b": {"c": 1}}, "d": {"e": "inside"}, "d.e": "the key itself", "list": [1]}
    assert lookup(values, dotted) == wanted


def test_lone_surrogates_become_question_marks_and_all_else_stays() -> None:
    assert valid_unicode(json.loads('"a\\ud800b\\ude00"')) == "a?b?"
    assert valid_unicode("é \U0001f9ee\x00") == "é \U0001f9ee\x00"
