"""Whatever rows are written as, they read the same; what cannot be read says what it is and what to do."""

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hipo_data.stages.ingest.reading.columns import OF_ANOTHER_TYPE, RAW, REFUSED, ROW, Column
from hipo_data.stages.ingest.reading.csv_rows import read_records, record_blocks
from hipo_data.stages.ingest.reading.json_array import element_blocks
from hipo_data.stages.ingest.reading.json_lines import read_block
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError
from tests.stages.ingest.ingesting import ACEREASON, acereason, read
from tests.stages.ingest.test_json_lines import GOOD, STRANGE

ROWS = [{"problem": f'What is "{n}" + {n},\n as Ü says?', "answer": str(2 * n)} for n in range(40)]


def zstd(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".zst": zstd,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
}


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",", end: str = "\r\n") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


FORMS: dict[str, bytes] = {
    "rows.jsonl": b"".join(json.dumps(row).encode() + b"\n" for row in ROWS),
    "rows.json": json.dumps(ROWS).encode(),
    "indented.json": b"\xef\xbb\xbf \n" + json.dumps(ROWS, indent=2, ensure_ascii=False).encode(),
    "rows": json.dumps(ROWS, indent=1).encode(),
    "rows.csv": as_csv(ROWS),
    "marked.csv": b"\xef\xbb\xbf" + as_csv(ROWS, end="\n"),
    "rows.tsv": as_csv(ROWS, "\t"),
    "semicolons.csv": b"\xef\xbb\xbf" + as_csv(ROWS, ";"),
    "tabs.csv": as_csv(ROWS, "\t"),
}


def problems(path: Path) -> list[tuple[str, str]]:
    found = read(acereason(path))
    assert found.rejected == []
    return sorted((problem.question, problem.gold.answers[0]) for problem in found.problems)  # type: ignore[union-attr]


WANTED = sorted((row["problem"], row["answer"]) for row in ROWS)


def test_rows_read_the_same_in_every_form_and_compression(tmp_path: Path) -> None:
    for compression in ("", *COMPRESSIONS):
        for name, data in FORMS.items():
            (tmp_path / (name + compression)).write_bytes(COMPRESSIONS[compression](data) if compression else data)
    found = read(acereason(tmp_path / "*"))
    assert found.rejected == []
    assert sorted((problem.question, problem.gold.answers[0]) for problem in found.problems) == WANTED  # type: ignore[union-attr]
    files = len(FORMS) * (1 + len(COMPRESSIONS))
    for problem in found.problems:
        rows = [ROWS[source.row]["problem"] for source in problem.sources if "json" not in source.file]
        assert set(rows) == {problem.question}
        assert len({source.file for source in problem.sources}) == files


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.csv"])
def test_utf_16_is_read_with_a_mark_and_without(tmp_path: Path, name: str, encoding: str) -> None:
    (tmp_path / name).write_bytes(FORMS[name].decode().encode(encoding))
    assert problems(tmp_path / name) == WANTED
    (tmp_path / "x.gz").write_bytes(gzip.compress(FORMS["rows.json"].decode().encode(encoding)))
    assert problems(tmp_path / "x.gz") == WANTED


