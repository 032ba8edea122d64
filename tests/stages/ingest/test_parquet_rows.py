"""Parquet: any types that say the same read the same, and what is damaged is refused row by row and never fatal."""

import io
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hipo_data.stages.ingest.reading.columns import OF_ANOTHER_TYPE, REFUSED, ROW, Column
from hipo_data.stages.ingest.reading.parquet_rows import read_batch, row_batches
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError
from hipo_data.stages.ingest.sources import skywork as skywork_columns
from tests.stages.ingest.ingesting import (
    ACEREASON,
    SKYWORK,
    Ingested,
    acereason,
    read,
    reasons,
    sky_row,
    skywork,
    table,
    write_parquet,
)

COLUMNS = [
    Column("problem"),
    Column("answer", any_json=frozenset({"answer"})),
    Column("meta.level"),
    Column("score", pa.float64()),
]
TEXTS = pa.array(["a", None, "ü"])
NOT_UTF8 = pa.Array.from_buffers(pa.string(), 3, pa.array([b"ok", b"\xff\xfe", None]).buffers())
PROMPT = pa.list_(pa.struct([("content", pa.string()), ("role", pa.string())]))


def rows_of(
    found: pa.Table | bytes, batch: int = 8_192, columns: list[Column] = COLUMNS, **how: Any
) -> list[dict[str, Any]]:
    data = found if isinstance(found, bytes) else written(found, **how)
    return [
        row for rows in row_batches(io.BytesIO(data), columns, batch) for row in read_batch(rows, columns).to_pylist()
    ]


def written(found: pa.Table, **how: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(found, sink, **how)
    return sink.getvalue()


def column(found: pa.Table, name: str) -> list[Any]:
    return [row[name] for row in rows_of(found)]


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        TEXTS.cast(pa.large_string()),
        TEXTS.cast(pa.string_view()),
        TEXTS.dictionary_encode(),
        TEXTS.cast(pa.large_string()).dictionary_encode(),
        pa.chunked_array([TEXTS.slice(0, 1), TEXTS.slice(1)]),
    ],
    ids=lambda texts: str(texts.type),
)
def test_text_reads_the_same_in_all_its_types(texts: Any) -> None:
    assert column(pa.table({"problem": texts}), "problem") == ["a", None, "ü"]
    nested = pa.StructArray.from_arrays(
        [texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts], ["level"]
    )
    assert column(pa.table({"meta": nested}), "meta.level") == ["a", None, "ü"]


@pytest.mark.parametrize("batch", [1, 2, 8_192])
@pytest.mark.parametrize(
    "prompt",
    [
        PROMPT,
        pa.large_list(PROMPT.value_type),
        pa.list_(PROMPT.value_type, 1),
        pa.list_(pa.struct([("role", pa.large_string()), ("more", pa.int8()), ("content", pa.large_string())])),
    ],
    ids=str,
)
def test_lists_of_structs_read_the_same_in_all_their_types(prompt: pa.DataType, batch: int) -> None:
    chats = [[{"content": "q", "role": "user"}], None, [{"content": None, "role": "user"}], [None], [{"content": "ü"}]]
    if not pa.types.is_fixed_size_list(prompt):
        chats += [[], [{"content": "s", "role": "system"}, {"content": "q", "role": "user"}]]
    found = pa.table({"prompt": pa.array(chats, prompt)})
    full = [
        chat and [turn and {"content": turn.get("content"), "role": turn.get("role")} for turn in chat]
        for chat in chats
    ]
    wanted = [row["prompt"] for row in rows_of(found, batch, skywork_columns.columns(skywork(Path("x"))))]
    nothing = {"content": None, "role": None}
    assert [chat and [turn or nothing for turn in chat] for chat in wanted] == [
        chat and [turn or nothing for turn in chat] for chat in full
    ]


