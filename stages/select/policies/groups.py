"""Groups: all graded rollouts of a problem kept together, right and wrong, with their rewards.

What verifier-guided parallel sampling and best-of-N aware tuning start from (arXiv 2412.15287), and what trains a
verifier. The reward is HiPO's (arXiv 2509.23967): 1 where the response is right, and `format_weight` where it keeps to
the format.

Decided here: a response keeps to the format where it ended by itself, kept to its mode and holds no tag. Rollouts with
an unknown verdict, and those asked for with a cap, are no members: the first have no reward, and which of the others
there are depends on how long they are. A group needs one member. The decision's mode is that of the first member:
those of think-off come first, by index.
"""

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.policies.policy import Chosen, decide, ranked

MODES = 0


def choose(problems: pl.LazyFrame, rollouts: pl.LazyFrame, config: SelectConfig, seed: int) -> Chosen:
    """See `stages.select.policies.policy`."""
    reward = pl.col("right").cast(pl.Float64) + config.groups.format_weight * pl.col("whole").cast(pl.Float64)
    members = rollouts.filter(pl.col("known") & pl.col("counts")).with_columns(role=pl.lit("member"), score=reward)
    return decide(problems, ranked(members, "mode", "index"), pl.lit("group"), pl.lit("ungraded"), texts=True)
