"""What a problem's rollouts come to, arm by arm, from the cheapest to the dearest."""

from collections.abc import Sequence

import polars as pl

from hipo_data.figures.intervals import score_interval
from hipo_data.schemas.arm_rate import ArmRate
from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.tallies import tallied


def place_of(arms: Sequence[str]) -> pl.Expr:
    """The place of a rollout's arm among `arms`, from 0; null for a rollout of none of them."""
    named = [str(arm) for arm in arms]
    return pl.col("mode").replace_strict(named, list(range(len(named))), default=None, return_dtype=pl.Int64)


def arm_counts(rollouts: pl.LazyFrame, config: SelectConfig) -> pl.LazyFrame:
    """One row a problem and arm that has any rollouts, in the columns of `ArmRate` but `chosen`.

    `p` is null where fewer than `min_graded` rollouts were graded.

    Args:
        rollouts: as policies get them (`stages.select.policies.policy`), with `arm`, the place of their arm.
    """
    counted = tallied(rollouts, ["problem_id", "arm", "mode"])
    graded = pl.when(pl.col("n") >= config.min_graded).then(pl.col("n"))
    rated = counted.with_columns(p=pl.col("right") / graded)
    low, high = score_interval(pl.col("p"), graded)
    columns = [name for name in ArmRate.model_fields if name != "chosen"]
    return rated.with_columns(p_low=low.clip(0, 1), p_high=high.clip(0, 1)).select(columns)
