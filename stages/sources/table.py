"""Any JSON Lines or Parquet file, by the column mapping of the recipe."""

import re
from typing import Any

from schemas.config import TableSource
from schemas.records import Kind
from schemas.tables import lookup
from stages.sources.draft import Draft, RefusedRowError, is_number

DATASET = "table"


def draft(values: dict[str, Any], config: TableSource) -> Draft:
    """A row as a draft. Raises `RefusedRowError`."""
    columns = config.columns
    kind = _kind(values, config)  # first: of a row out of scope, nothing else need be right
    question, gold = lookup(values, columns.question), lookup(values, columns.gold)
    if not isinstance(question, str):
        raise RefusedRowError(
            "bad_column", f"column '{columns.question}' must be text; it is {type(question).__name__}"
        )
    if gold is None:
        raise RefusedRowError("no_gold", f"column '{columns.gold}' is missing or null")
    if config.gold_pattern is not None:
        found = re.findall(config.gold_pattern, str(gold), re.MULTILINE)
        if not found:
            raise RefusedRowError("no_gold", f"'{config.gold_pattern}' matches nothing in column '{columns.gold}'")
        gold = found[-1] if isinstance(found[-1], str) else found[-1][-1]
    return Draft(
        kind=kind,
        question=question,
        gold=str(gold) if isinstance(gold, int | float) else gold,
        domain=_text(values, columns.domain),
        difficulty=_rate(values, columns.difficulty),
        licence=_text(values, columns.licence),
    )


def _kind(values: dict[str, Any], config: TableSource) -> Kind:
    if config.columns.kind is None:
        return config.kind
    kind = lookup(values, config.columns.kind)
    if kind not in list(Kind):
        raise RefusedRowError("other_domain", f"column '{config.columns.kind}' is {kind!r}, neither math nor code")
    return Kind(kind)


def _text(values: dict[str, Any], column: str | None) -> str | None:
    value = lookup(values, column) if column else None
    return None if value is None else str(value)


def _rate(values: dict[str, Any], column: str | None) -> float | None:
    value = lookup(values, column) if column else None
    if value is None:
        return None
    if not is_number(value) or not 0 <= value <= 1:
        raise RefusedRowError(
            "bad_column", f"column '{column}' must be a failure rate from 0 to 1; it is {value!r:.80}"
        )
    return float(value)
