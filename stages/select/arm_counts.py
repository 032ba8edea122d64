"""What a problem's rollouts come to, arm by arm, from the cheapest to the dearest."""

from collections.abc import Sequence

import polars as pl

from hipo_data.figures.intervals import score_interval
from hipo_data.schemas.arm_rate import ArmRate
from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Status
from hipo_data.stages.select.leaking import leaks
from hipo_data.stages.select.tallies import tallied


def place_of(arms: Sequence[str]) -> pl.Expr:
    """The place of a rollout's arm among `arms`, from 0; null for a rollout of none of them."""
    named = [str(arm) for arm in arms]
    return pl.col("mode").replace_strict(named, list(range(len(named))), default=None, return_dtype=pl.Int64)


def arm_counts(rollouts: pl.LazyFrame, config: SelectConfig) -> pl.LazyFrame:
    """One row a problem and arm that has any rollouts, in the columns of `ArmRate` but `chosen` and `p_asked`.

    `p` is null where fewer than `min_graded` rollouts were graded.

    Args:
        rollouts: as policies get them (`stages.select.policies.policy`), with `arm`, the place of their arm.
    """
    counted = tallied(rollouts, ["problem_id", "arm", "mode"])
    graded = pl.when(pl.col("n") >= config.min_graded).then(pl.col("n"))
    rated = counted.with_columns(p=pl.col("right") / graded)
    low, high = score_interval(pl.col("p"), graded)
    columns = [name for name in ArmRate.model_fields if name not in ("chosen", "p_asked")]
    return rated.with_columns(p_low=low.clip(0, 1), p_high=high.clip(0, 1)).select(columns)


def graded_arms(
    rollouts: pl.LazyFrame, verdicts: pl.LazyFrame, config: SelectConfig, arms: Sequence[str]
) -> pl.LazyFrame:
    """The counts of `arm_counts` alone, for the prior: columns `problem_id`, `arm`, `n`, `right`.

    Args:
        rollouts: columns `pair_counts.rollout_columns`.
        verdicts: columns problem_id, mode, index, status, one row a rollout.
    """
    key = ["problem_id", "mode", "index"]
    counts = rollouts.filter(pl.col("cap").is_null())
    if config.refuses_leaks:  # what leaks is as unknown here as it is to the selection
        counts = counts.filter(~leaks())
    graded = counts.select(key).join(verdicts, on=key, how="inner").filter(pl.col("status") != Status.UNKNOWN)
    right = (pl.col("status") == Status.CORRECT).cast(pl.Int64)
    rows = graded.select("problem_id", arm=place_of(arms), n=pl.lit(1, pl.Int64), right=right)
    return rows.group_by("problem_id", "arm").agg(pl.col("n", "right").sum())
