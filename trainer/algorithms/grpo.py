"""GRPO and its variant without the two length and difficulty biases, Dr. GRPO."""

from typing import Literal

import torch

from hipo_data.trainer.algorithms.groups import EPSILON, Sets
from hipo_data.trainer.algorithms.rollouts import check_finite, check_rollouts

Scale = Literal["std", "none"]


def grpo(
    rewards: torch.Tensor,
    groups: torch.Tensor,
    *,
    known: torch.Tensor | None = None,
    scale: Scale = "std",
    epsilon: float = EPSILON,
) -> torch.Tensor:
    """The standing of each rollout among those of its prompt, (B,) float32.

        scale = "std"     A_i = (r_i − mean(r)) / (std(r) + ε)      GRPO
        scale = "none"    A_i = r_i − mean(r)                       Dr. GRPO

    rewards: (B,) floats. groups: (B,) integers, one label a prompt. known: (B,) bool; a rollout whose verdict is
    unknown enters no mean and gets zero. Zero in groups of one rollout and in groups of equal rewards.

    Source: GRPO, arXiv 2402.03300; Dr. GRPO, arXiv 2503.20783, which also averages token losses by a constant.
    Ours: std of a sample and ε = 1e-4, both as in TRL; the papers name neither.
    Raises `ValueError` on rewards that are not finite and on shapes that differ.
    """
    check_rollouts(rewards=rewards, groups=groups, known=known)
    check_finite("rewards", rewards, known)
    sets = Sets(groups, known)
    scores = sets.standard_score(rewards, epsilon) if scale == "std" else sets.centred(rewards)
    return scores.to(torch.float32)
