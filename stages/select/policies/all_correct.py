"""All right responses of all modes: rejection sampling as in RFT (arXiv 2308.01825), without a choice of mode.

Over arms with `select.most: 1` it is one response of each format that solves the problem, as ARM's first stage has it
(arXiv 2505.20258); its authors' questions have all four, here those with fewer stay.

Decided here: equal texts are kept once each rollout, not merged; `select.most` may limit the responses of each mode,
shortest first. The decision's mode is that of the shortest.
"""

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.policies.policy import EVERY, Chosen, decide, drop_reason, ranked

MODES = EVERY


def choose(problems: pl.LazyFrame, rollouts: pl.LazyFrame, config: SelectConfig, seed: int) -> Chosen:
    """See `stages.select.policies.policy`."""
    kept = rollouts.filter("usable")
    if config.most is not None:
        place = pl.struct("completion_tokens", "index").rank("ordinal").over("problem_id", "mode")
        kept = kept.filter(place <= config.most)
    picks = ranked(kept, "completion_tokens", "arm", "index")
    return decide(problems, picks, pl.lit("all_right"), drop_reason("no_usable_response"))
