"""The shortest right response of any mode: what a choice by length alone would keep, a baseline without a paper.

Decided here: of equally long responses the one of the cheaper mode wins, think-off before all others, then the lower
index.
"""

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.policies.policy import Chosen, decide, drop_reason, ranked

MODES = 1


def choose(problems: pl.LazyFrame, rollouts: pl.LazyFrame, config: SelectConfig, seed: int) -> Chosen:
    """See `stages.select.policies.policy`."""
    places = ranked(rollouts.filter("usable"), "completion_tokens", "arm", "index")
    return decide(problems, places.filter(pl.col("rank") == 0), pl.lit("shortest"), drop_reason("no_usable_response"))
