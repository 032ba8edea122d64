"""Every reward, by the name of its method."""

from hipo_data.trainer.algorithms.autothink import autothink_balance_reward, autothink_length_reward, autothink_reward
from hipo_data.trainer.algorithms.dast import dast_budget, dast_reward
from hipo_data.trainer.algorithms.hipo import hipo_reward
from hipo_data.trainer.algorithms.lcpo import lcpo_exact_reward, lcpo_max_reward
from hipo_data.trainer.algorithms.length_penalty import length_penalty_reward
from hipo_data.trainer.algorithms.thinkless import thinkless_reward

__all__ = [
    "autothink_balance_reward",
    "autothink_length_reward",
    "autothink_reward",
    "dast_budget",
    "dast_reward",
    "hipo_reward",
    "lcpo_exact_reward",
    "lcpo_max_reward",
    "length_penalty_reward",
    "thinkless_reward",
]
