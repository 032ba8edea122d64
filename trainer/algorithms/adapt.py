"""ADaPT: the choice to think has its price on the token that chooses, and on no other."""

from dataclasses import dataclass

import torch

from hipo_data.trainer.algorithms.groups import EPSILON, Sets, one_mode
from hipo_data.trainer.algorithms.rollouts import (
    ModeCode,
    Segment,
    check_finite,
    check_modes,
    check_rollouts,
    check_segments,
    counted,
    in_segments,
    on_tokens,
    wide,
)


def adapt_reward(correct: torch.Tensor, well_formed: torch.Tensor, *, format_weight: float = 0.8) -> torch.Tensor:
    """r = 1[right and well-formed] + 0.8 · 1[well-formed], (B,) float32.

    correct, well_formed: (B,) bool. Source: `examples/reward_function/math.py` of the authors' code. Ours: a response
    is well-formed or not, where their score of the form has 0.1 for a repeated tag.
    """
    check_rollouts(correct=correct, well_formed=well_formed)
    formed = wide(well_formed.bool())
    return (wide(correct.bool()) * formed + format_weight * formed).to(torch.float32)


@dataclass(frozen=True)
class AdaptTerms:
    """ADaPT's values of each rollout, both (B,) float32."""

    choice: torch.Tensor
    """Of the mode tag."""
    response: torch.Tensor
    """Of every other token."""


def adapt_terms(
    rewards: torch.Tensor,
    correct: torch.Tensor,
    groups: torch.Tensor,
    modes: torch.Tensor,
    lengths: torch.Tensor,
    *,
    known: torch.Tensor | None = None,
    target: float = 0.5,
    choice_weight: float = 1.0,
    epsilon: float = EPSILON,
) -> AdaptTerms:
    """The advantages of each rollout's mode tag and of its other tokens.

    With a_M the share of right rollouts among the group's in mode M:

        R     = ½ · (a_off − target) + ½ · (a_off − a_on)
        G_it  = r_i − w · R  on the mode tag of a think-on rollout, r_i on every other token
        A_it  = (G_it − mean(G)) / (std(G) + ε)     over all tokens of the group

    so that long and right responses lose nothing but the chance to be chosen, and that only where think-off does well.

    rewards: (B,) floats. correct: (B,) bool. groups: (B,) integers, one label a prompt. modes: (B,) codes of
    `ModeCode`; the authors force half of a group into each, see `forced_modes`. lengths: (B,) tokens. known: (B,) bool;
    a rollout whose verdict is unknown enters no mean and gets zero. target: the share of right think-off responses
    from which on it is preferred, other things equal. choice_weight: w.

    Source: arXiv 2606.19919, the authors' code: R, ½ for the target, rewards put on the first and the last token and
    summed from the end, the mean and the population's std over tokens, so that long responses weigh more in both. Where
    all r are equal, that std comes from the tags alone and is small, so the tags' advantage is large.
    Ours: a mode that is absent from the group gives no signal, R = 0, where the code takes its share of right ones
    for 0; a response without a mode tag is in no mode, where the code takes it for think-off; ε = 1e-4, where it has
    1e-6; w. A tag of several tokens counts as one in mean and std.
    Raises `ValueError` on values that are not finite, modes that are no code, shapes that differ.
    """
    check_rollouts(rewards=rewards, correct=correct, groups=groups, modes=modes, lengths=lengths, known=known)
    check_finite("rewards", rewards, known)
    check_finite("lengths", lengths, known)
    check_modes(modes)
    on = one_mode(groups, modes, ModeCode.THINK_ON, known)
    off = one_mode(groups, modes, ModeCode.THINK_OFF, known)
    right_on, right_off = on.mean(correct), off.mean(correct)
    gain = 0.5 * (right_off - target) + 0.5 * (right_off - right_on)
    priced = (modes == ModeCode.THINK_ON) & (on.sizes > 0) & (off.sizes > 0)
    price = torch.where(priced, choice_weight * gain, 0.0)

    # Each rollout twice: as its tag, which is one token, and as all its others.
    tags = wide(modes != ModeCode.NONE)
    tokens = torch.cat([tags, (wide(lengths) - tags).clamp(min=0)])
    group = Sets(groups.repeat(2), counted(rewards, known).repeat(2))
    total = group.mean(tokens).clamp(min=1e-9)
    returns = group.centred(torch.cat([wide(rewards) - price, wide(rewards)]))
    centred = returns - group.mean(returns * tokens) / total
    deviation = (group.mean(centred.square() * tokens) / total).sqrt()
    learns = group.members & (deviation > 0)
    scores = torch.where(learns, centred / (deviation + epsilon), 0.0).to(torch.float32)
    choice, response = scores.chunk(2)
    return AdaptTerms(choice, response)


def adapt_advantages(terms: AdaptTerms, segments: torch.Tensor) -> torch.Tensor:
    """The choice's advantage on the mode tag, the response's on every other token: (B, T) float32, zero on padding.

    segments: (B, T) codes of `Segment`. Source: arXiv 2606.19919, whose mode tag is the first token and single. Ours:
    every token of a tag is the tag, and a justification before it takes the response's advantage, not the choice's.
    """
    check_segments(segments, terms.choice.shape[0])
    tag = in_segments(segments, Segment.MODE)
    return on_tokens(terms.choice, tag) + on_tokens(terms.response, ~tag & (segments != Segment.NONE))
