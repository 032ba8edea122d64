"""Reading Parquet by bytes and not by rows, of which one may be a gigabyte."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq


def bounded_batches(parquet: pq.ParquetFile, most_rows: int, size: int = 64 * 2**20) -> Iterator[pa.RecordBatch]:
    """All rows in batches of at most `most_rows`, and of about `size` bytes where rows are of like length."""
    for group in range(parquet.num_row_groups):
        about = parquet.metadata.row_group(group)
        rows = max(1, min(most_rows, size * about.num_rows // max(1, about.total_byte_size)))
        yield from parquet.iter_batches(batch_size=rows, row_groups=[group])
