"""RFT-MixThinking, the data rule that AdaptThink compares itself with (arXiv 2505.13417).

Where the pass rate without thinking is at least that with thinking, all right think-off responses are kept; elsewhere
all right think-on ones.

Decided here: where one mode has no pass rate, the other one wins; a winning mode without a response that can be kept
drops the problem, since the paper knows no fallback; `select.most` may limit the responses, shortest first.
"""

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.policies.policy import OFF, ON, Chosen, decide, drop_reason, ranked

MODES = 1


def choose(problems: pl.LazyFrame, rollouts: pl.LazyFrame, config: SelectConfig, seed: int) -> Chosen:
    """See `stages.select.policies.policy`."""
    on, off = pl.col("p_on"), pl.col("p_off")
    wins = (
        pl.when(off.is_not_null() & (on.is_null() | (off >= on)))
        .then(pl.lit(OFF))
        .when(on.is_not_null())
        .then(pl.lit(ON))
    )
    of_winner = rollouts.filter("usable").join(
        problems.select("problem_id", mode=wins), on=["problem_id", "mode"], how="semi"
    )
    picks = ranked(of_winner, "completion_tokens", "index")
    if config.most is not None:
        picks = picks.filter(pl.col("rank") < config.most)
    only = on.is_null() | off.is_null()
    rule = (
        pl.when(only)
        .then(pl.lit("only_mode"))
        .when(pl.col("mode") == OFF)
        .then(pl.lit("off_no_worse"))
        .otherwise(pl.lit("on_better"))
    )
    return decide(problems, picks, rule, drop_reason("preferred_mode_has_none"))
