"""Files in pieces of bounded size, whatever their format."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from stages.sources import json_lines, parquet_rows
from stages.sources.columns import Column
from stages.sources.files import SourceFile
from stages.sources.json_lines import LineBlock
from stages.sources.parquet_rows import RowBatch

Block = LineBlock | RowBatch

_BLOCK_BYTES = 16 * 2**20


def blocks(file: SourceFile, columns: Sequence[Column]) -> Iterator[Block]:
    """The pieces of a file. Raises `UnreadableFileError` or `SourceError`."""
    with file.open() as opened:
        if file.label.endswith(".parquet"):
            yield from parquet_rows.row_batches(opened, columns, _BLOCK_BYTES)
        else:
            yield from json_lines.line_blocks(opened, _BLOCK_BYTES)


def read_block(block: Block, columns: Sequence[Column]) -> pa.Table:
    """The rows of a piece, with `flat_schema`."""
    if isinstance(block, LineBlock):
        return json_lines.read_block(block, columns)
    return parquet_rows.read_batch(block, columns)
