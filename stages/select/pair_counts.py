"""Counts of both modes over many problems, for the prior that is fitted to them, and back to the problems.

What is counted is the same whether sampling was full or stopped when decided, so that both fit one prior:

- problems drawn for a random mode, and those whose think-off has no pass rate, are left out: their choice asks no
  prior, and sampling may stop anywhere;
- where think-off was right every time, think-on counts as not sampled: there the rule answers at once, and stopped
  sampling asks for no more. So it does where too few think-on verdicts are left for a pass rate.

Everywhere else stopped sampling asks for all of think-on without a cap. What is left out hangs on think-off's verdicts
and on which could be had, not on how often think-on is right, so that the likelihood of what is counted is the one of
full sampling: by the likelihood principle the stop does not lean the prior to either side.
"""

from collections.abc import Sequence

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Status
from hipo_data.stages.select.leaking import leaks
from hipo_data.stages.select.policies.hipo import random_mode_of
from hipo_data.stages.select.policies.policy import ON
from hipo_data.stages.select.prior import CELL, Priors

_KEY = ["problem_id", "mode", "index"]


def rollout_columns(config: SelectConfig) -> list[str]:
    """What `cells` reads of the rollouts."""
    return [*_KEY, "cap", *(["reasoning", "answer"] if config.refuses_leaks else [])]


def with_source(problems: pl.LazyFrame) -> pl.LazyFrame:
    """Columns problem_id, kind, source: the dataset that a problem came from first; and `options`, where they have it.

    Args:
        problems: columns `problem_id`, `kind`, `sources` of `schemas.records.Problem`, and perhaps `options`.
    """
    first = pl.col("sources").list.first().struct.field("dataset")
    more = ["options"] if "options" in problems.collect_schema() else []
    return problems.select("problem_id", "kind", *more, source=first)


def cells(
    problems: pl.LazyFrame, rollouts: pl.LazyFrame, verdicts: pl.LazyFrame, config: SelectConfig, seed: int
) -> pl.LazyFrame:
    """How many problems have the same source and counts: columns `prior.CELL` and `problems`, sorted.

    Args:
        problems: columns `problem_id`, `source`.
        rollouts: columns `rollout_columns`, of both modes, in any order.
        verdicts: columns problem_id, mode, index, status, one row a rollout.
        config: `min_graded`, `random_fraction` and `leaking`.
        seed: of the run.
    """
    counts = rollouts.filter(pl.col("cap").is_null())
    if config.refuses_leaks:  # what leaks is as unknown here as it is to the selection
        counts = counts.filter(~leaks())
    graded = counts.select(_KEY).join(verdicts, on=_KEY, how="inner")
    known, right, on = pl.col("status") != Status.UNKNOWN, pl.col("status") == Status.CORRECT, pl.col("mode") == ON
    sums = {"right_on": right & on, "n_on": known & on, "right_off": right & ~on, "n_off": known & ~on}
    counted = (
        graded.select("problem_id", *(rows.cast(pl.Int64).alias(name) for name, rows in sums.items()))
        .group_by("problem_id")
        .agg(pl.col(list(sums)).sum())
    )
    settled = (pl.col("right_off") == pl.col("n_off")) | (pl.col("n_on") < config.min_graded)
    return (
        problems.select("problem_id", "source")
        .join(counted, on="problem_id", how="inner")
        .filter(pl.col("n_off") >= config.min_graded, random_mode_of(config, seed).is_null())
        .with_columns(pl.when(~settled).then(pl.col("right_on", "n_on")).otherwise(0))
        .group_by(CELL)
        .agg(problems=pl.len().cast(pl.Int64))
        .sort(CELL)
    )


def decided_cells(problems: pl.LazyFrame, decisions: pl.LazyFrame) -> pl.LazyFrame:
    """`cells` of decisions that ask no prior, for what is said of them: every count there is, left out where sampling
    stopped or not, since what stops it are counts that the likelihood holds.

    Args:
        problems: columns `problem_id`, `source`.
        decisions: columns `problem_id` and the counts of `CELL`.
    """
    counted = decisions.select("problem_id", *CELL[1:]).join(problems.select("problem_id", "source"), on="problem_id")
    return counted.group_by(CELL).agg(problems=pl.len().cast(pl.Int64)).sort(CELL)


def added(counted: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Sums of `cells`, in the same columns and order."""
    return pl.concat(counted).group_by(CELL).agg(pl.col("problems").sum()).sort(CELL)


def with_gains(counted: pl.LazyFrame, priors: Priors, delta: float) -> pl.LazyFrame:
    """Problems with `p_gain`, `prior` and `prior_problems`, in their order; columns as `Priors.with_gain` takes them.

    `p_gain` is null where a mode has no pass rate.
    """
    gained = {"prior": pl.String(), "p_gain": pl.Float64(), "prior_problems": pl.Int64()}
    schema = {**counted.collect_schema(), **gained}

    found = counted.map_batches(lambda frame: priors.with_gain(frame, delta).select(list(schema)), schema=schema)
    return found.with_columns(p_gain=pl.when(pl.col("margin").is_not_null()).then("p_gain"))
