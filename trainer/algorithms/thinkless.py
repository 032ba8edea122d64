"""Thinkless: its reward, and DeGRPO's weights, which keep one control token from drowning among long responses.

Its advantage is `grpo` with scale = "none": r − mean(r), which the paper takes over from Dr. GRPO. The authors' code
gives a lone rollout its reward as advantage; `grpo` gives zero.
"""

from typing import Literal

import torch

from hipo_data.trainer.algorithms.rollouts import (
    ModeCode,
    Segment,
    check_modes,
    check_rollouts,
    check_segments,
    in_segments,
    on_tokens,
    wide,
)

Average = Literal["paper", "code"]


def thinkless_reward(
    correct: torch.Tensor, well_formed: torch.Tensor, modes: torch.Tensor, *, think_on_right: float = 0.5
) -> torch.Tensor:
    """1 for a short and right response, `think_on_right` for a right one with thinking, −1 otherwise: (B,) float32.

    correct, well_formed: (B,) bool. modes: (B,) codes of `ModeCode`; a response without a mode tag is malformed.
    Source: arXiv 2505.13379 and its README, which raise 0.5 to 0.7 or 0.8 against a drift to short answers.
    """
    check_rollouts(correct=correct, well_formed=well_formed, modes=modes)
    check_modes(modes)
    right = correct.bool() & well_formed.bool() & (modes != ModeCode.NONE)
    prize = torch.where(modes == ModeCode.THINK_ON, think_on_right, 1.0)
    return torch.where(right, prize, -1.0).to(torch.float32)


def degrpo_weights(segments: torch.Tensor, *, alpha: float = 0.001, average: Average = "paper") -> torch.Tensor:
    """Weights of token losses, (B, T) float32, so that loss = Σ w_it · L_it, with L the clipped token loss.

        paper   J = mean_i [α · L_i0 + 1/T_i · Σ_t≥1 L_it]      w_i0 = α / B,   w_it = 1 / (B · T_i)
        code    α · mean_i L_i0 + Σ_it≥1 L_it / Σ_i T_i          w_i0 = α / C,   w_it = 1 / Σ_i T_i

    segments: (B, T) codes of `Segment`, for "code" those of one micro-batch. Token 0, the control token, is the mode
    tag; T_i counts the other tokens of response i, C the control tokens of the batch. In "paper" a response's share
    does not depend on its length; in "code" long responses weigh more, and the micro-batch matters.

    Source: the paper, arXiv 2505.13379, and `compute_policy_loss` in VainF/Thinkless, whose masked means those are.
    Ours: a tag of several tokens shares α between them; a response without one has the second term alone; in formats
    with a judge its tokens are of the second kind. The KL term, β = 0.001, is outside of these weights.
    """
    check_segments(segments, segments.shape[0])
    control = in_segments(segments, Segment.MODE)
    response = in_segments(segments, Segment.JUDGE, Segment.REASONING, Segment.ANSWER)
    controls, lengths = wide(control.sum(dim=1)), wide(response.sum(dim=1))
    if average == "code":
        controls, lengths = controls.sum().expand_as(controls), lengths.sum().expand_as(lengths)
        responses = 1
    else:
        responses = max(segments.shape[0], 1)
    chosen = on_tokens(alpha / (responses * controls.clamp(min=1)), control)
    return chosen + on_tokens(1 / (responses * lengths.clamp(min=1)), response)
