"""HGPO of the large hybrid-reasoning models: prizes for the better mode and for the best response of each mode."""

from dataclasses import dataclass
from typing import Literal

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
)

Ties = Literal["all", "first"]


@dataclass(frozen=True)
class HgpoTerms:
    """HGPO's values of each rollout, both (B,) float32."""

    intra: torch.Tensor
    """GRPO(r_intra): for being the best of its mode."""
    inter: torch.Tensor
    """GRPO(r_inter): for being in the better mode."""


def hgpo_terms(
    rewards: torch.Tensor,
    groups: torch.Tensor,
    modes: torch.Tensor,
    *,
    known: torch.Tensor | None = None,
    delta: float = 0.2,
    ties: Ties = "all",
    intra_norm: Norm = "group",
    epsilon: float = EPSILON,
) -> HgpoTerms:
    """The two group-relative advantages of each rollout.

    With R̄_M the mean reward of the group's rollouts in mode M:

        r_inter,i = 1 if M_i = argmax {R̄_on, R̄_off + δ} else 0
        r_intra,i = 1 if i = argmax_j {r_j : M_j = M_i} else 0
        GRPO(x)_i = (x_i − mean(x)) / (std(x) + ε)

    rewards: (B,) floats. groups: (B,) integers, one label a prompt. modes: (B,) codes of `ModeCode`; the paper forces
    half of a group into each, see `forced_modes`. known: (B,) bool; a rollout whose verdict is unknown wins nothing,
    enters no mean and gets zero.

    Source: arXiv 2505.14631, both prizes, their sum, and δ = 0.2. Ours, where the paper is silent: `ties`, "all" giving
    every tied rollout or mode the prize, "first" the first in the batch, and think-on of two modes; rule-based rewards
    tie often, and "first" then rewards one of equals. GRPO(r_intra) over the whole group, as the formula reads most
    plainly; there, a mode that is all wrong still shares prizes, which intra_norm = "mode" avoids. With one mode absent
    no mode wins. A response without a mode tag wins nothing. The sample's std; ε.
    Raises `ValueError` on rewards that are not finite, modes that are no code, shapes that differ.
    """
    check_rollouts(rewards=rewards, groups=groups, modes=modes, known=known)
    check_finite("rewards", rewards, known)
    check_modes(modes)
    group, mode = Sets(groups, known), modes_of(groups, modes, known)
    eligible = mode.members & (modes != ModeCode.NONE)
    best = eligible & (rewards >= mode.max(rewards) - TIE)
    if ties == "first":
        best &= _first(mode, best)
    inter = _better_mode(rewards, groups, modes, known, delta, ties) & eligible
    intra_sets = {"group": group, "mode": mode}[intra_norm]
    return HgpoTerms(
        intra_sets.standard_score(best, epsilon).to(torch.float32),
        group.standard_score(inter, epsilon).to(torch.float32),
    )


def _first(mode: Sets, marked: torch.Tensor) -> torch.Tensor:
    """The first of the marked rollouts in each set, (B,) bool."""
    place = torch.arange(len(marked), device=marked.device)
    lead = torch.where(marked, len(marked) - place, 0)
    return lead == mode.max(lead)


def _better_mode(
    rewards: torch.Tensor,
    groups: torch.Tensor,
    modes: torch.Tensor,
    known: torch.Tensor | None,
    delta: float,
    ties: Ties,
) -> torch.Tensor:
    on = one_mode(groups, modes, ModeCode.THINK_ON, known)
    off = one_mode(groups, modes, ModeCode.THINK_OFF, known)
    lead = on.mean(rewards) - (off.mean(rewards) + delta)
    off_wins = lead <= TIE if ties == "all" else lead < -TIE
    won = torch.where(modes == ModeCode.THINK_ON, lead >= -TIE, off_wins)
    return won & (on.sizes > 0) & (off.sizes > 0)


def hgpo_advantages(terms: HgpoTerms, segments: torch.Tensor, *, alpha: float = 1.0) -> torch.Tensor:
    """A_it = GRPO(r_intra)_i + 1[token t is of the mode tag] · α · GRPO(r_inter)_i, (B, T) float32, zero on padding.

    segments: (B, T) codes of `Segment`. Source: arXiv 2505.14631, with α = 1. Ours: where a tokenizer splits the tag,
    every token of it counts.
    """
    check_segments(segments, terms.intra.shape[0])
    intra = on_tokens(terms.intra, segments != Segment.NONE)
    return intra + alpha * on_tokens(terms.inter, in_segments(segments, Segment.MODE))
