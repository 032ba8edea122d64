"""DAST: a token budget that grows with the difficulty of a problem, and a reward that uses it (arXiv 2503.04472)."""

import torch

from hipo_data.trainer.algorithms.groups import Sets
from hipo_data.trainer.algorithms.rollouts import check_finite, check_rollouts, counted, wide


def dast_budget(
    correct: torch.Tensor,
    lengths: torch.Tensor,
    groups: torch.Tensor,
    *,
    max_tokens: int,
    known: torch.Tensor | None = None,
) -> torch.Tensor:
    """The budget of each rollout's problem in tokens, (B,) float32: L_b = p · L_right + (1 − p) · L_max.

    p is the problem's pass rate, L_right the mean length of its right responses, L_max = `max_tokens` the limit on
    generated tokens. correct: (B,) bool. lengths: (B,) tokens. groups: (B,) integers, one label a problem. known: (B,)
    bool; a rollout whose verdict is unknown counts neither in p nor in L_right.

    Source: arXiv 2503.04472. Where nothing is right, p = 0 and the budget is L_max.
    """
    check_rollouts(correct=correct, lengths=lengths, groups=groups, known=known)
    check_finite("lengths", lengths, known)
    if max_tokens < 1:
        raise ValueError(f"max_tokens is {max_tokens}; it is the limit on generated tokens, at least 1")
    everyone = Sets(groups, known)
    right = Sets(groups, correct.bool() & counted(correct, known))
    pass_rate = right.sizes / everyone.sizes.clamp(min=1)
    return (pass_rate * right.mean(lengths) + (1 - pass_rate) * max_tokens).to(torch.float32)


def dast_reward(correct: torch.Tensor, lengths: torch.Tensor, budgets: torch.Tensor) -> torch.Tensor:
    """Right responses gain by staying under the budget, wrong ones lose less the more of it they spent: (B,) float32.

        λ = (L − L_b) / L_b        right  max(0.5 − 0.5 · λ, 0.1)        wrong  min(0.9 · λ − 0.1, −0.1)

    correct: (B,) bool. lengths: (B,) tokens. budgets: (B,) tokens, from `dast_budget`. Source: arXiv 2503.04472, where
    the reward ranks responses for preference pairs; it can go into `grpo` as well (ours).
    Raises `ValueError` on a budget that is not positive.
    """
    check_rollouts(correct=correct, lengths=lengths, budgets=budgets)
    check_finite("lengths", lengths)
    check_finite("budgets", budgets)
    if bool((budgets <= 0).any()):
        at = int((budgets <= 0).nonzero()[0])
        raise ValueError(f"budgets[{at}] is {float(budgets[at])}; a budget is a positive number of tokens")
    over = wide(lengths) / wide(budgets) - 1
    right = (0.5 - 0.5 * over).clamp(min=0.1)
    wrong = (0.9 * over - 0.1).clamp(max=-0.1)
    return torch.where(correct.bool(), right, wrong).to(torch.float32)