@pytest.mark.parametrize(
    "answers",
    [
        ([1, -(2**63)], ["1", str(-(2**63))]),
        ([0.5, None], ["0.5", None]),
        ([Decimal("1.50"), Decimal(10**30)], ["1.50", "1" + "0" * 30 + ".00"]),
        ([True, False], ["true", "false"]),
        ([["1/2", "0.5"], []], ['["1/2", "0.5"]', "[]"]),
        ([{"inputs": ["1"]}, None], ['{"inputs": ["1"]}', None]),
        ([b"1", None], [None, None]),
        ([date(2024, 1, 2), None], [None, None]),
    ],
    ids=str,
)
def test_a_gold_may_be_of_any_type_that_json_has(answers: tuple[list[Any], list[Any]]) -> None:
    given, wanted = answers
    assert column(pa.table({"answer": given}), "answer") == wanted


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([7, None, 8], "int"),
        ([b"x", None, b"y"], "bytes"),
        ([["x"], None, []], "list"),
        ([{"x": 1}, None, {"x": 2}], "dict"),
        ([datetime(2024, 1, 2), None, datetime(2024, 1, 2)], "datetime"),
        (pa.array([[("a", "b")], None, []], pa.map_(pa.string(), pa.string())), "list"),
    ],
    ids=str,
)
def test_a_column_of_another_type_says_which(values: Any, kind: str) -> None:
    found = rows_of(pa.table({"problem": values, "answer": ["1"] * 3}))
    assert [(row["problem"], row[OF_ANOTHER_TYPE + "problem"]) for row in found] == [
        (None, kind),
        (None, None),
        (None, kind),
    ]
    assert [row["answer"] for row in found] == ["1"] * 3


def test_columns_that_are_missing_read_as_null() -> None:
    for found in (pa.table({"x": [1, 2]}), pa.table({"meta": [{"x": 1}] * 2}), pa.table({"problem": pa.nulls(2)})):
        assert [row["problem"] or row["meta.level"] for row in rows_of(found)] == [None, None]


def test_a_file_without_rows_or_columns_has_no_rows() -> None:
    assert rows_of(pa.table({"problem": pa.array([], pa.string())})) == []
    assert rows_of(pa.table({})) == []


def test_of_two_columns_with_one_name_the_last_is_read() -> None:
    names = pa.Table.from_arrays([pa.array(["first"]), pa.array(["last"])], names=["problem", "problem"])
    assert column(names, "problem") == ["last"]


def test_a_column_named_with_the_dots_goes_before_a_nested_one() -> None:
    assert column(pa.table({"meta.level": ["1"], "meta": [{"level": "2"}]}), "meta.level") == ["1"]


@pytest.mark.parametrize("batch", [1, 2, 8_192])
def test_text_that_is_not_utf8_costs_its_own_row_only(batch: int) -> None:
    found = rows_of(pa.table({"problem": NOT_UTF8, "answer": ["1"] * 3}), batch)
    assert [row["problem"] for row in found] == ["ok", None, None]
    assert [row[REFUSED] for row in found] == [None, "unreadable", None]
    assert [row[ROW] for row in found] == [0, 1, 2]
    assert [row[REFUSED] for row in rows_of(pa.table({"problem": TEXTS, "more": NOT_UTF8}), batch)] == [None] * 3


@pytest.mark.parametrize("answers", [pa.array([0, 2**62], pa.timestamp("us")), pa.array([0, 2**30], pa.date32())])
def test_a_date_that_python_does_not_have_costs_its_own_row_only(answers: pa.Array) -> None:
    found = rows_of(pa.table({"problem": ["a", "b"], "answer": answers}))
    assert [(row["problem"], row[REFUSED]) for row in found] == [("a", None), (None, "unreadable")]


cells = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.booleans() | st.text(max_size=3)
MIXED: list[st.SearchStrategy[pa.Array]] = [
    st.lists(kind, min_size=4, max_size=4).map(pa.array)
    for kind in (
        st.none() | st.text(max_size=3),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(),
        st.none() | st.booleans(),
        st.none() | st.lists(st.none() | st.text(max_size=2), max_size=2),
        st.none() | st.fixed_dictionaries({"level": st.none() | st.text(max_size=2)}),
        st.none() | st.fixed_dictionaries({"level": st.none() | st.integers(0, 9)}),
    )
]
NOT_UTF8_4 = pa.Array.from_buffers(pa.string(), 4, pa.array([b"ok", b"\xff", None, b"\xed\xa0\x80"]).buffers())


@settings(max_examples=100)
@given(
    columns=st.dictionaries(
        st.sampled_from(["problem", "answer", "meta", "meta.level", "score", "more"]),
        st.one_of(*MIXED, st.just(NOT_UTF8_4)),
        min_size=1,
    ),
    batch=st.sampled_from([1, 200, 10_000]),
    group=st.sampled_from([1, 2, 10]),
)
@example(columns={"meta": pa.array([{"level": "x"}] * 4), "meta.level": NOT_UTF8_4}, batch=10_000, group=10)
@example(columns={"meta": pa.array([{"level": 1}] * 4), "meta.level": pa.array(["a", None] * 2)}, batch=200, group=2)
@example(columns={"meta": pa.array([1] * 4), "meta.level": pa.array(["a", None] * 2)}, batch=200, group=10)
def test_a_row_reads_the_same_beside_any_others(columns: dict[str, pa.Array], batch: int, group: int) -> None:
    whole = pa.table(columns)
    alone = [row | {ROW: at} for at in range(len(whole)) for row in rows_of(whole.slice(at, 1))]
    assert list(map(repr, rows_of(whole, batch, row_group_size=group))) == list(map(repr, alone))


