"""The plain length penalty, which every adaptive method is to be measured against."""

import torch

from hipo_data.trainer.algorithms.rollouts import check_finite, check_rollouts, wide


def length_penalty_reward(correct: torch.Tensor, lengths: torch.Tensor, *, beta: float) -> torch.Tensor:
    """r = 1[right] − β · L, (B,) float32.

    correct: (B,) bool. lengths: (B,) tokens. beta: reward a token, without a default since it goes with the lengths;
    a right response of 1/β tokens is worth a wrong one of none. The reward goes into `grpo`.

    Source: the fixed-penalty form in arXiv 2505.18298 (A-DLP), with its λ for β. Raises `ValueError` where β < 0.
    """
    check_rollouts(correct=correct, lengths=lengths)
    check_finite("lengths", lengths)
    if beta < 0:
        raise ValueError(f"beta is {beta}; a negative penalty would pay for length")
    return (wide(correct) - beta * wide(lengths)).to(torch.float32)
