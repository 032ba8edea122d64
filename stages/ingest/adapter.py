"""What an adapter is: the columns that it reads, and a draft of a problem as Polars expressions over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl

from hipo_data.schemas.records import FinishReason, Kind, Mode
from hipo_data.schemas.source_config import AdapterConfig
from hipo_data.stages.ingest.reading.columns import OF_ANOTHER_TYPE, Column

KIND = "#kind"
"""The kind of a draft."""
QUESTION = "#question"
"""The question of a draft, without white space at its ends."""
GOLD = "#gold"
"""The gold of a draft."""


@dataclass(frozen=True)
class Refusal:
    """A row that does not become a problem: when, under which code in snake_case, and why as a sentence."""

    reason: str
    when: pl.Expr
    detail: pl.Expr
    column: str | None = None
    """The column without which every row is refused so."""


@dataclass(frozen=True)
class Draft:
    """The parts of a problem that a row itself says.

    `gold` is text, in one of the shapes of `graders.golds`. The first refusal that applies counts. All parts may use
    the columns of `prepared`, each of which may use those before it, and refusals also `pl.col` of `KIND`, `QUESTION`
    and `GOLD`, so that each is computed once.
    """

    kind: pl.Expr
    question: pl.Expr
    gold: pl.Expr
    refusals: Sequence[Refusal]
    domain: pl.Expr = field(default_factory=lambda: pl.lit(None, pl.String))
    difficulty: pl.Expr = field(default_factory=lambda: pl.lit(None, pl.Float64))
    licence: pl.Expr = field(default_factory=lambda: pl.lit(None, pl.String))
    prepared: Mapping[str, pl.Expr] = field(default_factory=dict)
    response: pl.Expr | None = None
    """A response that comes with the row."""
    response_model: pl.Expr | None = None
    """Who wrote it; given with every response."""
    response_mode: pl.Expr = field(default_factory=lambda: pl.lit(Mode.THINK_ON.value))
    response_ended: pl.Expr = field(default_factory=lambda: pl.lit(FinishReason.STOP.value))
    response_given: pl.Expr = field(default_factory=lambda: pl.lit(None, pl.String))
    """A verdict to trust; null where the response is graded here."""
    response_given_by: pl.Expr = field(default_factory=lambda: pl.lit(None, pl.String))
    own_id: pl.Expr = field(default_factory=lambda: pl.lit(None, pl.String))
    """What the dataset itself calls the row; by columns that are read alone."""
    gold_text: pl.Expr = field(default_factory=lambda: pl.lit(None, pl.String))
    """What stands in the gold's place, where `gold` is only a part of it."""


class Adapter(Protocol):
    """A module of `stages.ingest.sources`; `config` is an instance of its `CONFIG`."""

    DATASET: str
    """Repository on the Hub; the name in records too, unless the recipe gives another."""
    FILES: str
    """Glob of its files there."""
    CONFIG: type[AdapterConfig]
    """Its keys in a recipe: a subclass where it has keys of its own."""

    def columns(self, config: Any) -> list[Column]:
        """What is read of a row."""

    def draft(self, config: Any) -> Draft:
        """A row as a draft."""


def text_needed(path: str) -> Refusal:
    """Refuses rows where a required text column is missing, null or no text."""
    found = pl.coalesce(pl.col(OF_ANOTHER_TYPE + path), pl.lit("missing or null"))
    detail = pl.format("column '{}' must be text; it is {}", pl.lit(path), found)
    return Refusal("bad_column", pl.col(path).is_null(), detail, path)


def known_kind(said: str) -> Refusal:
    """Refuses what is of none of the kinds. `said` names where the row says it."""
    shown = pl.coalesce(KIND, pl.lit("missing or null"))
    detail = pl.format("{} is '{}', none of math, code and choice", pl.lit(said), shown)
    return Refusal("other_domain", ~pl.col(KIND).is_in([*Kind]).fill_null(False), detail)
