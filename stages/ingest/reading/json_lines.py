"""JSON Lines in bulk: blocks of lines go through Arrow's parser, and only what it refuses is read line by line."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import json as arrow_json

from hipo_data.schemas.records import KEPT_CHARS
from hipo_data.stages.ingest.reading.columns import (
    ROW,
    Column,
    flat_row,
    flat_schema,
    refused_row,
    row_numbers,
    with_markers,
)

_PIECES = 64
_BLANK = b" \t\r\n\x0b\x0c"
_MARK = b"\xef\xbb\xbf"  # some tools put a byte order mark before the first line
LONGEST_LINE = 2**28
"""Bytes of a row, beyond which it is refused unread."""


@dataclass(frozen=True)
class LineBlock:
    """Whole lines of a file."""

    first: int
    """Zero-based number of the first line."""
    data: bytes
    cut_short: bool = False
    """Whether part of its first line was left out, since nobody's problem is that long."""

    @cached_property
    def line_ends(self) -> NDArray[np.int64]:
        """Where the line feeds are. `find` is several times as fast as `count` and NumPy where lines are long."""
        return np.fromiter(_line_ends(self.data), np.int64)


def line_blocks(file: BinaryIO, size: int) -> Iterator[LineBlock]:
    """The file in blocks of about `size` bytes that end where a line does; of a line over 256 MiB only its start."""
    first, held = 0, b""
    cut_short = False
    while part := file.read(size):
        cut = part.rfind(b"\n") + 1
        if cut:
            data, held = b"".join((held, memoryview(part)[:cut])), part[cut:]
            block = LineBlock(first, data.removeprefix(_MARK) if first == 0 else data, cut_short)
            first += len(block.line_ends)
            yield block
            cut_short = False
        elif len(held) < LONGEST_LINE:
            held += part
        else:
            cut_short = True
    if data := held.removeprefix(_MARK) if first == 0 else held:
        yield LineBlock(first, data, cut_short)


def read_block(block: LineBlock, columns: Sequence[Column]) -> pa.Table:
    """The rows of a block with `flat_schema`; blank lines are no rows, yet they count in the numbers of later ones.

    Whether a row can be read never depends on the rows beside it.
    """
    tables = list(_read(block, columns, pieces=_PIECES))
    return pa.concat_tables(tables) if tables else flat_schema(columns).empty_table()


def _read(block: LineBlock, columns: Sequence[Column], pieces: int) -> Iterator[pa.Table]:
    table = None if block.cut_short else _in_bulk(block, columns)
    if table is not None:
        yield table
        return
    lines = [line + b"\n" for line in block.data.removesuffix(b"\n").split(b"\n")]
    step = max(1, len(lines) // pieces)
    for at in range(0, len(lines), step):
        cut_short = block.cut_short and at == 0
        if pieces > 1:
            piece = LineBlock(block.first + at, b"".join(lines[at : at + step]), cut_short)
            yield from _read(piece, columns, pieces=1)
        else:
            rows = [
                _one_row(LineBlock(block.first + number, line, cut_short and number == 0), columns)
                for number, line in enumerate(lines)
                if line.strip(_BLANK)
            ]
            yield pa.Table.from_pylist(rows, schema=flat_schema(columns))


def _in_bulk(block: LineBlock, columns: Sequence[Column]) -> pa.Table | None:
    """All rows of the block, or null where Arrow refuses one of them or might have joined or split lines."""
    numbers, schema = _object_lines(block), _nested_schema(columns)
    if numbers is None or schema is None:
        return None
    try:
        if not block.data.isascii():
            pa.array([block.data], pa.binary()).cast(pa.string())  # Arrow's parser does not look whether text is UTF-8
        table = arrow_json.read_json(
            pa.BufferReader(block.data),
            read_options=arrow_json.ReadOptions(block_size=len(block.data) + 1, use_threads=False),
            parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError):
        return None
    return _flat(table, numbers, columns) if table.num_rows == len(numbers) else None


def _object_lines(block: LineBlock) -> NDArray[np.uint32] | None:
    """Numbers of the lines that are not blank; null unless each of them opens and closes an object.

    Then no object can reach over a line's end, and as many rows as lines means a row a line.
    """
    data = np.frombuffer(block.data, np.uint8)
    ends = block.line_ends
    if not len(ends) or ends[-1] != len(data) - 1:
        ends = np.append(ends, len(data))
    starts = np.concatenate(([0], ends[:-1] + 1))
    last = ends - 1
    last = np.where((last > starts) & (data[np.maximum(last, 0)] == 13), last - 1, last)
    filled = last >= starts
    if not np.all(data[starts[filled]] == 123) or not np.all(data[last[filled]] == 125):
        return None
    return (np.flatnonzero(filled) + block.first).astype(np.uint32)


def _line_ends(data: bytes) -> Iterator[int]:
    at = data.find(b"\n")
    while at >= 0:
        yield at
        at = data.find(b"\n", at + 1)


def _nested_schema(columns: Sequence[Column]) -> pa.Schema | None:
    """Columns by dotted path as the nested types of a JSON object; a key may also hold the dots itself.

    Null where one column lies within another one: no type holds both.
    """
    if any(inner.path.startswith(f"{outer.path}.") for inner in columns for outer in columns):
        return None
    tree: dict[str, Any] = {}
    for column in columns:
        tree.setdefault(column.path, column.type)
        at = tree
        *steps, name = column.path.split(".")
        for step in steps:
            at = at.setdefault(step, {})
        at.setdefault(name, column.type)
    return pa.schema(_fields(tree))


def _fields(tree: dict[str, Any]) -> list[pa.Field]:
    return [pa.field(name, pa.struct(_fields(kind)) if isinstance(kind, dict) else kind) for name, kind in tree.items()]


def _flat(table: pa.Table, numbers: NDArray[np.uint32], columns: Sequence[Column]) -> pa.Table:
    arrays: dict[str, Any] = {ROW: row_numbers(numbers)}
    for column in columns:
        value = table[column.path]
        name, *steps = column.path.split(".")
        if steps:
            nested = pc.struct_field(table[name], steps)
            value = nested if value.null_count == len(value) else pc.coalesce(value, nested)
        arrays[column.path] = value
    return with_markers(arrays, columns)


def _one_row(line: LineBlock, columns: Sequence[Column]) -> dict[str, Any]:
    """A line by Python's more patient parser, and where that gives up by Arrow's, which nothing is too deep for."""
    if line.cut_short:
        return refused_row(line.first, _shown(line.data), "row_too_long", f"a line of over {LONGEST_LINE} bytes")
    try:
        values = json.loads(line.data.decode())
        if not isinstance(values, dict):
            raise ValueError(f"a JSON object is expected, this is {type(values).__name__}")
        return flat_row(line.first, values, columns)
    except (ValueError, RecursionError) as error:  # a ValueError too for a number of over 4,300 digits
        table = _in_bulk(line, columns)
        if table is not None:
            row: dict[str, Any] = table.to_pylist()[0]
            return row
        return refused_row(line.first, _shown(line.data), "unreadable", f"{type(error).__name__}: {error}")


def _shown(data: bytes) -> str:
    return data[: 8 * KEPT_CHARS].decode("utf-8", "replace").rstrip("\n")
