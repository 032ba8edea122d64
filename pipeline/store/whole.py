"""Files against their manifests: read only where they are what was written.

A manifest has the size and the SHA-256 of each output, in runs of every age, so that nothing else has to be kept.
"""

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pyarrow as pa

from hipo_data.pipeline.store.files import file_digest, put_bytes, read_table, remove_files, table_of
from hipo_data.pipeline.store.manifest import Output
from hipo_data.pipeline.store.run_path import RunPath, name_within
from hipo_data.schemas.errors import DamagedError, UserError

ASIDE = "damaged"
"""Folder of a run directory with what was found damaged, by its path and the time when it was moved there."""
_AT_ONCE = 8


def objection(path: RunPath, output: Output) -> str | None:
    """What is wrong with a file, as a clause; null for one that is what its manifest says. All of it is read."""
    if not path.is_file():
        return "is missing"
    size = path.stat().st_size
    if size != output.bytes:
        return f"has {size:,} bytes and not {output.bytes:,}"
    return None if file_digest(path) == output.sha256 else "does not fit its checksum"


def check(path: RunPath, output: Output) -> None:
    """Raises `DamagedError` where the file is not what its manifest says, `UserError` where there is none."""
    found = objection(path, output)
    if found == "is missing":
        raise UserError(f"{path} is missing; run again to make it anew")
    if found is not None:
        raise DamagedError(path, found)


def check_all(files: Iterable[tuple[RunPath, Output]]) -> None:
    """The same of many files, some at once. Of files in storage, which checks its objects by itself, only the size."""
    every = list(files)
    here = [(path, output) for path, output in every if isinstance(path, Path)]
    for path, output in every:
        if not isinstance(path, Path):
            if not path.exists():
                raise UserError(f"{path} is missing; run again to make it anew")
            if (size := path.stat().st_size) != output.bytes:
                raise DamagedError(path, f"has {size:,} bytes and not {output.bytes:,}")
    if len(here) == 1:
        check(*here[0])
    elif here:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(lambda file: check(*file), here):
                pass


def whole_bytes(path: RunPath, output: Output) -> bytes:
    """A file's content. Raises `DamagedError` where it is not what its manifest says, `UserError` where it is gone."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing; run again to make it anew") from error
    if hashlib.sha256(data).hexdigest() != output.sha256:
        cut = len(data) != output.bytes
        raise DamagedError(
            path, f"has {len(data):,} bytes and not {output.bytes:,}" if cut else "does not fit its checksum"
        )
    return data


def whole_table(path: RunPath, output: Output, columns: list[str] | None = None) -> pa.Table:
    """A table that a node wrote. Raises `DamagedError` and `UserError` like `whole_bytes`."""
    if isinstance(path, Path):  # the pages that are in memory now are read again without their file's other columns
        check(path, output)
        return read_table(path, columns)
    return table_of(whole_bytes(path, output), columns)


def set_aside(run_dir: RunPath, path: RunPath) -> RunPath | None:
    """Moves a file of a run into its folder of damaged ones; returns where to. Null where it is gone."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    wanted = run_dir / ASIDE / f"{name_within(path, run_dir)}.{stamp}"
    target = next(place for place in _names(wanted) if not place.exists())
    try:
        if isinstance(path, Path) and isinstance(target, Path):
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
        else:
            put_bytes(target, path.read_bytes())
            remove_files([path])
    except FileNotFoundError:
        return None
    return target


def _names(wanted: RunPath) -> Iterator[RunPath]:
    yield wanted
    for number in count(2):
        yield wanted.with_name(f"{wanted.name}-{number}")
