"""Parquet in bulk: batches with the expected types as they are, others row by row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hipo_data.stages.ingest.reading.columns import (
    ROW,
    Column,
    flat_row,
    flat_schema,
    refused_row,
    row_numbers,
    with_markers,
)
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError

_MOST_ROWS = 65_536


@dataclass(frozen=True)
class RowBatch:
    """Consecutive rows of a file, or `rows` of them that cannot be read, and why."""

    first: int
    rows: int
    batch: pa.RecordBatch | None
    error: str | None = None


def row_batches(file: BinaryIO, columns: Sequence[Column], size: int) -> Iterator[RowBatch]:
    """The file in batches of about `size` bytes. A damaged row group comes out as its number of unreadable rows.

    Raises `UnreadableFileError`.
    """
    parquet = _opened(file)
    present = set(parquet.schema_arrow.names)
    wanted = [path for column in columns for path in (column.path, _top(column.path)) if path in present]
    totals = [parquet.metadata.row_group(group).num_rows for group in range(parquet.num_row_groups)]
    if sum(totals) != parquet.metadata.num_rows:
        raise UnreadableFileError("cannot be read as Parquet: its footer gives two numbers of rows")
    first = 0
    for group in range(parquet.num_row_groups):
        total, done, why = totals[group], 0, f"row group {group} ends too early"
        rows = max(1, min(_MOST_ROWS, size * total // max(1, parquet.metadata.row_group(group).total_byte_size)))
        try:
            for batch in parquet.iter_batches(rows, row_groups=[group], columns=list(dict.fromkeys(wanted))):
                yield RowBatch(first + done, batch.num_rows, _named_once(batch))
                done += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            why = f"row group {group} cannot be read: {error}"
        for at in range(done, total, rows):
            yield RowBatch(first + at, min(rows, total - at), None, why)
        first += max(done, total)


def names_in(file: BinaryIO) -> list[str]:
    """The names of the columns. Raises `UnreadableFileError`."""
    return list(_opened(file).schema_arrow.names)


def rows_in(file: BinaryIO) -> int:
    """The number of rows, as the footer has it. Raises `UnreadableFileError`."""
    return int(_opened(file).metadata.num_rows)


def _opened(file: BinaryIO) -> pq.ParquetFile:
    try:
        parquet = pq.ParquetFile(file, page_checksum_verification=True)
        _ = parquet.schema_arrow.names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"cannot be read as Parquet: {error}") from error
    return parquet


def read_batch(batch: RowBatch, columns: Sequence[Column]) -> pa.Table:
    """The rows of a batch with `flat_schema`."""
    if batch.batch is None:
        rows = [refused_row(batch.first + at, "", "unreadable", batch.error or "") for at in range(batch.rows)]
        return pa.Table.from_pylist(rows, schema=flat_schema(columns))
    numbers = np.arange(batch.first, batch.first + batch.rows, dtype=np.uint32)
    arrays: dict[str, Any] = {ROW: row_numbers(numbers)}
    try:
        batch.batch.validate(full=True)  # text that is not UTF-8
        for column in columns:
            arrays[column.path] = _column(batch.batch, column)
    except (pa.ArrowException, _OtherTypeError):
        return pa.Table.from_pylist(_row_by_row(batch.first, batch.batch, columns), schema=flat_schema(columns))
    return with_markers(arrays, columns)


class _OtherTypeError(TypeError):
    pass


def _named_once(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Of columns with one name the last, as with the keys of a JSON object."""
    last = {name: at for at, name in enumerate(batch.schema.names)}
    return batch if len(last) == batch.num_columns else batch.select(list(last.values()))


def _top(path: str) -> str:
    return path.partition(".")[0]


def _column(batch: pa.RecordBatch, column: Column) -> pa.Array:
    """The values of a column; one that itself is named with the dots wins over a nested one, row by row unless null."""
    nested = _nested(batch, column.path)
    if nested is None or "." not in column.path or column.path not in batch.schema.names:
        value = batch.column(column.path) if column.path in batch.schema.names else nested
        return _typed(value, column, batch.num_rows)
    own = _typed(batch.column(column.path), column, batch.num_rows)
    return own if own.null_count == 0 else pc.coalesce(own, _typed(nested, column, batch.num_rows))


def _nested(batch: pa.RecordBatch, path: str) -> pa.Array | None:
    """The value at a dotted path; null where it is missing. Raises `_OtherTypeError` where a step is no struct."""
    name, *steps = path.split(".")
    value = batch.column(name) if name in batch.schema.names else None
    for step in steps:
        if value is None:
            return None
        if not pa.types.is_struct(value.type):
            raise _OtherTypeError
        value = pc.struct_field(value, step) if value.type.get_field_index(step) >= 0 else None
    return value


def _typed(value: pa.Array | None, column: Column, rows: int) -> pa.Array:
    if value is None or pa.types.is_null(value.type):
        return pa.nulls(rows, column.type)
    if pa.types.is_dictionary(value.type):
        value = value.dictionary_decode()
    return _cast(value, column.type)


def _cast(value: pa.Array, to: pa.DataType) -> pa.Array:
    """`value` as `to` where that changes no value's meaning. Raises `_OtherTypeError`."""
    found = value.type
    if found == to:
        return value
    if pa.types.is_string(to) and (pa.types.is_large_string(found) or pa.types.is_string_view(found)):
        return value.cast(to)
    if pa.types.is_floating(to) and (pa.types.is_integer(found) or pa.types.is_floating(found)):
        return value.cast(to)
    if pa.types.is_struct(to) and pa.types.is_struct(found):
        fields = [
            _cast(pc.struct_field(value, field.name), field.type)
            if found.get_field_index(field.name) >= 0
            else pa.nulls(len(value), field.type)
            for field in to
        ]
        return pa.StructArray.from_arrays(fields, fields=list(to), mask=value.is_null())
    if pa.types.is_list(to) and (pa.types.is_list(found) or pa.types.is_large_list(found)):
        offsets = value.offsets.cast(pa.int32())
        return pa.ListArray.from_arrays(offsets, _cast(value.values, to.value_type), type=to, mask=value.is_null())
    raise _OtherTypeError


def _row_by_row(first: int, batch: pa.RecordBatch, columns: Sequence[Column]) -> list[dict[str, Any]]:
    try:
        return [flat_row(first + at, values, columns) for at, values in enumerate(batch.to_pylist())]
    except (ValueError, OverflowError, RecursionError) as error:  # text that is not UTF-8, a date after the year 9999
        if batch.num_rows == 1:
            return [refused_row(first, "", "unreadable", f"{type(error).__name__}: {error}")]
        half = batch.num_rows // 2
        return _row_by_row(first, batch.slice(0, half), columns) + _row_by_row(first + half, batch.slice(half), columns)
