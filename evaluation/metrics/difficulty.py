"""Names of difficulties."""

import polars as pl


def difficulty_buckets(difficulty: pl.Series) -> pl.Series:
    """Names of difficulties: quarters where all lie in 0 to 1, else the number itself, as benchmarks have levels.

    Null stays null.
    """
    highest = difficulty.drop_nulls().to_numpy().max(initial=0.0)
    if highest > 1:
        return difficulty.round().cast(pl.Int64).cast(pl.String)
    value = pl.col("value")
    quarter = (
        pl.when(value < 0.25).then(pl.lit("0 to 0.25"))
        .when(value < 0.5).then(pl.lit("0.25 to 0.5"))
        .when(value < 0.75).then(pl.lit("0.5 to 0.75"))
        .when(value.is_not_null()).then(pl.lit("0.75 to 1"))
    )  # fmt: skip
    return difficulty.to_frame("value").select(quarter).to_series()