ROWS = pa.table({"problem": [f"question {n} {n * 7919}" for n in range(60)], "answer": list(map(str, range(60)))})


def damaged(group: int) -> bytes:
    """60 rows in three groups; in one of them the pages of a column are overwritten."""
    data = bytearray(written(ROWS, row_group_size=20))
    chunk = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(group).column(0)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    data[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    return bytes(data)


@pytest.mark.parametrize("group", [0, 1, 2])
def test_a_damaged_row_group_costs_its_own_rows_only(tmp_path: Path, group: int) -> None:
    (tmp_path / "x.parquet").write_bytes(damaged(group))
    found = read(acereason(tmp_path / "x.parquet"))
    lost = range(20 * group, 20 * group + 20)
    assert found.outcomes == {
        (ACEREASON, "x.parquet", row): "unreadable" if row in lost else "problem" for row in range(60)
    }
    assert f"row group {group} cannot be read" in found.rejected[0].detail
    assert {p.sources[0].row for p in found.problems if p.question == ROWS["problem"][p.sources[0].row].as_py()} == set(
        range(60)
    ) - set(lost)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PAR1",
        b'{"problem": "q", "answer": "1"}\n',
        written(ROWS)[:-1],
        written(ROWS)[:200],
        written(ROWS).replace(b"problem", b"prob\xffem"),
    ],
    ids=["empty", "mark", "JSON", "cut by a byte", "cut", "name not UTF-8"],
)
def test_a_file_that_is_no_parquet_is_one_refused_row_and_the_next_file_is_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(data)
    write_parquet(tmp_path / "b.parquet", [{"problem": "q", "answer": "1"}])
    found = read(acereason(tmp_path / "*.parquet"))
    assert found.outcomes == {(ACEREASON, "a.parquet", 0): "unreadable_file", (ACEREASON, "b.parquet", 0): "problem"}
    assert "a.parquet cannot be read as Parquet" in found.rejected[0].detail


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_whatever_bytes_change_a_file_gives_all_its_rows_or_none(compression: str) -> None:
    random, sound = Random(compression), written(ROWS, row_group_size=20, compression=compression)
    counts = set()
    for _ in range(400):
        data = bytearray(sound)
        for _ in range(random.choice([1, 2, 5])):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        try:
            counts.add(len(rows_of(bytes(data))))
        except UnreadableFileError:
            counts.add(0)
    assert counts == {0, 60}


def test_rows_of_several_types_become_problems(tmp_path: Path) -> None:
    rows = [sky_row(f"q{n}", '["1"]') for n in range(3)]
    plain: Ingested = read(skywork(write_parquet(tmp_path / "x.parquet", [*rows])))
    large = pa.Table.from_pylist(rows)
    fields = [("ability", pa.dictionary(pa.int8(), pa.large_string())), ("data_source", pa.large_string())]
    for name, kind in fields:
        large = large.set_column(
            large.schema.names.index(name), name, large[name].combine_chunks().cast(pa.large_string()).cast(kind)
        )
    pq.write_table(large, tmp_path / "x.parquet")
    assert read(skywork(tmp_path / "x.parquet")).problems == plain.problems
    assert {source.dataset for problem in plain.problems for source in problem.sources} == {SKYWORK}


def test_a_missing_column_is_named_in_each_row(tmp_path: Path) -> None:
    found = read(acereason(write_parquet(tmp_path / "x.parquet", [{"problem": "q"}] * 3)))
    assert reasons(found) == {"bad_column": 3}
    assert found.rejected[0].detail == "column 'answer' must be text; it is missing or null"
    binary = write_parquet(tmp_path / "y.parquet", [{"question": "q", "answer": b"1"}])
    assert reasons(read(table(binary))) == {"no_gold": 1}


@pytest.mark.parametrize("huge", ["problem", "answer", "more"])
def test_a_row_of_50_mb_is_one_row(tmp_path: Path, huge: str) -> None:
    rows = [
        {"problem": "a", "answer": "1", "more": ""},
        {"problem": "b", "answer": "1", "more": ""} | {huge: "x " * 25_000_000},
    ]
    found = read(acereason(write_parquet(tmp_path / "x.parquet", [*rows])))
    assert list(found.outcomes.values()) == ["problem", "problem"]
