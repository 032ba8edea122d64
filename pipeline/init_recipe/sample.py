"""The first rows of somebody's files, as values by column, whatever the format."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import polars as pl

from hipo_data.schemas.errors import UserError
from hipo_data.stages.ingest.reading.blocks import columns_of, first_block, read_block
from hipo_data.stages.ingest.reading.columns import DETAIL, REFUSED, Column
from hipo_data.stages.ingest.reading.files import SourceFile
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError

ROWS = 1_000
"""Rows that are looked at."""
_FILES = 8
_DEEPEST = 3
_MOST_COLUMNS = 300


@dataclass(frozen=True)
class Looked:
    """The values of one column, by its dotted path, in the rows that are looked at."""

    path: str
    values: list[Any]

    @property
    def present(self) -> list[Any]:
        """Those that are not missing."""
        return [value for value in self.values if value is not None and value != ""]

    @property
    def texts(self) -> list[str]:
        """Those that are text."""
        return [value for value in self.present if isinstance(value, str)]

    @property
    def is_text(self) -> bool:
        """Whether most values that are there are text."""
        return bool(self.present) and 2 * len(self.texts) > len(self.present)

    @property
    def usual_length(self) -> float:
        """The median length of the texts."""
        return median(map(len, self.texts)) if self.texts else 0.0

    @property
    def name(self) -> str:
        """The last step of the path, in small letters and with `_` alone."""
        return self.path.rpartition(".")[2].lower().replace("-", "_").replace(" ", "_")


@dataclass(frozen=True)
class Sample:
    """What is seen of some files."""

    rows: int
    whole: bool
    """Whether those are all rows of all files."""
    columns: list[Looked]
    """In the order of the files; columns of objects, and then the fields within."""

    def find(self, path: str) -> Looked | None:
        """A column by its path."""
        return next((column for column in self.columns if column.path == path), None)

    @property
    def tops(self) -> list[str]:
        """The columns as they stand in the files."""
        return [column.path for column in self.columns if "." not in column.path]


def look(files: Sequence[SourceFile], where: str) -> Sample:
    """Looks at the first rows of the files.

    Raises `UserError` where they cannot be read or hold no row, with what is wrong.
    """
    some = files[:_FILES]
    share = max(1, ROWS // len(some))
    rows: list[dict[str, Any]] = []
    whole = len(some) == len(files)
    refused: list[str] = []
    for file in some:
        try:
            names = columns_of(file)
            block = first_block(file, [Column(name) for name in names], share + 1)
        except UnreadableFileError as error:
            raise UserError(f"{file.label} {error}") from error
        found = [] if block is None else list(_values(block, names, refused))
        whole = whole and len(found) <= share
        rows += found[:share]
    if not rows:
        why = f": {refused[0].removesuffix('.')}" if refused else ""
        raise UserError(
            f"{where} holds no row that can be read{why}; a row is an object of one line, or a record of CSV, in UTF-8"
        )
    paths = dict.fromkeys(path for row in rows for path in row)
    order = sorted(paths, key=lambda path: "." in path)[:_MOST_COLUMNS]
    return Sample(len(rows), whole, [Looked(path, [row.get(path) for row in rows]) for path in order])


def _values(block: Any, names: Sequence[str], refused: list[str]) -> Iterator[dict[str, Any]]:
    """Rows with the fields of objects beside them, by dotted paths; `refused` gets why a row cannot be read."""
    as_text = pl.DataFrame(read_block(block, [Column(name) for name in names]))
    any_json = [Column(name, any_json=frozenset({name})) for name in names]
    as_json = pl.DataFrame(read_block(block, any_json))
    for text, value in zip(as_text.iter_rows(named=True), as_json.iter_rows(named=True), strict=True):
        if text[REFUSED] is not None:
            refused.append(text[DETAIL])
            continue
        row: dict[str, Any] = {}
        for name in names:
            found = text[name] if text[name] is not None else _decoded(value[name])
            row[name] = found
            row |= dict(_within(name, found, _DEEPEST))
        yield row


def _decoded(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # a number of many digits
        return text


def _within(path: str, value: Any, deep: int) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict) or not deep:
        return
    for name, inner in value.items():
        yield f"{path}.{name}", inner
        yield from _within(f"{path}.{name}", inner, deep - 1)


def as_text(value: Any) -> str:
    """A value as a source reads it from a column that may hold anything: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
