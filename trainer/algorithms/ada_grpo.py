"""Ada-GRPO of ARM: the rarer a mode is in its group, the more a right response in it counts, less so step by step."""

from math import cos, pi

import torch

from hipo_data.trainer.algorithms.groups import EPSILON, Sets, modes_of
from hipo_data.trainer.algorithms.grpo import grpo
from hipo_data.trainer.algorithms.rollouts import ModeCode, check_finite, check_modes, check_rollouts, counted, wide


def ada_grpo(
    rewards: torch.Tensor,
    groups: torch.Tensor,
    modes: torch.Tensor,
    *,
    progress: float,
    known: torch.Tensor | None = None,
    epsilon: float = EPSILON,
) -> torch.Tensor:
    """The standing of each rollout by its scaled reward among those of its prompt, (B,) float32.

        α_i = 1 + ½ · (G / F_i − 1) · (1 + cos(π · t / T))
        A_i = (α_i · r_i − mean(α · r)) / (std(α · r) + ε)

    with G the rollouts of the group and F_i those of them in i's mode. It keeps a group from collapsing into the mode
    that is right most often; at the last step α = 1, which is GRPO.

    rewards: (B,) floats, none negative, the paper's is 1 for right and 0 for wrong. groups: (B,) integers, one label a
    prompt. modes: (B,) codes of `ModeCode`. progress: t / T, the number of this step, from 1 on, by that of all.
    known: (B,) bool; a rollout whose verdict is unknown counts neither in G nor in F, enters no mean and gets zero.

    Source: arXiv 2505.20258 and `compute_ada_grpo_outcome_advantage` in TEAM-ARM/ARM, whose four formats are two modes
    here. A response without a mode tag counts in G and has reward 0, as the authors' reward gives it.
    Ours: a negative reward is refused, as α would then punish the rare mode the most; ε = 1e-4 where the code has 1e-6;
    a lone rollout gets zero, where the code gives it its reward.
    Raises `ValueError` on rewards that are negative or not finite, progress outside 0..1, modes that are no code,
    shapes that differ.
    """
    check_rollouts(rewards=rewards, groups=groups, modes=modes, known=known)
    check_finite("rewards", rewards, known)
    check_modes(modes)
    if not 0 <= progress <= 1:
        raise ValueError(f"progress is {progress}; it is the number of the step by that of all steps, from 0 to 1")
    negative = (rewards < 0) & counted(rewards, known)
    if bool(negative.any()):
        at = int(negative.nonzero()[0])
        raise ValueError(
            f"rewards[{at}] is {float(rewards[at])}; ada_grpo multiplies rewards by how rare their mode is, which "
            "would punish the rare mode the most: take a reward that is never negative"
        )
    rarity = Sets(groups, known).sizes / modes_of(groups, modes, known).sizes.clamp(min=1)
    scale = 1 + 0.5 * (rarity - 1) * (1 + cos(pi * progress))
    scaled = torch.where(modes == ModeCode.NONE, 0.0, scale * wide(rewards))
    return grpo(scaled, groups, known=known, epsilon=epsilon)
