"""HiPO: one advantage for the choice of the mode, another for the response within that mode (arXiv 2509.23967)."""

from dataclasses import dataclass

import torch

from hipo_data.trainer.algorithms.groups import EPSILON, TIE, Norm, Sets, modes_of, one_mode
from hipo_data.trainer.algorithms.rollouts import (
    ModeCode,
    Segment,
    check_finite,
    check_modes,
    check_rollouts,
    check_segments,
    in_segments,
    on_tokens,
    wide,
)


def hipo_reward(correct: torch.Tensor, well_formed: torch.Tensor, *, format_weight: float = 0.2) -> torch.Tensor:
    """r_i = ACC_i + 0.2 · FORMAT_i, (B,) float32; both inputs are (B,) bool or 0/1.

    Secondary: reviews of the paper give the sum and the 0.2.
    """
    check_rollouts(correct=correct, well_formed=well_formed)
    return (wide(correct) + format_weight * wide(well_formed)).to(torch.float32)


@dataclass(frozen=True)
class HipoTerms:
    """HiPO's values of each rollout, all (B,) float32."""

    judge: torch.Tensor
    """A_judge."""
    answer: torch.Tensor
    """A_answer."""
    bias: torch.Tensor
    """By how much the think-off mean of the rollout's group was raised; zero where it was not."""


def hipo_terms(
    rewards: torch.Tensor,
    groups: torch.Tensor,
    modes: torch.Tensor,
    *,
    known: torch.Tensor | None = None,
    omega: float = 0.01,
    bias_margin: float | None = None,
    gamma: float = 0.3,
    judge_norm: Norm = "mode",
    answer_norm: Norm = "mode",
    global_term: bool = True,
    epsilon: float = EPSILON,
) -> HipoTerms:
    """The two advantages of each rollout, and the bias.

    With r_M the rewards of the group's rollouts in mode M, and M_i the mode of rollout i:

        bias_off   = ω · mean(r_on)
        mean'(off) = mean(r_off) + bias_off    if 0 ≤ mean(r_on) − mean(r_off) ≤ margin, else mean(r_off)
        A_judge,i  = (mean'(M_i) − mean(r)) + γ · z_i      z_i = (r_i − mean(r_Mi)) / (std(r_Mi) + ε)
        A_answer,i = (r_i − mean(r_Mi)) / (std(r_Mi) + ε)

    rewards: (B,) floats, not negative. groups: (B,) integers, one label a prompt. modes: (B,) codes of `ModeCode`.
    known: (B,) bool; a rollout whose verdict is unknown enters no mean and gets zero.

    judge_norm = "group" takes the other reading of z_i, (r_i − mean(r)) / (std(r) + ε) over the whole group.
    bias_margin is the margin above; none means bias_off itself. For ablations: answer_norm = "group" normalises
    A_answer over the group; global_term = False leaves out mean'(M_i) − mean(r).

    Source: bias_off = ω · mean(r_on) and ω = 0.01. Secondary: the condition, A_judge, A_answer, and z_i "within its
    mode". Ours: γ = 0.3; the bias enters only the difference of means, and mean(r) stays as it was; a mode that is
    absent, of one rollout or without spread has z_i = 0 and A_answer = 0; without both modes there is no bias;
    responses without a mode tag form a mode of their own; the sample's std; ε.
    Raises `ValueError` on rewards that are not finite, modes that are no code, shapes that differ.
    """
    check_rollouts(rewards=rewards, groups=groups, modes=modes, known=known)
    check_finite("rewards", rewards, known)
    check_modes(modes)
    group, mode = Sets(groups, known), modes_of(groups, modes, known)
    norms = {"mode": mode, "group": group}
    bias = _bias(rewards, groups, modes, known, omega, bias_margin)
    raised = mode.mean(rewards) + torch.where(modes == ModeCode.THINK_OFF, bias, 0.0)
    choice = torch.where(group.members, raised - group.mean(rewards), 0.0)
    standing = norms[judge_norm].standard_score(rewards, epsilon)
    judge = (choice if global_term else torch.zeros_like(choice)) + gamma * standing
    answer = norms[answer_norm].standard_score(rewards, epsilon)
    return HipoTerms(judge.to(torch.float32), answer.to(torch.float32), bias.to(torch.float32))


def _bias(
    rewards: torch.Tensor,
    groups: torch.Tensor,
    modes: torch.Tensor,
    known: torch.Tensor | None,
    omega: float,
    margin: float | None,
) -> torch.Tensor:
    on = one_mode(groups, modes, ModeCode.THINK_ON, known)
    off = one_mode(groups, modes, ModeCode.THINK_OFF, known)
    gap = on.mean(rewards) - off.mean(rewards)
    bias = omega * on.mean(rewards)
    small = (gap >= -TIE) & (gap <= (bias if margin is None else margin) + TIE)
    return torch.where((on.sizes > 0) & (off.sizes > 0) & small, bias, 0.0)


def hipo_advantages(terms: HipoTerms, segments: torch.Tensor) -> torch.Tensor:
    """The terms on tokens, (B, T) float32: A_judge up to and with the mode tag, A_answer after it, zero on padding.

    segments: (B, T) codes of `Segment`. Secondary: which part of a response takes which advantage. Ours: the mode tag
    belongs to the judge's part, since it is the choice itself.
    """
    check_segments(segments, terms.judge.shape[0])
    judged = in_segments(segments, Segment.JUDGE, Segment.MODE)
    answered = in_segments(segments, Segment.REASONING, Segment.ANSWER)
    return on_tokens(terms.judge, judged) + on_tokens(terms.answer, answered)
