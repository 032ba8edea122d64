"""Think-off rollouts that think all the same, as an expression over rollouts."""

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.policies.policy import OFF
from hipo_data.stages.texts.thinking_aloud import thinks_aloud

LEAKING = "leaking"
"""How many there are, in a node's counts."""


def leaks() -> pl.Expr:
    """`stages.texts.thinking_aloud.leaks` of each rollout: columns `mode`, `reasoning`, `answer`.

    The answers are looked at by that very function, row by row: sampling that stops when decided goes by it, too.
    """
    off = pl.col("mode") == OFF
    aloud = pl.when(off).then("answer").map_elements(thinks_aloud, return_dtype=pl.Boolean).fill_null(False)
    return off & (pl.col("reasoning").is_not_null() | aloud)


def marked(rows: pl.LazyFrame, config: SelectConfig) -> pl.LazyFrame:
    """Rollouts with their verdicts and `leaks`: which ones the selection refuses. Those have no status."""
    if not config.refuses_leaks:
        return rows.with_columns(leaks=pl.lit(False))
    return rows.with_columns(leaks=leaks()).with_columns(status=pl.when(~pl.col("leaks")).then("status"))
