"""Reading rows out of JSON Lines and Parquet, in bounded memory."""

import glob
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hipo_data.schemas.packaged import embedded
from hipo_data.schemas.parquet_batches import bounded_batches


@dataclass(frozen=True)
class Row:
    """A row of a source file: its values, or the text that could not be read and why."""

    file: str
    number: int
    """Zero-based."""
    values: dict[str, Any] | None
    raw: str = ""
    error: str | None = None


def source_files(pattern: str) -> list[Path]:
    """The files that a path or glob names, here or in the package, sorted.

    Raises `FileNotFoundError` where there is none.
    """
    place = embedded(pattern)
    if Path(place).is_file():
        return [Path(place)]  # also where its name holds a glob's signs
    files = sorted(Path(name) for name in glob.glob(place, recursive=True) if Path(name).is_file())
    if not files:
        raise FileNotFoundError(f"no file matches '{pattern}' (relative paths start at {Path.cwd()})")
    return files


def read_rows(path: Path) -> Iterator[Row]:
    """Every row of a `.parquet` or JSON Lines file; a broken line comes out as a row with an `error`.

    Blank lines are no rows, yet they count in the numbers of those after them. Raises `ValueError` on a `.parquet` file
    that is none.
    """
    if path.suffix == ".parquet":
        yield from _read_parquet(path)
    else:
        yield from _read_json_lines(path)


def lookup(values: dict[str, Any], dotted: str) -> Any:
    """`values["a"]["b"]` for `a.b`; null where a step is missing. A key that itself holds the dot wins."""
    if dotted in values:
        return values[dotted]
    found: Any = values
    for key in dotted.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found


def _read_json_lines(path: Path) -> Iterator[Row]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            if not line.strip():
                continue
            try:
                text = line.decode("utf-8" if number else "utf-8-sig")  # some tools put a mark before the first line
                values = json.loads(text)
            except (ValueError, RecursionError) as error:  # a ValueError too for a number of over 4,300 digits
                yield Row(path.name, number, None, line.decode("utf-8", "replace"), f"{type(error).__name__}: {error}")
                continue
            if isinstance(values, dict):
                yield Row(path.name, number, values)
            else:
                yield Row(path.name, number, None, text, f"a JSON object is expected, this is {type(values).__name__}")


def _read_parquet(path: Path) -> Iterator[Row]:
    number = 0
    try:
        for batch in bounded_batches(pq.ParquetFile(path), 1024):
            for values in batch.to_pylist():
                yield Row(path.name, number, values)
                number += 1
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{path} cannot be read as Parquet, after row {number}: {error}") from error
