"""AutoThink: rewards in three stages, to keep both modes alive, to make them accurate, to make them short.

Each stage's reward goes into `grpo`. All is from arXiv 2505.10832 unless it says otherwise.
"""

import torch

from hipo_data.trainer.algorithms.groups import Sets
from hipo_data.trainer.algorithms.rollouts import ModeCode, check_finite, check_modes, check_rollouts, counted, wide


def autothink_reward(correct: torch.Tensor, modes: torch.Tensor) -> torch.Tensor:
    """Stage 2, and where the others start: (B,) float32.

                    right   wrong
        think-on     +1       0
        think-off    +2      −1

    correct: (B,) bool. modes: (B,) codes of `ModeCode`. Ours: a response without a mode tag gets −1 even if it is
    right; the paper's format, an immediate `</think>`, cannot lack its mode.
    """
    return _by_outcome(correct, modes, on=(1.0, 0.0), off=(2.0, -1.0))


def autothink_balance_reward(
    correct: torch.Tensor, modes: torch.Tensor, *, on_share: float = 0.5, strength: float = 2.0
) -> torch.Tensor:
    """Stage 1: the mode that crowds the other out of the batch loses its advantage. (B,) float32.

        d_on = clip((z − γ) · λ, 0, 1)        d_off = clip((1 − z − γ) · λ, 0, 1)
        r ← (1 − d) · r + d · target          target: on right 0, on wrong −1; off right +1, off wrong −2

    z is the share of think-on in the batch, γ = `on_share`, λ = `strength`, d that of the rollout's mode, r the plain
    reward. correct: (B,) bool. modes: (B,) codes of `ModeCode`.

    Ours: responses without a mode tag are left out of z and keep their reward, and so do all where none has a mode.
    With several processes, call it on the gathered batch.
    """
    plain = autothink_reward(correct, modes)
    target = _by_outcome(correct, modes, on=(0.0, -1.0), off=(1.0, -2.0))
    on, off = wide(modes == ModeCode.THINK_ON), wide(modes == ModeCode.THINK_OFF)
    tagged = (on.sum() + off.sum()).clamp(min=1)
    push_on = ((on.sum() / tagged - on_share) * strength).clamp(0, 1)
    push_off = ((off.sum() / tagged - on_share) * strength).clamp(0, 1)
    push = on * push_on + off * push_off
    return ((1 - push) * plain + push * target).to(torch.float32)


def autothink_length_reward(
    correct: torch.Tensor,
    modes: torch.Tensor,
    lengths: torch.Tensor,
    groups: torch.Tensor,
    *,
    known: torch.Tensor | None = None,
    alpha: float = 0.05,
    beta: float = 0.05,
) -> torch.Tensor:
    """Stage 3: right and short, or wrong after more of a try. (B,) float32.

        right   r + (e^(−α·y) − 1)        wrong   r + (1 − e^(−β·y))        y = (L − μ) / σ

    with r the plain reward, and μ, σ the mean and standard deviation of the lengths of the right, or of the wrong,
    responses to the same prompt. correct: (B,) bool. modes: (B,) codes of `ModeCode`. lengths: (B,) tokens. groups:
    (B,) integers, one label a prompt. known: (B,) bool; a rollout whose verdict is unknown enters no μ or σ, and what
    it gets means nothing.

    Ours: y = 0 for a lone response and where all are of one length; the sample's σ.
    """
    check_rollouts(correct=correct, modes=modes, lengths=lengths, groups=groups, known=known)
    check_finite("lengths", lengths, known)
    plain = wide(autothink_reward(correct, modes))
    right = correct.bool()
    _, prompt = torch.unique(groups.detach(), return_inverse=True)
    y = Sets(prompt * 2 + right, counted(right, known)).standard_score(lengths, epsilon=0.0)
    shaped = torch.where(right, torch.expm1(-alpha * y), -torch.expm1(-beta * y))
    return (plain + shaped).to(torch.float32)


def _by_outcome(
    correct: torch.Tensor, modes: torch.Tensor, on: tuple[float, float], off: tuple[float, float]
) -> torch.Tensor:
    check_rollouts(correct=correct, modes=modes)
    check_modes(modes)
    right = correct.bool() & (modes != ModeCode.NONE)
    thinking = torch.where(right, on[0], on[1])
    direct = torch.where(right, off[0], off[1])
    tagged = torch.where(modes == ModeCode.THINK_ON, thinking, direct)
    return torch.where(modes == ModeCode.NONE, -1.0, tagged).to(torch.float32)
