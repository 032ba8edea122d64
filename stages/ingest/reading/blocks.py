"""Files in pieces of bounded size, whatever their format."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import pyarrow as pa

from hipo_data.stages.ingest.reading import csv_rows, json_array, json_lines, parquet_rows
from hipo_data.stages.ingest.reading.columns import Column
from hipo_data.stages.ingest.reading.csv_rows import RecordBlock
from hipo_data.stages.ingest.reading.files import SourceFile
from hipo_data.stages.ingest.reading.formats import Content, Format, content_of
from hipo_data.stages.ingest.reading.json_lines import LineBlock
from hipo_data.stages.ingest.reading.parquet_rows import RowBatch
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError

Block = tuple[LineBlock, ...] | RowBatch | RecordBlock
"""What is worked on at once. Lines come in pieces, for a small piece is read faster, and many rows cost less a row."""

_BLOCK_BYTES = 16 * 2**20
_PIECES = 8
_LOOKED_AT = 100
"""Rows of a file without a schema whose columns are told."""


def blocks(file: SourceFile, columns: Sequence[Column]) -> Iterator[Block]:
    """The pieces of a file. Raises `UnreadableFileError` or `SourceError`."""
    with file.open() as opened:
        content = content_of(opened, file.format_name)
        match content.format:
            case Format.PARQUET:
                yield from parquet_rows.row_batches(content.file, columns, _BLOCK_BYTES)
            case Format.CSV | Format.TSV:
                yield from csv_rows.record_blocks(content.file, content.delimiter, _BLOCK_BYTES // _PIECES)
            case Format.JSON_ARRAY | Format.JSON_LINES:
                yield from _together(_lines(content))


def read_block(block: Block, columns: Sequence[Column]) -> pa.Table:
    """The rows of a piece, with `flat_schema`."""
    if isinstance(block, RowBatch):
        return parquet_rows.read_batch(block, columns)
    if isinstance(block, RecordBlock):
        return csv_rows.read_records(block, columns)
    return pa.concat_tables(json_lines.read_block(piece, columns) for piece in block)


def first_block(file: SourceFile, columns: Sequence[Column], rows: int) -> Block | None:
    """The first rows of a file, `rows` of them at most; null where it has none. Raises as `blocks`."""
    block = next(blocks(file, columns), None)
    if isinstance(block, RowBatch):
        batch = None if block.batch is None else block.batch.slice(0, rows)
        return RowBatch(block.first, min(rows, block.rows), batch, block.error)
    if isinstance(block, RecordBlock):
        return RecordBlock(block.first, block.names, block.records[:rows])
    return None if block is None else tuple(_first_lines(block, rows))


def _first_lines(pieces: Iterable[LineBlock], rows: int) -> Iterator[LineBlock]:
    for piece in pieces:
        lines = len(piece.line_ends)
        if lines <= rows:
            yield piece
        else:
            yield LineBlock(piece.first, piece.data[: int(piece.line_ends[rows - 1]) + 1], piece.cut_short)
        rows -= lines
        if rows <= 0:
            return


def columns_of(file: SourceFile) -> list[str]:
    """The columns of a file as they stand in it, of objects those of the first; none where it cannot be read."""
    try:
        with file.open() as opened:
            content = content_of(opened, file.format_name)
            match content.format:
                case Format.PARQUET:
                    return parquet_rows.names_in(content.file)
                case Format.CSV | Format.TSV:
                    first = next(csv_rows.record_blocks(content.file, content.delimiter, 1), None)
                    return list(first.names) if first else []
                case Format.JSON_ARRAY | Format.JSON_LINES:
                    return _keys(line for block in islice(_lines(content), 1) for line in block.data.split(b"\n"))
    except UnreadableFileError:
        return []


def _lines(content: Content) -> Iterator[LineBlock]:
    read = json_array.element_blocks if content.format is Format.JSON_ARRAY else json_lines.line_blocks
    return read(content.file, _BLOCK_BYTES // _PIECES)


def _together(lines: Iterator[LineBlock]) -> Iterator[tuple[LineBlock, ...]]:
    """Several at once, of which those after the first are small. What was read before an error goes before it."""
    pieces: list[LineBlock] = []
    try:
        for block in lines:
            pieces.append(block)
            if len(pieces) == _PIECES or sum(len(piece.data) for piece in pieces) >= _BLOCK_BYTES:
                yield tuple(pieces)
                pieces = []
    except UnreadableFileError:
        if pieces:
            yield tuple(pieces)
        raise
    if pieces:
        yield tuple(pieces)


def _keys(lines: Iterable[bytes]) -> list[str]:
    found: dict[str, None] = {}
    for line in islice(lines, _LOOKED_AT):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):  # told as the row's own refusal
            continue
        found |= dict.fromkeys(row) if isinstance(row, dict) else {}
    return list(found)
