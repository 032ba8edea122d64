"""Files of a run: written aside, flushed and renamed, so that a file is whole or not there."""

import hashlib
import os
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def put_bytes(path: Path, data: bytes) -> None:
    """Makes `path` hold `data`, or leaves it as it was. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def put_table(path: Path, table: pa.Table) -> str:
    """Writes a table as Parquet (zstd) like `put_bytes`; returns the SHA-256 of the file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    data = sink.getvalue().to_pybytes()
    put_bytes(path, data)
    return hashlib.sha256(data).hexdigest()


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """A table that `put_table` wrote."""
    return pq.read_table(path, columns=columns, partitioning=None)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_leftovers(folder: Path) -> None:
    """Deletes the asides of writers that were killed. Only while no writer is at work."""
    for aside in folder.rglob(".*.tmp"):
        aside.unlink(missing_ok=True)
