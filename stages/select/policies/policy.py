"""What all policies share: the tables that they get, and how picks become decisions.

*Problems* has one row a problem: `problem_id`, `kind`, the counts and pass rates of `schemas.records.Decision`, and for
each mode `pick_on`, `pick_tokens_on`, `pick_off`, `pick_tokens_off`: index and tokens of its shortest usable response;
under `rule: posterior`, `p_gain` too.

*Rollouts* has one row a rollout: the columns that `stages.select.select` reads, and

- `arm`: the place of its mode among those of the recipe, from cheap to dear, from 0;
- `counts`: whether it belongs to a pass rate, which one asked for with a cap does not;
- `known`, `right`: by its verdict, `status`, which is unknown for one that is refused for leaking;
- `whole`: ended by itself, kept to its mode, has an answer, and holds no tag of the format;
- `usable`: whole and right.
"""

import itertools
from collections.abc import Callable
from functools import cache
from typing import NamedTuple, Protocol

import polars as pl
import polars_hash as plh

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode, Pick, Status

ON, OFF = Mode.THINK_ON.value, Mode.THINK_OFF.value
FLOAT_SLACK = 1e-9  # 0.9 - 0.75 must count as 0.15

EVERY = 2**31
"""As many modes as there are."""

CHOICE_COLUMNS = ["rule", "mode", "index", "chosen_tokens", "drop_reason"]
"""What a policy adds to the table of problems."""

_PICK_TYPES: dict[str, type[pl.DataType]] = {
    "problem_id": pl.String,
    "rank": pl.Int64,
    "mode": pl.String,
    "index": pl.Int64,
    "role": pl.String,
    "pair": pl.String,
    "status": pl.String,
    "tokens": pl.Int64,
    "score": pl.Float64,
    "margin": pl.Float64,
    "weight": pl.Float64,
    "instruction": pl.String,
    "budget": pl.Float64,
    "reasoning": pl.String,
    "answer": pl.String,
}
assert list(_PICK_TYPES) == list(Pick.model_fields)


class Chosen(NamedTuple):
    """What a policy comes to."""

    decisions: pl.LazyFrame
    """The problems with `CHOICE_COLUMNS`."""
    picks: pl.LazyFrame
    """Columns of `schemas.records.Pick`, in any order of rows."""
    arms: pl.LazyFrame | None = None
    """Columns of `schemas.records.ArmRate` and more, of a recipe with arms and of the policy `effort`."""


class Policy(Protocol):
    """A module of this folder."""

    MODES: int
    """Of how many modes it can make examples of one problem, `EVERY` for all that there are; each mode needs a
    justification, groups none."""

    def choose(self, problems: pl.LazyFrame, rollouts: pl.LazyFrame, config: SelectConfig, seed: int) -> Chosen:
        """What is kept: of problems and rollouts as above, the config and the run's seed."""


def as_picks(frame: pl.LazyFrame, texts: bool = False) -> pl.LazyFrame:
    """`frame` in the columns of `Pick`: `role` is `example` and `status` correct unless said, the rest null.

    Reasoning and answer are null as well unless `texts`: rollouts have columns of these names.
    """
    usual = {"role": pl.lit("example"), "status": pl.lit(Status.CORRECT.value)}
    said = set(frame.collect_schema().names()) - (set() if texts else {"reasoning", "answer"})
    return frame.select(
        (pl.col(name) if name in said else usual.get(name, pl.lit(None))).cast(kind).alias(name)
        for name, kind in _PICK_TYPES.items()
    )


def ranked(rows: pl.LazyFrame, *order: str) -> pl.LazyFrame:
    """Rollouts with `rank`, their place among those of their problem by `order`, and `tokens`."""
    return rows.with_columns(
        rank=pl.struct(order).rank("ordinal").over("problem_id").cast(pl.Int64) - 1, tokens="completion_tokens"
    )


def decide(problems: pl.LazyFrame, picks: pl.LazyFrame, rule: pl.Expr, reason: pl.Expr, texts: bool = False) -> Chosen:
    """Decisions from picks: each problem's first pick, or why it has none.

    Args:
        problems: see above.
        picks: what `as_picks` takes, and `texts` as there.
        rule: names the rule of a problem that has a pick, from columns of `problems` and `mode`.
        reason: names the reason for one that has none.
    """
    kept = as_picks(picks, texts)
    first = kept.filter(pl.col("rank") == 0).select("problem_id", "mode", "index", chosen_tokens="tokens")
    decided = problems.join(first, on="problem_id", how="left", validate="1:1")
    has = pl.col("mode").is_not_null()
    return Chosen(
        decided.with_columns(
            rule=pl.when(has).then(rule).otherwise(pl.lit("none")), drop_reason=pl.when(~has).then(reason)
        ),
        kept,
    )


def why_dropped(rated: bool, solved: bool, picked: bool) -> str | None:
    """Why a problem has nothing to keep: no pass rate, nothing right, nothing right that can be kept; null if else."""
    if not rated:
        return "ungraded"
    return None if solved and picked else "no_usable_response" if solved else "no_right_response"


def drop_reason(otherwise: str) -> pl.Expr:
    """`why_dropped` of each problem; or else."""
    reason = by_cases(
        why_dropped,
        pl.col("p_on").is_not_null() | pl.col("p_off").is_not_null(),
        pl.col("right_on") + pl.col("right_off") > 0,
        pl.col("pick_on").is_not_null() | pl.col("pick_off").is_not_null(),
    )
    return reason.fill_null(pl.lit(otherwise))


def by_cases(rule: Callable[..., str | None], *facts: pl.Expr) -> pl.Expr:
    """What `rule` says of each row by facts that are true or not, null being not.

    It is asked about every combination of them once, so that a rule stands in one place for one row and for many.
    """
    digits = (fact.fill_null(False).cast(pl.UInt32) * 2**place for place, fact in enumerate(reversed(facts)))
    return pl.lit(_answers(rule, len(facts))).gather(pl.sum_horizontal(digits))


@cache
def _answers(rule: Callable[..., str | None], facts: int) -> pl.Series:
    """By the facts as binary digits, the first one highest. Kept, as what-ifs ask the same hundreds of times."""
    return pl.Series([rule(*each) for each in itertools.product((False, True), repeat=facts)], dtype=pl.String)


def draw(seed: int, purpose: str, digits: int = 12, start: int = 0) -> pl.Expr:
    """An integer in [0, 16**digits) for each problem, by SHA-256 of seed, purpose and problem id alone.

    `start` is the first of the hash's 64 digits that are read, for draws that do not depend on each other.
    """
    hashed = plh.concat_str(pl.lit(f"{seed}:{purpose}:"), pl.col("problem_id")).chash.sha2_256()
    number: pl.Expr = hashed.str.slice(start, digits).str.to_integer(base=16)
    return number
