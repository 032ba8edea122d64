"""AdaptThink: answer at once as often as accuracy does not fall below a reference that always thinks."""

from math import log

import torch

from hipo_data.trainer.algorithms.rollouts import (
    ModeCode,
    Segment,
    check_finite,
    check_modes,
    check_rollouts,
    check_segments,
    counted,
    in_segments,
    wide,
)


def adaptthink(
    rewards: torch.Tensor,
    modes: torch.Tensor,
    reference: torch.Tensor,
    *,
    known: torch.Tensor | None = None,
    delta: float = 0.05,
) -> torch.Tensor:
    """A_i = 1[think-off] · δ + r_i − R̄_ref(x), (B,) float32: no mean over the group, no std, no KL.

    rewards: (B,) floats, the paper's is 1 for right and 0 for wrong. modes: (B,) codes of `ModeCode`, as forced by
    `forced_modes`. reference: (B,) floats, the mean reward of K = 16 thinking responses that the model gave to the
    rollout's prompt before training. known: (B,) bool; a rollout whose verdict is unknown gets zero.

    The constraint behind it: maximise the share of think-off subject to E[r] ≥ E[R̄_ref]; δ is the inverse of its
    multiplier, so that think-off wins where it costs less than δ in accuracy.

    Source: arXiv 2505.13417 with δ = 0.05; the authors' reward manager computes the same.
    Raises `ValueError` on values that are not finite, modes that are no code, shapes that differ.
    """
    check_rollouts(rewards=rewards, modes=modes, reference=reference, known=known)
    check_finite("rewards", rewards, known)
    check_finite("reference", reference, known)
    check_modes(modes)
    bonus = torch.where(modes == ModeCode.THINK_OFF, delta, 0.0)
    values = bonus + wide(rewards) - wide(reference)
    return torch.where(counted(rewards, known), values, 0.0).to(torch.float32)


def adaptthink_old_logprobs(
    old_logprobs: torch.Tensor, modes: torch.Tensor, segments: torch.Tensor, *, off_share: float = 0.5
) -> torch.Tensor:
    """Log-probabilities under π_IS, which draws the mode by a coin and the rest from the old policy: (B, T) float32.

        log π_IS(mode tag) = log(off_share) for think-off, log(1 − off_share) for think-on

    Take them in place of the old policy's in the ratio, or a forced mode that the policy finds unlikely is credited as
    if the policy had chosen it. old_logprobs: (B, T) floats. modes: (B,) codes of `ModeCode`, as forced. segments:
    (B, T) codes of `Segment`.

    Source: arXiv 2505.13417, where the forced token is the first, and share ½. The authors' code then takes one ratio a
    response, exp(mean_t log π_θ − mean_t log π_IS), clipped; in TRL this is importance_sampling_level = "sequence".
    Ours: the tag may follow a judge; a tag of several tokens has the coin's probability on its first, the others being
    certain.
    Raises `ValueError` where a share is not between 0 and 1, or a rollout with a mode has no token of a mode tag.
    """
    check_rollouts(modes=modes)
    check_modes(modes)
    check_segments(segments, modes.shape[0])
    if old_logprobs.shape != segments.shape:
        raise ValueError(f"old_logprobs has shape {tuple(old_logprobs.shape)}, segments {tuple(segments.shape)}")
    if not 0 < off_share < 1:
        raise ValueError(f"off_share is {off_share}; a forced mode needs a share between 0 and 1, both excluded")
    tag = in_segments(segments, Segment.MODE)
    untagged = (modes != ModeCode.NONE) & ~tag.any(dim=1)
    if bool(untagged.any()):
        at = int(untagged.nonzero()[0])
        raise ValueError(f"rollout {at} has a forced mode but no token of a mode tag; mark the tag in its segments")
    coin = torch.where(modes == ModeCode.THINK_OFF, log(off_share), log(1 - off_share)).unsqueeze(1)
    first = tag & (tag.cumsum(dim=1) == 1)
    forced = torch.where(first, coin, 0.0)
    return torch.where(tag & (modes != ModeCode.NONE).unsqueeze(1), forced, wide(old_logprobs)).to(torch.float32)