def test_utf_16_that_is_cut_within_a_character_costs_its_last_row(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(FORMS["rows.jsonl"].decode().encode("utf-16-le")[:-5])
    assert [*read(acereason(tmp_path / "x.jsonl")).outcomes.values()].count("unreadable") == 1


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_content_says_how_a_file_is_compressed_whatever_its_name(tmp_path: Path, compression: str) -> None:
    (tmp_path / "x.jsonl").write_bytes(COMPRESSIONS[compression](FORMS["rows.jsonl"]))
    (tmp_path / f"y.jsonl{compression}").write_bytes(FORMS["rows.jsonl"])
    assert problems(tmp_path / "x.jsonl") == problems(tmp_path / f"y.jsonl{compression}") == WANTED


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_several_compressed_parts_after_another_are_one_file(tmp_path: Path, compression: str) -> None:
    whole, half = FORMS["rows.jsonl"], len(FORMS["rows.jsonl"]) // 2
    parts = [COMPRESSIONS[compression](part) for part in (whole[:half], whole[half:])]
    (tmp_path / "x").write_bytes(b"".join(parts))
    assert problems(tmp_path / "x") == WANTED


@pytest.mark.parametrize(
    ("compression", "damage"),
    [
        *((compression, damage) for compression in COMPRESSIONS for damage in ("cut", "cut by a byte")),
        *((compression, "flipped") for compression in COMPRESSIONS if compression != ".zst"),  # Arrow adds no checksum
    ],
)
def test_a_compressed_file_that_is_not_whole_is_named_and_none_of_it_taken(
    tmp_path: Path, compression: str, damage: str
) -> None:
    text = b"".join(
        json.dumps({"problem": f"{n} {Random(n).random()}", "answer": "1"}).encode() + b"\n" for n in range(9_999)
    )
    sound = COMPRESSIONS[compression](text)
    flipped = bytearray(sound)
    flipped[len(sound) // 2] ^= 4
    data = {"cut": sound[: len(sound) // 2], "cut by a byte": sound[:-1], "flipped": bytes(flipped)}[damage]
    (tmp_path / f"a.jsonl{compression}").write_bytes(data)
    (tmp_path / "b.jsonl").write_bytes(GOOD)
    found = read(acereason(tmp_path / "*"))
    assert found.outcomes == {
        (ACEREASON, f"a.jsonl{compression}", 0): "unreadable_file",
        (ACEREASON, "b.jsonl", 0): "problem",
    }
    assert f"a.jsonl{compression} is cut off or damaged" in found.rejected[0].detail
    assert "fetch it again" in found.rejected[0].detail


def zipped(data: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("rows.jsonl", data)
    return sink.getvalue()


def parquet() -> bytes:
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.zip", zipped(b"{}"), "is a zip archive"),
        ("x.jsonl.gz", gzip.compress(zipped(b"{}")), "is a zip archive"),
        ("x.parquet.gz", gzip.compress(parquet()), "is Parquet inside gzip; decompress it"),
        ("x.json", json.dumps({"data": ROWS}, indent=1).encode(), "is one JSON object over several lines"),
        ("x.jsonl.gz", b"", "is empty, where a gzip file has at least a head"),
        ("x.jsonl", FORMS["rows.jsonl"].decode().encode("utf-32"), "is text in UTF-32"),
        ("x.jsonl", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "`git lfs pull`"),
        ("x.jsonl", b"<!DOCTYPE html><title>Sign in</title>", "is a web page"),
        ("x.jsonl.lz4", b"\x04\x22\x4d\x18\x64", "is compressed with lz4"),
        ("x.csv", b'"question,answer\n1,2', "has no line of names"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,  # compressed bytes hold the time of day
)  # fmt: skip
def test_what_is_not_read_says_what_it_is_and_what_to_do(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    found = read(acereason(tmp_path / name))
    assert list(found.outcomes.values()) == ["unreadable_file"]
    assert found.rejected[0].detail.startswith(name + " ")
    assert said in found.rejected[0].detail


def test_parquet_is_read_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "0000.data").write_bytes(parquet())
    assert problems(tmp_path / "0000.data") == WANTED


COLUMNS = [Column("problem"), Column("answer", any_json=frozenset({"answer"})), Column("score", pa.float64())]
NESTED = [*COLUMNS, Column("meta.level")]


def elements(data: bytes, size: int = 2**20) -> list[dict[str, Any]]:
    return [row for block in element_blocks(io.BytesIO(data), size) for row in read_block(block, COLUMNS).to_pylist()]


whole = [
    line for line in STRANGE if line.strip() and line.count(b'"') % 2 == 0 and b"," not in line.replace(b'","', b"")
]


@settings(max_examples=100)
@given(
    rows=st.lists(st.dictionaries(st.sampled_from(["problem", "more"]), st.text() | st.lists(st.text()), max_size=2)),
    size=st.sampled_from([1, 2, 5, 17, 1_000]),
    indent=st.none() | st.integers(0, 2),
    ascii_only=st.booleans(),
)
@example(rows=[{"problem": '\\"]},{[" \\\\'}, {"more": "[" * 9}], size=1, indent=1, ascii_only=False)
def test_elements_of_an_array_read_as_its_lines_would(
    rows: list[dict[str, Any]], size: int, indent: int | None, ascii_only: bool
) -> None:
    data = json.dumps(rows, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    alone = [
        row | {ROW: at}
        for at, each in enumerate(rows)
        for row in elements(b"[" + json.dumps(each, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass") + b"]")
    ]
    shown = [{name: value for name, value in row.items() if name != RAW} for row in elements(data, size)]
    assert shown == [{name: value for name, value in row.items() if name != RAW} for row in alone]


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_elements_that_are_no_objects_cost_their_own_row(size: int) -> None:
    found = elements(
        b'[1, {"problem": "a"}, null, "x,]", {"problem": }, [[{}]], {"problem": "b\n"},, {"problem": "c"}]', size
    )
    assert [row[REFUSED] is None for row in found] == [False, True, False, False, False, False, False, False, True]
    assert [row[ROW] for row in found] == list(range(9))
    assert [row["problem"] for row in found if row["problem"]] == ["a", "c"]


@pytest.mark.parametrize("size", [1, 3, 1_000])
@pytest.mark.parametrize(
    ("data", "rows", "said"),
    [
        (b'[{"problem": "a"}, {"problem": "b"', 1, "is cut off after 1 elements"),
        (b'[{"problem": "a"}', 0, "is cut off after 0 elements"),
        (b'[{"problem": "a"}, {"problem": "b}]', 1, "is cut off after 1 elements"),
        (b'[{"problem": "a"}] {"problem": "b"}', 1, "has more text after the end"),
    ],
)
def test_an_array_that_does_not_end_gives_its_rows_and_one_refusal(
    tmp_path: Path, data: bytes, rows: int, said: str, size: int
) -> None:
    given = 0
    with pytest.raises(UnreadableFileError, match=said) as caught:
        for block in element_blocks(io.BytesIO(data), size):
            given += len(block.line_ends)
    assert given == caught.value.row == rows
    (tmp_path / "x.json").write_bytes(data.replace(b'"problem"', b'"answer": "1", "problem"'))
    outcomes = read(acereason(tmp_path / "x.json")).outcomes
    assert list(outcomes.values()).count("problem") == rows
    assert outcomes[ACEREASON, "x.json", rows] == "unreadable_file"


def records(data: bytes, size: int = 2**20, columns: list[Column] = COLUMNS) -> list[dict[str, Any]]:
    blocks = record_blocks(io.BytesIO(data), ",", size)
    return [row for block in blocks for row in read_records(block, columns).to_pylist()]


def test_an_empty_cell_is_null_and_other_types_are_read_as_json() -> None:
    data = b'problem,score,meta,answer\nq,0.5,"{""level"": 3, ""x"": ""y""}","[""1"", ""2""]"\n,,,\n"",x,[,7\n'
    first, second, third = records(data, columns=NESTED)
    assert (first["problem"], first["score"], first["meta.level"]) == ("q", 0.5, None)
    assert first[OF_ANOTHER_TYPE + "meta.level"] == "int"
    assert first["answer"] == '["1", "2"]'
    assert [second[column.path] for column in NESTED] == [None] * 4
    assert (third["score"], third["answer"], third[REFUSED]) == (None, "7", None)


@pytest.mark.parametrize("size", [1, 1_000])
def test_a_record_that_is_none_costs_its_own_row(size: int) -> None:
    data = b'problem,answer\na,1\n"b" c,2\nd\n\ne,3,4\n\xff,5\n"f\ng, ""h""",6\n"open,7\n'
    found = records(data, size)
    assert [row["problem"] for row in found] == ["a", None, None, None, None, 'f\ng, "h"', None]
    assert [row[REFUSED] for row in found] == [None, *["unreadable"] * 3, "bad_text", None, "unreadable"]
    assert [row[ROW] for row in found] == list(range(7))
    assert found[3]["refused_detail"] == "the record has 3 cells and the line of names 2"


cells = st.text(max_size=4) | st.sampled_from(['"', ",", "\n", "\r\n", "a,b", '"x"', "\ufeff", "\0", "\u2028"])


@settings(max_examples=100)
@given(rows=st.lists(st.tuples(cells, cells), max_size=6), size=st.sampled_from([1, 1_000]), more=st.booleans())
def test_a_record_reads_as_it_was_written_beside_any_others(rows: list[tuple[str, str]], size: int, more: bool) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("problem", "answer"), *rows])
    found = records(text.getvalue().encode() + b'"\xff"bad\n' * more, size)
    assert [(row["problem"], row["answer"]) for row in found] == [
        (problem or None, answer or None) for problem, answer in rows
    ] + [(None, None)] * more


def test_csv_without_records_has_no_rows() -> None:
    for data in (b"", b"\n\n", b"problem,answer", b"\xef\xbb\xbfproblem,answer\n\n"):
        assert records(data) == []


def test_any_line_in_an_array_is_conserved(tmp_path: Path) -> None:
    for number, line in enumerate(STRANGE):
        (tmp_path / f"{number}.json").write_bytes(b"[" + GOOD + b"," + line + b"," + GOOD + b"]")
    found = read(acereason(tmp_path / "*.json"))
    assert found.accounts.rows_read == len(found.outcomes)
    assert {file for _, file, _ in found.outcomes} == {f"{number}.json" for number in range(len(STRANGE))}
