"""Any file of rows, or any dataset on the Hub, by the column mapping of the recipe.

A row is refused where its question is no text, where it has no gold or `gold_pattern` finds none in it, where its kind
is neither math nor code, or where its difficulty is no failure rate from 0 to 1. A gold may be text, a number, a list
of acceptable answers, or an object in one of the shapes of code golds.
"""

import re
from dataclasses import replace

import polars as pl
from pydantic import Field, field_validator

from hipo_data.schemas.config_node import Config
from hipo_data.schemas.records import Kind
from hipo_data.schemas.source_config import AdapterConfig
from hipo_data.stages.ingest.adapter import GOLD, Draft, Refusal, known_kind, text_needed
from hipo_data.stages.ingest.reading.columns import Column

DATASET = "table"
FILES = ""  # the recipe says which


class ColumnMapping(Config):
    """Which column holds what, for a source without an adapter. A dot reaches into nested objects: `meta.level`."""

    question: str = "question"
    gold: str = "answer"
    kind: str | None = Field(default=None, description="column with `math` or `code`; else the source's `kind`")
    domain: str | None = None
    difficulty: str | None = Field(
        default=None, description="column with the failure rate of a reference model, 0 to 1"
    )
    licence: str | None = None


class TableSource(AdapterConfig):
    """Its own keys."""

    kind: Kind = Kind.MATH
    columns: ColumnMapping = ColumnMapping()
    gold_pattern: str | None = Field(
        default=None,
        description="regular expression whose last group in the gold column is the gold, such as `A: (.*)$`",
    )

    @field_validator("gold_pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"'{pattern}' is not a regular expression: {error}") from error
        return pattern


CONFIG = TableSource


def columns(config: TableSource) -> list[Column]:
    """What is read of a row."""
    mapping = config.columns
    optional = (mapping.kind, mapping.domain, mapping.licence, mapping.difficulty)
    paths = {
        mapping.question: Column(mapping.question),
        mapping.gold: _any(mapping.gold),
        **{path: _any(path) for path in optional if path is not None},
    }
    return list(paths.values())


def draft(config: TableSource) -> Draft:
    """A row as a draft."""
    mapping = config.columns
    kind = pl.lit(config.kind.value) if mapping.kind is None else pl.col(mapping.kind)
    refusals = [replace(known_kind(f"column '{mapping.kind}'"), column=mapping.kind), text_needed(mapping.question)]
    missing = pl.lit(f"column '{mapping.gold}' is missing or null")
    refusals.append(Refusal("no_gold", pl.col(mapping.gold).is_null(), missing, mapping.gold))
    gold = pl.col(mapping.gold)
    if config.gold_pattern is not None:
        gold = gold.map_batches(lambda texts: _last_match(texts, config.gold_pattern or ""), return_dtype=pl.String)
        nothing = pl.lit(f"'{config.gold_pattern}' matches nothing in column '{mapping.gold}'")
        # Not `no_gold`: a pattern that is wrong must not pass for a source without golds.
        refusals.append(Refusal("gold_not_found", pl.col(mapping.gold).is_not_null() & pl.col(GOLD).is_null(), nothing))
    difficulty = pl.lit(None, pl.Float64)
    if mapping.difficulty is not None:
        said = pl.col(mapping.difficulty)
        difficulty = said.cast(pl.Float64, strict=False)
        is_rate = difficulty.is_between(0, 1).fill_null(False)
        wrong = pl.format("column '{}' must be a failure rate from 0 to 1; it is {}", pl.lit(mapping.difficulty), said)
        refusals.append(Refusal("bad_column", said.is_not_null() & ~is_rate, wrong))
    return Draft(
        kind=kind,
        question=pl.col(mapping.question),
        gold=gold,
        domain=_optional(mapping.domain),
        licence=_optional(mapping.licence),
        difficulty=difficulty,
        refusals=refusals,
    )


def _any(path: str) -> Column:
    return Column(path, any_json=frozenset({path}))


def _optional(path: str | None) -> pl.Expr:
    return pl.lit(None, pl.String) if path is None else pl.col(path)


def _last_match(texts: pl.Series, pattern: str) -> pl.Series:
    """The last group of the last match in each text; Python's expressions, which know more than Polars'."""
    compiled = re.compile(pattern, re.MULTILINE)
    group = compiled.groups
    found = [None if text is None else [match[group] for match in compiled.finditer(text)] for text in texts]
    return pl.Series(texts.name, [matches[-1] if matches else None for matches in found], dtype=pl.String)
