"""Which problems a page lists: what an address asks for, and the rows of the index that it means."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import polars as pl

from hipo_data.pipeline.viewer.index import DROPPED, UNDECIDED, Index
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import FinishReason, Kind, Status, is_arm_name

PAGE = 50
_NO_VERDICT = "ungraded"
CHOICES = {
    "kind": [kind.value for kind in Kind],
    "verdict": [*(status.value for status in Status), _NO_VERDICT],
    "finish": [reason.value for reason in FinishReason],
}
"""Values of the filters that have few, the same of any run."""
MODES = {"mode": [DROPPED, UNDECIDED], "of": list[str]()}
"""Filters by a mode or an arm, and what else they take; `of` is that of a rollout, `mode` what was decided."""
SORTS = {
    "id": "problem id",
    "margin": "margin",
    "p_on": "pass rate with thinking",
    "p_off": "pass rate without",
    "tokens": "kept tokens",
    "difficulty": "difficulty",
}
_COLUMNS = {"id": "row", "tokens": "chosen_tokens"}


@dataclass(frozen=True)
class Filters:
    """What is asked for; empty texts and nulls ask for nothing.

    `verdict`, `reason`, `finish`, `of` and the lengths are asked of one and the same rollout: a problem is meant if any
    of its rollouts is so.
    """

    kind: str = ""
    mode: str = ""
    rule: str = ""
    """A rule, or why a problem is dropped."""
    source: str = ""
    difficulty_from: float | None = None
    difficulty_to: float | None = None
    of: str = ""
    verdict: str = ""
    reason: str = ""
    finish: str = ""
    tokens_from: float | None = None
    tokens_to: float | None = None
    text: str = ""
    flagged: str = ""
    sort: str = "id"
    """One of `SORTS`, behind a minus from the largest."""
    page: int = 1

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> "Filters":
        """What an address asks for. Raises `UserError` where a value is none of its filter's."""
        given = {each.name: query.get(each.name, "").strip() for each in fields(cls)}
        made: dict[str, Any] = {name: _value(name, value) for name, value in given.items() if value}
        return cls(**made)

    @classmethod
    def written(cls, text: str) -> "Filters":
        """What a text such as `mode=think_on&sort=-margin` asks for. Raises `UserError` where it asks for no filter."""
        try:
            query = dict(parse_qsl(text.removeprefix("?"), strict_parsing=True)) if text else {}
        except ValueError as error:
            raise UserError(f"'{text[:80]}' is no filter; write NAME=VALUE, and & between several") from error
        names = [each.name for each in fields(cls)]
        if unknown := sorted(query.keys() - names):
            raise UserError(f"there is no filter '{unknown[0][:80]}'; choose from {', '.join(names)}")
        return cls.asked(query)

    @property
    def asks_rollouts(self) -> bool:
        """Whether anything is asked of rollouts."""
        return any((self.of, self.verdict, self.reason, self.finish)) or self._asks_length

    @property
    def _asks_length(self) -> bool:
        return self.tokens_from is not None or self.tokens_to is not None

    @property
    def narrow(self) -> int:
        """How many filters are in force beside the text and the mode."""
        others = {each.name for each in fields(self)} - {"text", "mode", "sort", "page"}
        return sum(getattr(self, name) != getattr(Filters(), name) for name in others)

    @property
    def asks(self) -> bool:
        """Whether anything is left out."""
        return replace(self, sort="id", page=1) != Filters()

    def query(self, **changes: object) -> str:
        """The part of an address behind `?`, empty where nothing is asked for."""
        changed = replace(self, **changes)  # type: ignore[arg-type]
        said = {each.name: getattr(changed, each.name) for each in fields(self)}
        return urlencode({name: _plain(value) for name, value in said.items() if value != getattr(Filters(), name)})


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _value(name: str, value: str) -> str | float | int:
    if name in MODES and value not in MODES[name] and not is_arm_name(value):
        raise UserError(f"{name} is a mode or an arm, not '{value[:80]}'")
    if name in CHOICES and value not in CHOICES[name]:
        raise UserError(f"{name} is one of {', '.join(CHOICES[name])}, not '{value[:80]}'")
    if name == "sort" and value.removeprefix("-") not in SORTS:
        raise UserError(f"sort is one of {', '.join(SORTS)}, with a minus from the largest, not '{value[:80]}'")
    if name.endswith(("_from", "_to")):
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not abs(number) < 1e12:
            raise UserError(f"{name} is a number, not '{value[:80]}'")
        return number
    if name == "page":
        if not (value.isascii() and value.isdigit() and 0 < int(value) < 10**9):
            raise UserError(f"page is a number from 1 on, not '{value[:80]}'")
        return int(value)
    return value


def matching(
    index: Index, asked: Filters, with_text: pl.Series | None = None, flagged: Collection[str] = ()
) -> pl.DataFrame:
    """The problems that are meant, in the order that is asked for.

    Raises `UserError` where a mode is none of the run's.

    Args:
        with_text: rows of the problems that hold `asked.text`, needed where there is one.
        flagged: ids of those that people have flagged.
    """
    modes = index.files.config.roles.dear_first
    for name, others in MODES.items():
        value = getattr(asked, name)
        if value and value not in (known := [*map(str, modes), *others]):
            raise UserError(f"{name} is one of {', '.join(known)} in this run, not '{value}'")
    found = index.problems.lazy()
    equal = {"kind": asked.kind, "state": asked.mode, "source": asked.source}
    found = found.filter(*(pl.col(name) == value for name, value in equal.items() if value))
    if asked.rule:
        found = found.filter((pl.col("rule") == asked.rule) | (pl.col("drop_reason") == asked.rule))
    found = found.filter(_between("difficulty", asked.difficulty_from, asked.difficulty_to))
    if asked.flagged:
        found = found.filter(pl.col("problem_id").is_in(list(flagged)))
    if asked.asks_rollouts:
        rows = index.rollouts.lazy().filter(_of_rollouts(asked)).select("row").unique()
        found = found.join(rows, on="row", how="semi")
    if with_text is not None:
        found = found.join(pl.LazyFrame({"row": with_text.cast(pl.UInt32)}), on="row", how="semi")
    by = asked.sort.removeprefix("-")
    order = [pl.col(_COLUMNS.get(by, by)), *([] if by == "id" else [pl.col("row")])]
    down = [asked.sort.startswith("-"), *([] if by == "id" else [False])]
    return found.sort(order, descending=down, nulls_last=True).collect()


def _between(name: str, low: float | None, high: float | None) -> pl.Expr:
    bounds = [pl.col(name) >= low] if low is not None else []
    bounds += [pl.col(name) <= high] if high is not None else []
    return pl.all_horizontal(bounds) if bounds else pl.lit(True)


def _of_rollouts(asked: Filters) -> pl.Expr:
    wanted = [pl.col(name) == value for name, value in (("mode", asked.of), ("finish", asked.finish)) if value]
    if asked.verdict == _NO_VERDICT:
        wanted.append(pl.col("status").is_null())
    elif asked.verdict:
        wanted.append(pl.col("status") == asked.verdict)
    if asked.reason:
        wanted.append(pl.col("reason") == asked.reason)
    return pl.all_horizontal(pl.lit(True), *wanted, _between("tokens", asked.tokens_from, asked.tokens_to))
