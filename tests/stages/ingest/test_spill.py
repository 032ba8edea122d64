"""Tables in memory and on disk: every row comes back once, in the order in which it came, however small the pieces."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.stages.ingest import spill
from hipo_data.stages.ingest.spill import Pile, Spill

PART = pl.col("key").str.head(1)
frames = st.lists(
    st.lists(st.tuples(st.sampled_from(["a", "ab", "b", "c1", "c2"]), st.integers(0, 9)), max_size=6), max_size=6
)


def frame(rows: list[tuple[str, int]]) -> pl.DataFrame:
    values = {
        "key": [key for key, _ in rows],
        "number": [number for _, number in rows],
        "rows": [[{"source": number}] * number for _, number in rows],
    }
    schema: dict[str, Any] = {"key": pl.String, "number": pl.Int64, "rows": pl.List(pl.Struct({"source": pl.Int64}))}
    return pl.DataFrame(values, schema=schema)


@settings(max_examples=100)
@given(
    written=frames,
    held=st.sampled_from([0, 1_000, 2**20]),
    together=st.sampled_from([0, 100, 2**20]),
    run=st.sampled_from([0, 200, 2**20]),
)
def test_rows_come_back_by_part_in_their_order(
    tmp_path_factory: pytest.TempPathFactory,
    written: list[list[tuple[str, int]]],
    held: int,
    together: int,
    run: int,
) -> None:
    folder = tmp_path_factory.mktemp("spill") / "rows"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spill, "_HELD_BYTES", held)
        patch.setattr(spill, "_TOGETHER_BYTES", together)
        patch.setattr(spill, "_RUN_BYTES", run)
        rows = Spill(folder, PART)
        for some in written:
            rows.add(frame(some))
        listed = [row for some in written for row in some]
        assert [part for parts in rows.parts for part in parts] == sorted({key[0] for key, _ in listed})
        if not together:
            assert all(len(part) == 1 for part in rows.parts)
        for parts in rows.parts:
            assert len(rows.read(parts)) == sum(key[0] in parts for key, _ in listed)
            for part in parts:
                wanted = frame([row for row in listed if row[0][0] == part])
                assert rows.read((part,)).equals(wanted)
                assert rows.read((part,), ["number"]).equals(wanted.select("number"))
    assert held or run or len(list(folder.iterdir())) == sum(map(bool, written))


def test_small_tables_are_put_away_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "_HELD_BYTES", 0)
    monkeypatch.setattr(spill, "_RUN_BYTES", 20_000)
    rows = Spill(tmp_path / "rows", PART)
    for number in range(1_000):
        rows.add(frame([("a", number % 10)]))
    assert rows.parts == [("a",)]
    assert len(rows.read(("a",))) == 1_000
    assert 1 < len(list((tmp_path / "rows").iterdir())) < 50


def test_small_parts_are_read_together_and_large_ones_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "_TOGETHER_BYTES", 20_000)
    sizes = {"a": 10, "b": 10, "c": 10_000, "d": 10, "e": 10}
    rows = Spill(tmp_path / "rows", PART)
    rows.add(frame([(key, 0) for key, size in sizes.items() for _ in range(size)]))
    assert rows.parts == [("a", "b"), ("c",), ("d", "e")]


@pytest.mark.parametrize("kind", ["spill", "pile"])
def test_what_is_held_in_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(spill, "_HELD_BYTES", 10_000)
    monkeypatch.setattr(spill, "_RUN_BYTES", 0)
    spilled, pile = Spill(tmp_path / "rows", PART), Pile(tmp_path / "pile", [])
    for number in range(100):
        made = frame([("a", 3)] * 10)
        spilled.add(made) if kind == "spill" else pile.add((str(number),), made)
    in_files = len(list((tmp_path / ("rows" if kind == "spill" else kind)).iterdir()))
    assert 0 < in_files < 100
    assert (100 - in_files) * made.estimated_size() < 20_000


def test_a_pile_gives_each_table_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "_HELD_BYTES", 500)
    tables = {(name,): frame([(name, number)] * 3) for number, name in enumerate("abcdef")}
    pile = Pile(tmp_path / "pile", list(tables))
    for parts, table in tables.items():
        pile.add(parts, table)
    assert 0 < len(list((tmp_path / "pile").iterdir())) < len(tables)
    for parts, table in tables.items():
        assert pile.read(parts).equals(table)
        assert pile.read(parts, ["number"]).equals(table.select("number"))


def test_a_folder_that_holds_something_is_not_written_into(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        Spill(tmp_path, PART)
