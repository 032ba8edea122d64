"""CSV and TSV with a line of names: records may hold line ends, commas and doubled quotes within quotes (RFC 4180)."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from hipo_data.schemas.text import valid_unicode
from hipo_data.stages.ingest.reading.columns import (
    ROW,
    Column,
    flat_row,
    flat_schema,
    refused_row,
    row_numbers,
    with_markers,
)
from hipo_data.stages.ingest.reading.json_lines import LONGEST_LINE
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError

_MOST_RECORDS = 16_384


@dataclass(frozen=True)
class RecordBlock:
    """Consecutive records of a file."""

    first: int
    """Zero-based number of the first, not counting the line of names."""
    names: tuple[str, ...]
    records: list[list[str] | str]
    """The cells of each, or why it cannot be read."""


def record_blocks(file: BinaryIO, delimiter: str, size: int) -> Iterator[RecordBlock]:
    """The file in blocks of about `size` characters; empty lines are no records.

    Raises `UnreadableFileError` for a line that no memory should hold.
    """
    found = _records(file, delimiter)
    names = next((record for record in found if record != []), None)
    if names is None:
        return
    if isinstance(names, str):
        raise UnreadableFileError(f"has no line of names that can be read as CSV: {names}")
    first, records, held = 0, list[list[str] | str](), 0
    for record in found:
        if isinstance(record, UnreadableFileError):
            if records:
                yield RecordBlock(first, tuple(names), records)
            record.row = first + len(records)
            raise record
        if not record:
            continue
        if not isinstance(record, str) and len(record) != len(names):
            record = f"the record has {len(record)} cells and the line of names {len(names)}"
        records.append(record)
        held += sum(map(len, record))
        if held >= size or len(records) >= _MOST_RECORDS:
            yield RecordBlock(first, tuple(names), records)
            first, records, held = first + len(records), [], 0
    if records:
        yield RecordBlock(first, tuple(names), records)


def read_records(block: RecordBlock, columns: Sequence[Column]) -> pa.Table:
    """The rows of a block with `flat_schema`. An empty cell is null; one of a column that is no text is read as JSON.

    Whether a row can be read never depends on the rows beside it.
    """
    whole = [record for record in block.records if not isinstance(record, str)]
    if len(whole) == len(block.records) and all(_is_plain(column, block.names) for column in columns):
        with suppress(UnicodeEncodeError):  # text that is not UTF-8
            return _in_bulk(block, whole, columns)
    rows = [_one_row(block.first + at, record, block.names, columns) for at, record in enumerate(block.records)]
    return pa.Table.from_pylist(rows, schema=flat_schema(columns))


def _records(file: BinaryIO, delimiter: str) -> Iterator[Any]:
    """Cells of each record, or why it cannot be read, or at last why the file cannot."""
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
    reader = csv.reader(_lines(file), delimiter=delimiter, strict=True)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # goes on with the next line
            yield f"no record of a CSV file, in line {reader.line_num}: {error}"
        except UnreadableFileError as error:
            yield error
            return


def _lines(file: BinaryIO) -> Iterator[str]:
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise UnreadableFileError(f"has a line of over {LONGEST_LINE} characters")
        yield line
    text.detach()


def _is_plain(column: Column, names: tuple[str, ...]) -> bool:
    return column.is_text and (column.path in names) != (_top(column.path) in names and "." in column.path)


def _top(path: str) -> str:
    return path.partition(".")[0]


def _in_bulk(block: RecordBlock, records: list[list[str]], columns: Sequence[Column]) -> pa.Table:
    at = {name: place for place, name in enumerate(block.names)}  # of columns with one name the last
    numbers = np.arange(block.first, block.first + len(records), dtype=np.uint32)
    arrays: dict[str, Any] = {ROW: row_numbers(numbers)}
    for column in columns:
        cells = [record[at[column.path]] or None for record in records]
        arrays[column.path] = pa.array(cells, column.type)
    return with_markers(arrays, columns)


def _one_row(number: int, record: list[str] | str, names: tuple[str, ...], columns: Sequence[Column]) -> dict[str, Any]:
    if isinstance(record, str):
        return refused_row(number, "", "unreadable", valid_unicode(record))
    values: dict[str, Any] = {name: cell or None for name, cell in zip(names, record, strict=True)}
    for column in columns:
        name = column.path if column.path in values else _top(column.path)
        if values.get(name) and (not column.is_text or name != column.path):
            with suppress(ValueError, RecursionError):
                values[name] = json.loads(str(values[name]))
    return flat_row(number, values, columns)
