"""Files in pieces of bounded size, whatever their format."""

from collections.abc import Iterator, Sequence
from itertools import islice

import pyarrow as pa

from hipo_data.stages.ingest.reading import json_lines, parquet_rows
from hipo_data.stages.ingest.reading.columns import Column
from hipo_data.stages.ingest.reading.files import SourceFile
from hipo_data.stages.ingest.reading.json_lines import LineBlock
from hipo_data.stages.ingest.reading.parquet_rows import RowBatch

Block = tuple[LineBlock, ...] | RowBatch
"""What is worked on at once. Lines come in pieces, for a small piece is read faster, and many rows cost less a row."""

_BLOCK_BYTES = 16 * 2**20
_PIECES = 8


def blocks(file: SourceFile, columns: Sequence[Column]) -> Iterator[Block]:
    """The pieces of a file. Raises `UnreadableFileError` or `SourceError`."""
    with file.open() as opened:
        if file.label.endswith(".parquet"):
            yield from parquet_rows.row_batches(opened, columns, _BLOCK_BYTES)
        else:
            lines = json_lines.line_blocks(opened, _BLOCK_BYTES // _PIECES)
            while pieces := tuple(islice(lines, _PIECES)):
                yield pieces


def read_block(block: Block, columns: Sequence[Column]) -> pa.Table:
    """The rows of a piece, with `flat_schema`."""
    if isinstance(block, RowBatch):
        return parquet_rows.read_batch(block, columns)
    return pa.concat_tables(json_lines.read_block(piece, columns) for piece in block)
