"""Files of a run: whole or not there.

On a disk they are written aside, flushed and renamed; in storage one request makes an object appear.
"""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hipo_data.pipeline.store.run_path import RunPath

_REPEATING = 64
"""Bytes of a value, on average, up to which a column is written by a dictionary of its values."""
_PARQUET_BLOCK = 2**20
_GROUP_BYTES = 512 * 2**20
"""Of a row group, since nested texts of one are read into 32-bit offsets."""


def put_bytes(path: RunPath, data: bytes) -> str:
    """Makes `path` hold `data`, or leaves it as it was; returns the SHA-256 of `data`. Raises `OSError`."""
    if not isinstance(path, Path):
        from hipo_data.pipeline.store import remote

        remote.put(path, data)
        return hashlib.sha256(data).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        aside.write_bytes(data)
        return put_file(path, aside)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def put_file(path: RunPath, aside: Path) -> str:
    """Like `put_bytes` with the content of a file, which is gone then. On a disk it has to be that of `path`."""
    if not isinstance(path, Path):
        from hipo_data.pipeline.store import remote

        sha256 = file_digest(aside)
        remote.upload(path, aside)
        aside.unlink()
        return sha256
    with aside.open("rb+") as file:
        sha256 = digest_of(file)
        os.fsync(file.fileno())
    aside.replace(path)
    return sha256


def put_table(path: RunPath, table: pa.Table) -> str:
    """Writes a table as Parquet (zstd) like `put_bytes`; returns the SHA-256 of the file."""
    return put_bytes(path, parquet_bytes(table))


def parquet_bytes(table: pa.Table) -> bytes:
    """A table as `put_table` writes it."""
    # What repeats is short; a dictionary of long texts is begun in vain.
    short = [name for name in table.column_names if table[name].nbytes <= _REPEATING * table.num_rows]
    sink = pa.BufferOutputStream()
    rows = None if table.nbytes <= _GROUP_BYTES else max(1, table.num_rows * _GROUP_BYTES // table.nbytes)
    pq.write_table(table, sink, compression="zstd", use_dictionary=short, row_group_size=rows)
    return cast(bytes, sink.getvalue().to_pybytes())


def read_table(path: RunPath, columns: list[str] | None = None) -> pa.Table:
    """A table that `put_table` wrote."""
    if isinstance(path, Path):
        return _read(path, columns)
    if columns is None:
        return table_of(path.read_bytes())
    with path.open("rb", block_size=_PARQUET_BLOCK) as file:
        return _read(file, columns)


def table_of(data: bytes, columns: list[str] | None = None) -> pa.Table:
    """A table from its file's content."""
    return _read(pa.BufferReader(data), columns)


def _read(source: Any, columns: list[str] | None) -> pa.Table:
    """Not by `pq.read_table`, which imports pandas: half a second of each process."""
    with pq.ParquetFile(source) as file:
        if missing := set(columns or ()) - set(file.schema_arrow.names):
            raise pa.ArrowInvalid(f"the table has no columns {sorted(missing)}")
        return file.read(columns)


def scan_tables(paths: Sequence[RunPath]) -> pl.LazyFrame:
    """Parquet files of one schema as one table, whatever signs their names hold."""
    options: dict[str, Any] = {"glob": False, "hive_partitioning": False, "missing_columns": "insert"}
    options["extra_columns"] = "ignore"  # a column of some shards alone, until the others are made anew
    local = [path for path in paths if isinstance(path, Path)]
    if len(local) == len(paths):
        return pl.scan_parquet(local, **options)
    from hipo_data.pipeline.store import remote

    return remote.scan([path for path in paths if not isinstance(path, Path)], **options)


def read_many(paths: Sequence[RunPath]) -> Iterator[tuple[RunPath, bytes]]:
    """The files that are there, in order, with their paths."""
    away = [path for path in paths if not isinstance(path, Path)]
    if away:
        from hipo_data.pipeline.store import remote

        yield from remote.read_many(away)
        return
    for path in paths:
        try:
            yield path, path.read_bytes()
        except FileNotFoundError:
            continue


def sizes_in_storage(folder: RunPath) -> dict[str, int]:
    """Bytes of all files below a folder in storage, by their paths within it, from a listing, which may lag.

    Empty for one on a disk, where asking for each file is as quick.
    """
    if isinstance(folder, Path):
        return {}
    from hipo_data.pipeline.store import remote

    return remote.sizes(folder)


def remove_files(paths: Sequence[RunPath]) -> None:
    """Deletes files, if they are there."""
    away = [path for path in paths if not isinstance(path, Path)]
    if away:
        from hipo_data.pipeline.store import remote

        remote.remove(away)
        return
    for path in paths:
        path.unlink(missing_ok=True)


def file_digest(path: RunPath) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return digest_of(file)


def digest_of(file: IO[bytes]) -> str:
    """SHA-256 of what an open file holds from here on."""
    sha256 = hashlib.sha256()
    while piece := file.read(2**20):
        sha256.update(piece)
    return sha256.hexdigest()


def remove_leftovers(folder: RunPath) -> None:
    """Deletes the asides of writers that were killed. Only while no writer is at work. In storage there are none."""
    if not isinstance(folder, Path):
        return
    for aside in list(folder.rglob(".*.tmp")):
        if aside.is_dir():
            shutil.rmtree(aside)
        else:
            aside.unlink(missing_ok=True)
