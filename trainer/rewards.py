"""Every reward, by the name of its method."""

from trainer.algorithms.hipo import hipo_reward
from trainer.algorithms.thinkless import thinkless_reward

__all__ = ["hipo_reward", "thinkless_reward"]
