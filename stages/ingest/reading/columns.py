"""The columns that an adapter reads, and what becomes of values that are not of a column's type."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hipo_data.schemas.text import valid_unicode

ROW = "#row"
"""Zero-based row or line number, UInt32."""
RAW = "#raw"
"""Text of a row that cannot be read, else null."""
REFUSED = "refused"
"""Code of why the row does not become a problem, else null."""
DETAIL = "refused_detail"
"""The same as a sentence."""
OF_ANOTHER_TYPE = "#type "
"""Before the name of a column that is text: the type of the value that was found instead, else null."""


@dataclass(frozen=True)
class Column:
    """A column by its dotted path. A value of another type reads as null."""

    path: str
    type: pa.DataType = pa.string()  # noqa: RUF009 (types are immutable)
    any_json: frozenset[str] = frozenset()
    """Texts (the column or fields within it) that may also be a number, list or object, and are its JSON then."""

    @property
    def is_text(self) -> bool:
        """Whether the column is a text."""
        return bool(pa.types.is_string(self.type))


def flat_schema(columns: Sequence[Column]) -> pa.Schema:
    """Schema of the frames that readers give: a field a column, named by its path, and those of this module."""
    fields = [pa.field(column.path, column.type) for column in columns]
    types = [pa.field(OF_ANOTHER_TYPE + column.path, pa.string()) for column in columns if column.is_text]
    return pa.schema(
        [pa.field(ROW, pa.uint32()), *fields, *types, *[pa.field(x, pa.string()) for x in (RAW, REFUSED, DETAIL)]]
    )


def row_numbers(numbers: NDArray[np.uint32]) -> pa.Array:
    """The column `ROW`. `pa.array` would look whether they are pandas', and importing that takes longer than a file."""
    return pa.Array.from_buffers(pa.uint32(), len(numbers), [None, pa.py_buffer(numbers)])


def with_markers(arrays: dict[str, Any], columns: Sequence[Column]) -> pa.Table:
    """A table with `flat_schema` of rows that all could be read."""
    schema = flat_schema(columns)
    markers = pa.nulls(len(arrays[ROW]), pa.string())
    return pa.table([arrays.get(name, markers) for name in schema.names], schema=schema)


def flat_row(number: int, values: dict[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    """One row for `flat_schema` out of Python values."""
    row: dict[str, Any] = {ROW: number}
    for column in columns:
        value = _found(values, column.path)
        row[column.path] = kept = _coerced(value, column.type, column.path, column.any_json)
        if column.is_text:
            row[OF_ANOTHER_TYPE + column.path] = type(value).__name__ if kept is None and value is not None else None
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raw = valid_unicode(json.dumps(values, ensure_ascii=False, default=str))
        return refused_row(number, raw, "bad_text", f"the row holds text that is not valid Unicode: {error}")
    return row


def refused_row(number: int, raw: str, reason: str, detail: str) -> dict[str, Any]:
    """A row for `flat_schema` that cannot be read."""
    return {ROW: number, RAW: raw, REFUSED: reason, DETAIL: detail}


def _found(values: dict[str, Any], path: str) -> Any:
    """The value at a dotted path; a key that itself holds the dots wins, unless it is null."""
    if values.get(path) is not None:
        return values[path]
    found: Any = values
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _coerced(value: Any, to: pa.DataType, name: str, any_json: frozenset[str]) -> Any:
    """`value` where it is of the type `to`, else null; within lists and structs piece by piece."""
    if pa.types.is_struct(to):
        if not isinstance(value, dict):
            return None
        return {field.name: _coerced(value.get(field.name), field.type, field.name, any_json) for field in to}
    if pa.types.is_list(to):
        return [_coerced(item, to.value_type, name, any_json) for item in value] if isinstance(value, list) else None
    if pa.types.is_floating(to):
        return _as_float(value)
    if isinstance(value, str):
        return value
    return _as_json(value) if isinstance(value, int | float | Decimal | list | dict) and name in any_json else None


def _as_float(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:  # as Arrow reads it
        return math.inf if value > 0 else -math.inf


def _as_json(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        value = [item if isinstance(item, str) else str(item) for item in value if item is not None]
    return json.dumps(value, ensure_ascii=False, default=str)
