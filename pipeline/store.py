"""Files of a run: written aside, flushed and renamed, so that a file is whole or not there."""

import hashlib
import os
import shutil
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def put_bytes(path: Path, data: bytes) -> str:
    """Makes `path` hold `data`, or leaves it as it was; returns the SHA-256 of `data`. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        aside.write_bytes(data)
        return put_file(path, aside)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def put_file(path: Path, aside: Path) -> str:
    """Like `put_bytes` with the content of a file beside it, which is gone then."""
    with aside.open("rb+") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    aside.replace(path)
    return sha256


def put_table(path: Path, table: pa.Table) -> str:
    """Writes a table as Parquet (zstd) like `put_bytes`; returns the SHA-256 of the file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return put_bytes(path, sink.getvalue().to_pybytes())


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """A table that `put_table` wrote."""
    return pq.read_table(path, columns=columns, partitioning=None)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_leftovers(folder: Path) -> None:
    """Deletes the asides of writers that were killed. Only while no writer is at work."""
    for aside in list(folder.rglob(".*.tmp")):
        if aside.is_dir():
            shutil.rmtree(aside)
        else:
            aside.unlink(missing_ok=True)
