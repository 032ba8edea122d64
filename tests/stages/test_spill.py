"""Tables on disk: every row comes back once, in the order in which it came, however small the pieces."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import spill
from stages.spill import Spill

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
@given(written=frames, buffered=st.sampled_from([0, 100, 2**20]), together=st.sampled_from([0, 3_000, 2**20]))
def test_rows_come_back_by_part_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, written: list[list[tuple[str, int]]], buffered: int, together: int
) -> None:
    folder = tmp_path_factory.mktemp("spill") / "rows"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spill, "_BUFFERED_BYTES", buffered)
        patch.setattr(spill, "_TOGETHER_BYTES", together)
        with Spill(folder, PART) as rows:
            for some in written:
                rows.add(frame(some))
        listed = [row for some in written for row in some]
        parts = rows.parts
        assert [part for parts in rows.parts for part in parts] == sorted({key[0] for key, _ in listed})
        if not together:
            assert all(len(part) == 1 for part in parts)
        for part in parts:
            wanted = frame([row for name in part for row in listed if row[0][0] == name])
            assert rows.read(part, ["number"]).equals(wanted.select("number"))
            assert rows.take(part).equals(wanted)
    assert list(folder.iterdir()) == []


def test_small_parts_are_read_together_and_large_ones_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "_TOGETHER_BYTES", 20_000)
    sizes = {"a": 10, "b": 10, "c": 10_000, "d": 10, "e": 10}
    with Spill(tmp_path / "rows", PART) as rows:
        rows.add(frame([(key, 0) for key, size in sizes.items() for _ in range(size)]))
    assert rows.parts == [("a", "b"), ("c",), ("d", "e")]


def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "_BUFFERED_BYTES", 1_000)
    with Spill(tmp_path / "rows", PART) as rows:
        for _ in range(100):
            rows.add(frame([("a", 3)] * 10))
            assert sum(waiting.estimated_size() for waiting in rows._waiting) < 1_000
    assert len(rows.read(("a",))) == 1_000


def test_a_folder_that_holds_something_is_not_written_into(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        Spill(tmp_path, PART)


def test_after_an_error_the_files_are_closed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stop"), Spill(tmp_path / "rows", PART) as rows:
        rows.add(frame([("a", 1)]))
        raise RuntimeError("stop")
    assert rows.parts == []
