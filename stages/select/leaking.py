"""Think-off rollouts that think all the same, as an expression over rollouts."""

import polars as pl

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
