"""JSON Lines: what becomes of a line never depends on the lines beside it, nor on where blocks of the file end."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hipo_data.stages.ingest.reading import json_lines
from hipo_data.stages.ingest.reading.columns import OF_ANOTHER_TYPE, RAW, REFUSED, ROW, Column
from hipo_data.stages.ingest.reading.json_lines import line_blocks, read_block
from tests.stages.ingest.ingesting import ACEREASON, acereason, read, write

COLUMNS = [
    Column("problem"),
    Column("answer", any_json=frozenset({"answer"})),
    Column("meta.level"),
    Column("turns", pa.list_(pa.struct([("from", pa.string()), ("value", pa.string())]))),
    Column("score", pa.float64()),
]
DEEP = "[" * 10_000 + "]" * 10_000
LONG = "9" * 5_000
NO_TURN = {"from": None, "value": None}
GOOD = b'{"problem":"q","answer":"1"}'


def rows_of(data: bytes, size: int = 2**20, columns: list[Column] = COLUMNS) -> list[dict[str, Any]]:
    return [row for block in line_blocks(io.BytesIO(data), size) for row in read_block(block, columns).to_pylist()]


def row_of(line: str | bytes) -> dict[str, Any]:
    """The row that a line alone makes, without its nulls."""
    (row,) = rows_of(line if isinstance(line, bytes) else line.encode())
    return {name: value for name, value in row.items() if value is not None}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
turns = st.fixed_dictionaries({}, optional={"from": st.text(max_size=2) | values, "value": values})
rows = st.fixed_dictionaries(
    {},
    optional={
        "problem": st.text(max_size=5) | values,
        "answer": st.text(max_size=5) | values,
        "meta": st.fixed_dictionaries({}, optional={"level": st.text(max_size=2) | values}) | values,
        "meta.level": st.text(max_size=2) | values,
        "turns": st.lists(turns | values, max_size=2) | values,
        "score": st.integers() | st.floats() | values,
        "more": values,
    },
)
usual_rows = st.builds(lambda number: {"problem": f"q{number}", "answer": "1", "score": number}, st.integers(0, 9))
STRANGE = [
    b"",
    b" ",
    b"\t",
    b"\r",
    b"\x0b\x0c",
    b"\x00",
    b"\xff",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"{",
    b"}",
    b"[",
    b"]",
    b"{}",
    *(GOOD, GOOD + b"\r", b" " + GOOD, GOOD + b" ", GOOD + GOOD, GOOD + b" " + GOOD, GOOD + b"," + GOOD, GOOD + b"x"),
    b'{"problem":"q",',
    b'"answer":"1"}',
    b'{"problem":"q\\',
    b'{"problem":"q","more":[{}',
    b'{"problem":"q","answer":"1"',
    b'{"problem":"a","problem":"b"}',
    b'{"problem":"a","problem":7}',
    b'{"meta":{"level":"1"},"meta":{}}',
    b'{"x":1,"x":2}',
    b'{"problem":"\\ud800"}',
    b'{"answer":["\\udc00"]}',
    b'{"more":"\\udfff","problem":"q"}',
    b'{"\\ud800":1}',
    b'{"problem":"\\ud83d\\ude00"}',
    b'{"problem":"\\u0000"}',
    b'{"problem":"\x00"}',
    b'{"problem":"\t"}',
    b'{"problem":"\\x"}',
    b'{"problem":"\xff"}',
    b'{"more":"\xff","problem":"q"}',
    b'{"\xc3":1}',
    b'{"problem":"\xed\xa0\x80"}',
    b"\xef\xbb\xbf" + GOOD,
    b'{"more":NaN,"score":NaN}',
    b'{"score":-Infinity}',
    b'{"score":1e999}',
    b'{"score":"1"}',
    b'{"score":-1%s}' % (b"0" * 400),
    b'{"meta.level":null,"meta":{"level":"1"}}',
    b'{"meta.level":"2","meta":{"level":"1"}}',
    b'{"meta.level":5,"meta":{}}',
    *(f'{{"{name}":{value}}}'.encode() for name in ("problem", "answer", "score", "more") for value in (DEEP, LONG)),
    b'{"problem":"a"}{"problem":"b"}{"problem":"c"}\x00}',
]
lines = st.one_of(
    usual_rows.map(json.dumps).map(str.encode),
    rows.map(json.dumps).map(str.encode),
    rows.map(lambda row: json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.sampled_from(STRANGE),
    st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")),
)


@pytest.mark.parametrize("pieces", [1, 64])
@settings(max_examples=200)
@given(
    beside=st.lists(lines, min_size=1, max_size=12),
    size=st.sampled_from([1, 5, 100, 2**20]),
    end=st.sampled_from([b"", b"\n"]),
)
@example(beside=STRANGE, size=2**20, end=b"\n")
@example(beside=[b'{"meta.level":null,"meta":{"level":"1"}}', b"x"], size=2**20, end=b"\n")
@example(beside=[b'{"problem":"a"}{"problem":"b"}', b'{"problem":"c"', b'"problem":"d"}'], size=2**20, end=b"")
def test_a_line_reads_the_same_beside_any_others(beside: list[bytes], size: int, end: bytes, pieces: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_lines, "_PIECES", pieces)
        together = rows_of(b"\n".join(beside) + end, size)
        # Blank lines in front keep the number, and a mark at its start from being taken for that of the file.
        alone = [row for at, line in enumerate(beside) for row in rows_of(b"\n" * at + line)]
    assert list(map(repr, together)) == list(map(repr, alone))  # as text, where NaN is itself


@settings(max_examples=100)
@given(usual=st.lists(usual_rows, min_size=1, max_size=20))
def test_usual_rows_read_as_written(usual: list[dict[str, Any]]) -> None:
    read = rows_of("".join(json.dumps(row) + "\n" for row in usual).encode())
    assert [{name: row[name] for name in usual[0]} for row in read] == usual
    assert [row[ROW] for row in read] == list(range(len(usual)))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 21, 34, 55, 1_000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_that_span_blocks_are_whole(size: int, end: str, mark: str, last: bool) -> None:
    wanted = [f"question {number} – “ü”" for number in range(7)]
    text = mark + end.join(json.dumps({"problem": question}, ensure_ascii=False) for question in wanted)
    read = rows_of((text + end * last).encode(), size)
    assert [row["problem"] for row in read] == wanted


def test_blank_lines_are_no_rows_and_count_in_the_numbers_of_later_ones() -> None:
    assert [row[ROW] for row in rows_of(b"\n \t\n" + GOOD + b"\n\r\n\n" + GOOD)] == [2, 5]


@pytest.mark.parametrize("data", [b"", b"\n", b"\n\n \r\n\t\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
@pytest.mark.parametrize("size", [1, 1_000])
def test_a_file_without_text_has_no_rows(data: bytes, size: int) -> None:
    assert rows_of(data, size) == []


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('{"problem":"a","problem":"b"}', {"problem": "b"}),
        ('{"problem":"q","x":NaN,"score":Infinity}', {"problem": "q", "score": float("inf")}),
        ('{"meta.level":"1"}', {"meta.level": "1"}),
        ('{"meta":{"level":"1","x":[{}]},"meta.level":null}', {"meta.level": "1"}),
        ('{"meta.level":"1","meta":{"level":"2"}}', {"meta.level": "1"}),
        ('{"meta":"1"}', {}),
        ('{"problem":null,"answer":null,"meta":null,"turns":null,"score":null}', {}),
        ('{"turns":[null,{},{"value":7,"from":"x"}]}', {"turns": [None, NO_TURN, NO_TURN | {"from": "x"}]}),
        ('{"answer":12345678901234567890123}', {"answer": "12345678901234567890123"}),
        ('{"answer":[1,null,"2"]}', {"answer": '["1", "2"]'}),
        ('{"answer":{"inputs":[1]}}', {"answer": '{"inputs": [1]}'}),
        ('{"answer":true}', {"answer": "true"}),
        ('{"problem":7}', {OF_ANOTHER_TYPE + "problem": "int"}),
        ('{"problem":{"a":1}}', {OF_ANOTHER_TYPE + "problem": "dict"}),
        ('{"meta":{"level":[]}}', {OF_ANOTHER_TYPE + "meta.level": "list"}),
        ('{"score":true}', {}),
        ('{"score":1' + "0" * 400 + "}", {"score": float("inf")}),
        ('{"problem":"q","more":' + DEEP + "}", {"problem": "q"}),
        ('{"problem":"q","more":' + LONG + "}", {"problem": "q"}),
        ('{"problem":"q","more":"\\ud800"}', {"problem": "q"}),
        ('{"problem":"a\\u0000b"}', {"problem": "a\0b"}),
    ],
)  # fmt: skip
def test_what_is_no_plain_text_still_reads(line: str, wanted: dict[str, Any]) -> None:
    assert row_of(line) == {ROW: 0} | wanted


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (GOOD + GOOD, "unreadable", "Extra data"),
        (GOOD[:-1], "unreadable", "JSONDecodeError"),
        (b'{"problem":"\xff"}', "unreadable", "can't decode byte 0xff"),
        (b'{"problem":"q","more":"\xff"}', "unreadable", "can't decode byte 0xff"),
        (b'{"problem":"\\ud800"}', "bad_text", "not valid Unicode"),
        (b'{"turns":[{"value":"\\udc00"}]}', "bad_text", "not valid Unicode"),
        (b'{"answer":{"\\ud800":1}}', "bad_text", "not valid Unicode"),
        (b'{"problem":"a\tb"}', "unreadable", "control character"),
        (b'{"problem":"a\0b"}', "unreadable", "control character"),
        (b"null", "unreadable", "a JSON object is expected, this is NoneType"),
        (b'{"problem":%s}' % DEEP.encode(), "unreadable", "RecursionError"),
        (b'{"answer":%s}' % DEEP.encode(), "unreadable", "RecursionError"),
        (b'{"answer":%s}' % LONG.encode(), "unreadable", "4300"),
    ],
)
def test_what_cannot_be_read_says_why_and_shows_its_text(line: bytes, reason: str, detail: str) -> None:
    before, row, after = rows_of(b"\n".join([GOOD, line, GOOD]))
    assert row[REFUSED] == reason
    assert detail in row["refused_detail"]
    assert row[RAW]
    assert [before["problem"], after["problem"]] == ["q", "q"]


def test_an_object_over_two_lines_is_two_rows_that_cannot_be_read() -> None:
    found = rows_of(b'{"problem":\n"q"}\n' + GOOD + b"\n")
    assert [row[REFUSED] for row in found] == ["unreadable", "unreadable", None]


def test_a_column_within_another_one_is_read_too() -> None:
    columns = [Column("meta", any_json=frozenset({"meta"})), Column("meta.level")]
    (row,) = rows_of(b'{"meta":{"level":"1"}}', columns=columns)
    assert (row["meta"], row["meta.level"]) == ('{"level": "1"}', "1")


@pytest.mark.parametrize("size", [10, 64, 1_000])
def test_of_a_line_too_long_for_memory_the_start_is_shown_and_the_next_goes_on(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(json_lines, "LONGEST_LINE", 2_000)
    longest = b'{"problem":"' + b"x" * 10_000 + b'"}'
    found = rows_of(b"\n".join([GOOD, longest, GOOD, longest, GOOD]), size)
    assert [row[REFUSED] for row in found] == [None, "row_too_long", None, "row_too_long", None]
    assert [row[ROW] for row in found] == list(range(5))
    assert found[1][RAW].startswith('{"problem":"xxx')
    assert len(found[1][RAW]) < 4_000


@pytest.mark.parametrize(
    ("column", "outcome"), [("problem", "problem"), ("answer", "problem"), ("more", "problem"), (None, "unreadable")]
)
def test_a_row_of_50_mb_is_one_row(tmp_path: Path, column: str | None, outcome: str) -> None:
    huge: str | dict[str, Any] = "x " * 25_000_000
    if column is not None:
        huge = {"problem": "huge", "answer": "1"} | {column: huge}
    found = read(acereason(write(tmp_path / "x.jsonl", [GOOD, huge, {"problem": "after", "answer": "1"}])))
    assert [found.outcomes[ACEREASON, "x.jsonl", row] for row in range(3)] == ["problem", outcome, "problem"]
