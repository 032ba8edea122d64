"""GRPO and its variant without the two length and difficulty biases, Dr. GRPO."""

from typing import Literal

import torch

from hipo_data.trainer.algorithms.groups import EPSILON, Sets
from hipo_data.trainer.algorithms.rollouts import Segment, check_finite, check_rollouts, check_segments, on_tokens, wide

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

    Source: GRPO, arXiv 2402.03300; Dr. GRPO, arXiv 2503.20783, which also asks for `dr_grpo_weights`.
    Ours: std of a sample and ε = 1e-4, both as in TRL; the papers name neither.
    Raises `ValueError` on rewards that are not finite and on shapes that differ.
    """
    check_rollouts(rewards=rewards, groups=groups, known=known)
    check_finite("rewards", rewards, known)
    sets = Sets(groups, known)
    scores = sets.standard_score(rewards, epsilon) if scale == "std" else sets.centred(rewards)
    return scores.to(torch.float32)


def grpo_advantages(
    rewards: torch.Tensor,
    groups: torch.Tensor,
    segments: torch.Tensor,
    *,
    known: torch.Tensor | None = None,
    scale: Scale = "std",
    epsilon: float = EPSILON,
) -> torch.Tensor:
    """`grpo` on every token of the response: (B, T) float32, zero on padding. segments: (B, T) codes of `Segment`."""
    check_segments(segments, rewards.shape[0])
    values = grpo(rewards, groups, known=known, scale=scale, epsilon=epsilon)
    return on_tokens(values, segments != Segment.NONE)


def grpo_weights(segments: torch.Tensor) -> torch.Tensor:
    """How GRPO averages token losses, (B, T) float32: w_it = 1 / (B · |o_i|), so that loss = Σ w_it · L_it.

    segments: (B, T) codes of `Segment`; |o_i| is the number of tokens of response i. Source: arXiv 2402.03300.
    """
    check_segments(segments, segments.shape[0])
    mask = segments != Segment.NONE
    lengths = wide(mask.sum(dim=1))
    return on_tokens(1 / (max(len(lengths), 1) * lengths.clamp(min=1)), mask)


def dr_grpo_weights(segments: torch.Tensor, max_tokens: int) -> torch.Tensor:
    """How Dr. GRPO sums token losses, (B, T) float32: w_it = 1 / (B · max_tokens), the same for long and short.

    max_tokens: the limit on generated tokens, a constant. Source: arXiv 2503.20783 and its code.
    """
    check_segments(segments, segments.shape[0])
    if max_tokens < 1:
        raise ValueError(f"max_tokens is {max_tokens}; it is the limit on generated tokens, at least 1")
    mask = segments != Segment.NONE
    share = 1 / (max(segments.shape[0], 1) * max_tokens)
    return on_tokens(torch.full((segments.shape[0],), share, device=segments.device), mask)
