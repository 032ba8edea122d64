"""The rules of `rules.yaml`, read and checked."""

import difflib
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import polars as pl
import yaml
from polars.exceptions import ComputeError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hipo_data.schemas.config import IngestConfig
from hipo_data.schemas.records import Kind

_FILE = files("hipo_data.stages.ingest.filters") / "rules.yaml"


def _fast(pattern: str) -> str:
    """The pattern with word boundaries of ASCII: with those of Unicode, Rust is 100 times slower beside an "é"."""
    fast = re.sub(r"(\\\\)|\\b", lambda found: found[1] or r"(?-u:\b)", pattern)
    try:
        pl.Series([""]).str.contains(fast)
    except ComputeError as error:
        raise ValueError(f"not a regular expression that Polars takes: {error}") from error
    return fast


def _question(value: Any) -> Any:
    return {"question": value} if isinstance(value, str) else value


Pattern = Annotated[str, AfterValidator(_fast)]
"""A regular expression in Rust's syntax: no lookaround, no back-references."""


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Match(_Node):
    """A row matches where each given pattern is found in its column."""

    question: Pattern | None = None
    gold: Pattern | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Match":
        if self.question is None and self.gold is None:
            raise ValueError("give a pattern for the question, the gold, or both")
        return self


class Replacement(_Node):
    """Text to take out, or to put `by` in its place, where `$1` is the first group. It must get shorter."""

    pattern: Pattern
    by: str = ""


class Example(_Node):
    """A row that a rule is tried on. `after` is the question that a cleaning rule must make of it."""

    question: str
    gold: str = "1"
    licence: str | None = None
    kind: Kind = Kind.MATH
    after: str | None = None


Matches = tuple[Annotated[Match, BeforeValidator(_question)], ...]
Examples = tuple[Annotated[Example, BeforeValidator(_question)], ...]


class Rule(_Node):
    """One filter. Rows of other kinds than `kinds` pass it untouched."""

    name: str = Field(pattern=r"^[a-z][a-z_]*$", description="also the reason code of what it refuses")
    purpose: str = Field(description="one sentence: what it is for")
    kinds: tuple[Kind, ...] = (Kind.MATH,)
    default: bool = Field(description="whether it runs where the recipe does not say")
    action: Literal["refuse", "clean"]
    check: Literal["text", "length", "language", "licence"] = "text"
    match: Matches = Field(default=(), description="refuse rows that match any of these")
    unless: Matches = Field(default=(), description="let pass, or leave as they are, rows that match any of these")
    captures_gold: bool = Field(default=False, description="what the first group of `match` found must be the gold")
    replace: tuple[Replacement, ...] = ()
    under: dict[str, Any] = Field(default_factory=dict, description="keys of `ingest` that the examples are read under")
    accept: Examples
    reject: Examples

    @model_validator(mode="after")
    def _is_whole(self) -> "Rule":
        if (self.action == "clean") != bool(self.replace):
            raise ValueError(f"rule '{self.name}': 'replace' is for cleaning rules, and they need it")
        if (self.action == "refuse" and self.check == "text") != bool(self.match):
            raise ValueError(f"rule '{self.name}': 'match' is for refusing by text, and that needs it")
        if (self.action == "clean") != all(example.after is not None for example in self.reject):
            raise ValueError(f"rule '{self.name}': 'after' is for examples that get cleaned, and they need it")
        IngestConfig.model_validate(self.under)
        return self


@cache
def rules() -> tuple[Rule, ...]:
    """All rules in the order in which they run."""
    return tuple(Rule.model_validate(rule) for rule in yaml.safe_load(_FILE.read_text(encoding="utf-8")))


@cache
def rules_hash() -> str:
    """SHA-256 of the rules' file, for the fingerprint of what was filtered with it."""
    return hashlib.sha256(_FILE.read_bytes()).hexdigest()


def check_names(filters: Iterable[str]) -> None:
    """Raises `ValueError`, with the nearest right name, where a name is not that of a rule."""
    known = [rule.name for rule in rules()]
    for name in filters:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"the rules are {', '.join(known)}"
            raise ValueError(f"ingest.filters: there is no rule '{name}'; {hint}")


def running(filters: dict[str, bool], action: Literal["refuse", "clean"]) -> list[Rule]:
    """The rules of `action` that are on. Raises `ValueError` where `filters` names a rule that there is not."""
    check_names(filters)
    return [rule for rule in rules() if rule.action == action and filters.get(rule.name, rule.default)]
