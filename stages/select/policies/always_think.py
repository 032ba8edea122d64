"""The shortest right think-on response: rejection-sampled thinking, the baseline that hybrid models are compared with.

It is RFT (arXiv 2308.01825) of think-on alone. The pass rates of both modes are told all the same, so that a
justification can speak of what thinking gains, or does not.
"""

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.policies.policy import ON, Chosen, decide, drop_reason, ranked

MODES = 1


def choose(problems: pl.LazyFrame, rollouts: pl.LazyFrame, config: SelectConfig, seed: int) -> Chosen:
    """See `stages.select.policies.policy`."""
    of_thinking = rollouts.filter(pl.col("usable") & (pl.col("mode") == ON))
    picks = ranked(of_thinking, "completion_tokens", "index").filter(pl.col("rank") == 0)
    return decide(problems, picks, pl.lit("always_think"), drop_reason("no_right_thinking"))
