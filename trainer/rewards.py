"""Every reward, by the name of its method."""

from trainer.algorithms.hipo import hipo_reward

__all__ = ["hipo_reward"]
