"""What groups of graded rollouts come to: counts, the mean length, and the shortest response that may be kept."""

from collections.abc import Sequence

import polars as pl

from hipo_data.schemas.records import FinishReason

_INDEXES = 2**32  # more than a problem has rollouts, so that tokens and index fit one number that sorts like the pair
_COUNTS = {
    "n": pl.col("known") & pl.col("counts"),
    "right": pl.col("right") & pl.col("counts"),
    "unknown": ~pl.col("known") & pl.col("counts"),
    "truncated": pl.col("truncated") & pl.col("counts"),
}
_FAILURES = [reason.value for reason in FinishReason if reason.is_failure]


def tallied(rollouts: pl.LazyFrame, by: Sequence[str]) -> pl.LazyFrame:
    """One row a group, with the columns `by`; `n`, `right`, `unknown` and `truncated`; `tokens`, the mean of the
    responses that there are; and `pick` and `pick_tokens`, index and length of the shortest that may be kept.

    Args:
        rollouts: as policies get them (`stages.select.policies.policy`).
    """
    answered = ~pl.col("finish_reason").is_in(_FAILURES)
    # Columns first: a sum or a minimum of a group is far cheaper than filtering and sorting each group.
    rows = rollouts.select(
        *by,
        *(counted.cast(pl.Int64).alias(name) for name, counted in _COUNTS.items()),
        tokens=pl.when(answered & pl.col("counts")).then("completion_tokens"),
        shortest=pl.when("usable").then(pl.col("completion_tokens") * _INDEXES + pl.col("index")),
    )
    groups = rows.group_by(by).agg(pl.col(list(_COUNTS)).sum(), pl.col("tokens").mean(), pl.col("shortest").min())
    shortest = pl.col("shortest")
    return groups.with_columns(pick=shortest % _INDEXES, pick_tokens=shortest // _INDEXES).drop("shortest")
