"""Shards, casts, row groups and batches are bounded by bytes: each limit is set low and the rows stay the same."""

import io
import json
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hipo_data.pipeline.store import files
from hipo_data.schemas.arrow import arrow_schema, fitted, from_table, to_table
from hipo_data.schemas.parquet_batches import bounded_batches
from hipo_data.schemas.records import Problem
from hipo_data.stages.ingest import ingest, shard_count
from hipo_data.stages.ingest.reading import blocks
from hipo_data.stages.ingest.shard_count import SHARD_BYTES, shard_bits
from tests.stages.ingest.ingesting import Ingested, acereason, read, table, write, write_parquet


def large(folder: Path, rows: int = 40) -> Path:
    """Code problems with tests of 20 kB each."""
    random = Random(1)
    inputs = ["".join(random.choices("0123456789 ", k=20_000)) for _ in range(rows)]
    tests = [{"inputs": [each], "outputs": [str(number)]} for number, each in enumerate(inputs)]
    return write_parquet(
        folder / "x.parquet",
        [{"question": f"Add the numbers of case {n}", "answer": json.dumps(each)} for n, each in enumerate(tests)],
    )


def problems(found: Ingested) -> list[Problem]:
    return sorted(found.problems, key=lambda problem: problem.problem_id)


@pytest.mark.parametrize(
    ("rows", "size", "bits"),
    [(100, 0, 0), (100, SHARD_BYTES, 0), (185, int(2.17 * 2**30), 4), (1_000, SHARD_BYTES, 2), (0, 0, 0)],
)
def test_shards_have_fewer_problems_where_those_are_large(rows: int, size: int, bits: int) -> None:
    assert shard_bits(rows, 256, size) == bits


def test_a_shard_stays_near_its_bytes_and_no_problem_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(table(large(tmp_path), kind="code"))
    assert [*whole.shards] == [(0, 0)]
    monkeypatch.setattr(shard_count, "SHARD_BYTES", 100_000)
    monkeypatch.setattr(ingest, "_WRITTEN_BYTES", 1)
    cut = read(table(tmp_path / "x.parquet", kind="code"))
    assert {bits for bits, _ in cut.shards} == {4}  # 800 kB
    assert len(cut.shards) > 8
    assert problems(cut) == problems(whole)


def test_what_a_limit_leaves_out_takes_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_count, "SHARD_BYTES", 100_000)
    assert [*read(table(large(tmp_path), kind="code"), limit=4).shards] == [(0, 0)]


@pytest.mark.parametrize("most", [1, 30_000, 10**9])
def test_texts_beyond_32_bits_come_in_chunks(tmp_path: Path, most: int) -> None:
    found = read(table(large(tmp_path), kind="code"))
    known = to_table(found.problems, Problem)
    wide = pa.schema([*reversed(known.schema)])
    wide = wide.set(wide.get_field_index("gold"), pa.field("gold", pa.large_string(), nullable=False))
    given = known.select(wide.names).cast(wide)
    cut = fitted(given, arrow_schema(Problem), most)
    assert cut.schema.equals(arrow_schema(Problem), check_metadata=True)
    assert list(from_table(cut, Problem)) == found.problems
    assert cut["gold"].num_chunks == {1: 40, 30_000: 40, 10**9: 1}[most]


def test_a_row_group_stays_near_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = pq.read_table(large(tmp_path))
    before = files.parquet_bytes(known)
    assert pq.ParquetFile(io.BytesIO(before)).num_row_groups == 1
    monkeypatch.setattr(files, "_GROUP_BYTES", 100_000)
    cut = pq.ParquetFile(io.BytesIO(files.parquet_bytes(known)))
    assert cut.num_row_groups == 10
    assert cut.read().equals(known)


def test_batches_are_bounded_by_bytes_and_by_rows(tmp_path: Path) -> None:
    parquet = pq.ParquetFile(large(tmp_path))
    assert max(batch.num_rows for batch in bounded_batches(parquet, 1_000, 100_000)) in (4, 5)
    assert [batch.num_rows for batch in bounded_batches(parquet, 30)] == [30, 10]
    assert pa.Table.from_batches(bounded_batches(parquet, 1_000, 1)).equals(parquet.read())


def test_long_lines_do_not_pile_up_in_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"problem": f"{number} {'x' * 10_000}", "answer": "1"} for number in range(30)]
    whole = read(acereason(write(tmp_path / "x.jsonl", [*rows])))
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 16_000)
    taken: list[int] = []
    together = blocks._together

    def counted(lines):  # type: ignore[no-untyped-def]
        for block in together(lines):
            taken.append(sum(len(piece.data) for piece in block))
            yield block

    monkeypatch.setattr(blocks, "_together", counted)
    assert problems(read(acereason(tmp_path / "x.jsonl"))) == problems(whole)
    assert max(taken) < 40_000
