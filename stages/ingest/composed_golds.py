"""Golds that stand in several columns: options with the right one among them, answers with their unit and tolerance.

They are put together as the objects that `graders.golds` reads, in JSON.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import polars as pl

from hipo_data.graders import syntax


def choice(
    gold: pl.Expr, options: Sequence[str], wrong: Sequence[str], way: Literal["answer", "letter", "index", "content"]
) -> pl.Expr:
    """The gold of a multiple-choice problem; null where `gold` is.

    Args:
        options, wrong: columns with all options, or with all but the right one: a text each, or a list in JSON.
        way: how `gold` says which of `options` is right.
    """

    def composed(row: dict[str, str | None]) -> dict[str, Any]:
        if wrong:
            return {"right": row[_GOLD], "wrong": options_of(row, wrong)}
        return {"options": options_of(row, options), way: row[_GOLD]}

    return _of_rows(gold, [*options, *wrong], composed)


def quantity(gold: pl.Expr, unit: str | None, error: str | None, tolerance: float | None) -> pl.Expr:
    """The gold of a measured quantity, where the row says a unit or an error or there is a tolerance."""

    def composed(row: dict[str, str | None]) -> dict[str, Any]:
        said = {
            "unit": (row[unit] or "").strip() or None if unit is not None else None,
            "error": _number(row[error]) if error is not None else None,
            "tolerance": tolerance,
        }
        said = {name: value for name, value in said.items() if value is not None}
        return {"quantity": row[_GOLD], **said} if said else {}

    return _of_rows(gold, [name for name in (unit, error) if name is not None], composed)


_GOLD = "#raw gold"


def _of_rows(gold: pl.Expr, names: Sequence[str], composed: Any) -> pl.Expr:
    """JSON of what `composed` makes of each row with a gold; the gold itself where it makes nothing."""

    def of_rows(rows: pl.Series) -> pl.Series:
        found = [
            None
            if row[_GOLD] is None
            else json.dumps(made, ensure_ascii=False)
            if (made := composed(row))
            else row[_GOLD]
            for row in rows.to_list()
        ]
        return pl.Series(rows.name, found, dtype=pl.String)

    columns = [pl.col(name) for name in dict.fromkeys(names)]
    return pl.struct(gold.alias(_GOLD), *columns).map_batches(of_rows, return_dtype=pl.String, is_elementwise=True)


def options_of(row: Mapping[str, str | None], names: Sequence[str]) -> list[str]:
    """The texts of columns that hold one each, or of one column that holds a list of them in JSON."""
    values = [row[name] for name in names]
    if len(names) > 1:
        return [value for value in values if value is not None]
    return _list(values[0] or "")


def _list(text: str) -> list[str]:
    """A list out of the JSON that readers make of one, or as Python writes it; text that is none is one option."""
    if text.lstrip().startswith("["):
        for read in (json.loads, syntax.literal):
            try:
                value = read(text)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            if isinstance(value, list):
                return [str(item) for item in value if item is not None]
    return [text] if text.strip() else []


def _number(text: str | None) -> float | None:
    try:
        return abs(float(text)) or None if text is not None else None
    except ValueError:
        return None
