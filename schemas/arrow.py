"""Arrow schemas derived from the record models, and the way between records and tables."""

import types
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import cache, reduce
from operator import or_
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import pyarrow as pa

from hipo_data.schemas.gold import gold_to_json, problem_gold_from_json
from hipo_data.schemas.records import Problem, Record

R = TypeVar("R", bound=Record)

_SCALARS: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
}


@cache
def arrow_schema(model: type[Record]) -> pa.Schema:
    """The Arrow schema of a record model; its name and version are in the schema's metadata.

    Enums and literals are strings, nested records are structs, `X | None` is nullable, and a gold is a JSON string.
    """
    fields = [_field(name, info.annotation) for name, info in model.model_fields.items()]
    return pa.schema(fields, metadata={"hipo_data.record": model.__name__, "hipo_data.version": str(model.version)})


def to_table(records: Iterable[R], model: type[R]) -> pa.Table:
    """Records as a table with the model's schema, in the given order."""
    rows = [_dump(record) for record in records]
    return pa.Table.from_pylist(rows, schema=arrow_schema(model))


def from_table(table: pa.Table, model: type[R]) -> Iterator[R]:
    """The records of a table. Raises `ValueError` where the table holds another record or another version of it."""
    check_schema(table.schema, model)
    for row in table.to_pylist():
        if model is Problem:
            row["gold"] = problem_gold_from_json(row["gold"])
        yield model.model_validate(row)


def fitted(table: pa.Table, schema: pa.Schema, most_bytes: int = 2**30) -> pa.Table:
    """The columns of `schema` with its types, in its order.

    Its texts and lists have 32-bit offsets, which address 2 GiB of a chunk: where `table` holds more than `most_bytes`,
    columns come in several chunks. Raises `pa.ArrowInvalid` where a value cannot be of its type.
    """
    pieces = [
        pa.table([piece[name].cast(schema.field(name).type) for name in schema.names], schema=schema)
        for piece in _pieces(table.select(schema.names), most_bytes)
    ]
    return pa.concat_tables(pieces)


def _pieces(table: pa.Table, most_bytes: int) -> Iterator[pa.Table]:
    if table.num_rows <= 1 or table.nbytes <= most_bytes:
        yield table
        return
    half = table.num_rows // 2
    yield from _pieces(table.slice(0, half), most_bytes)
    yield from _pieces(table.slice(half), most_bytes)


def check_schema(schema: pa.Schema, model: type[Record]) -> None:
    """Raises `ValueError` unless `schema` is the one of `model` in the version that this code reads."""
    metadata = schema.metadata or {}
    name = metadata.get(b"hipo_data.record", b"?").decode()
    version = metadata.get(b"hipo_data.version", b"?").decode()
    if (name, version) != (model.__name__, str(model.version)):
        raise ValueError(
            f"expected a table of {model.__name__} records, version {model.version}; found {name}, version {version}"
        )


def _dump(record: Record) -> dict[str, Any]:
    row = record.model_dump(mode="json")
    if isinstance(record, Problem):
        row["gold"] = gold_to_json(record.gold)
    return row


def _field(name: str, annotation: Any) -> pa.Field:
    inner, nullable = _unwrap_optional(annotation)
    return pa.field(name, _type(inner), nullable=nullable)


def _unwrap_optional(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, types.UnionType):
        members = [arg for arg in get_args(annotation) if arg is not type(None)]
        if len(members) < len(get_args(annotation)):
            return reduce(or_, members), True
    return annotation, False


def _type(annotation: Any) -> pa.DataType:
    origin = get_origin(annotation)
    if origin is Literal:
        return pa.string()
    if origin is list:
        return pa.list_(_type(get_args(annotation)[0]))
    if origin in (Union, types.UnionType):
        return pa.string()  # a gold, as JSON
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return pa.string()
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return pa.struct([_field(name, info.annotation) for name, info in annotation.model_fields.items()])
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    raise TypeError(f"no Arrow type for {annotation!r}")
