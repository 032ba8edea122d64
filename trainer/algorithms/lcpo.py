"""LCPO of L1: answer rightly within a number of tokens that the prompt asks for (arXiv 2503.04697)."""

import torch

from hipo_data.trainer.algorithms.rollouts import check_finite, check_rollouts, wide


def lcpo_exact_reward(
    correct: torch.Tensor, lengths: torch.Tensor, budgets: torch.Tensor, *, alpha: float = 0.0003
) -> torch.Tensor:
    """L1-Exact: r = 1[right] − α · |n_gold − n_y|, (B,) float32.

    correct: (B,) bool. lengths: (B,) tokens of the response, n_y. budgets: (B,) tokens asked for, n_gold, in the paper
    uniform in 100..4000. The reward goes into `grpo`. Source: arXiv 2503.04697, α = 0.0003.
    """
    _check(correct, lengths, budgets)
    return (wide(correct) - alpha * (wide(budgets) - wide(lengths)).abs()).to(torch.float32)


def lcpo_max_reward(
    correct: torch.Tensor,
    lengths: torch.Tensor,
    budgets: torch.Tensor,
    *,
    alpha: float = 0.0003,
    delta: float = 0.5,
) -> torch.Tensor:
    """L1-Max: r = 1[right] · clip(α · (n_gold − n_y) + δ, 0, 1), (B,) float32.

    δ lets a right answer slightly over its budget still beat a wrong one. Inputs as in `lcpo_exact_reward`.
    Source: arXiv 2503.04697 with α = 0.0003, δ = 0.5. Copies of the authors' code compute
    (clip(α · (n_gold − n_y), −1, 1) + 1) / 2, which is the same with half the α.
    """
    _check(correct, lengths, budgets)
    room = (alpha * (wide(budgets) - wide(lengths)) + delta).clamp(0, 1)
    return (wide(correct) * room).to(torch.float32)


def _check(correct: torch.Tensor, lengths: torch.Tensor, budgets: torch.Tensor) -> None:
    check_rollouts(correct=correct, lengths=lengths, budgets=budgets)
    check_finite("lengths", lengths)
    check_finite("budgets", budgets)
