"""Thinkless: the warm-up pairs (arXiv 2505.13379).

A question is kept once with a long response (think-on) and once with a short one (think-off), one after the other. The
long one is right. The short one need not be: the authors take it from an instruct model and do not verify it
(`select.thinkless.verify_short` asks for a right one).

Decided here: the shortest right response of each mode; where no short one is right, the shortest that ended by itself
and can be rendered. A problem that lacks either is dropped, since half a pair would teach one mode alone.
"""

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.policies.policy import ON, Chosen, decide, drop_reason

MODES = 2


def choose(problems: pl.LazyFrame, rollouts: pl.LazyFrame, config: SelectConfig, seed: int) -> Chosen:
    """See `stages.select.policies.policy`."""
    long = pl.col("mode") == ON
    fit = pl.col("usable") if config.thinkless.verify_short else pl.col("usable") | (~long & pl.col("whole"))
    best = (
        rollouts.filter(fit)
        .sort("problem_id", "mode", ~pl.col("usable"), "completion_tokens", "index")
        .group_by("problem_id", "mode", maintain_order=True)
        .first()
        .with_columns(rank=pl.when(long).then(0).otherwise(1), tokens="completion_tokens")
    )
    found = best.group_by("problem_id").agg(long=long.any(), short=(~long).any())
    pairs = best.join(found.filter(pl.col("long") & pl.col("short")), on="problem_id", how="semi")
    lacking = (
        pl.when(pl.col("long").fill_null(False))
        .then(drop_reason("no_short_response"))
        .otherwise(drop_reason("no_long_response"))
    )
    picks = pairs.with_columns(pair=pl.lit("long_short"))
    return decide(problems.join(found, on="problem_id", how="left"), picks, pl.lit("pair"), lacking)
