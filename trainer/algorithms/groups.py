"""Means, extremes and standard scores within sets of rollouts: the group of a prompt, or one mode of it."""

from typing import Literal

import torch

from hipo_data.trainer.algorithms.rollouts import ModeCode, counted, wide

EPSILON = 1e-4
"""Added to standard deviations before a division; TRL's value, where verl has 1e-6."""

TIE = 1e-6
"""Means nearer than this count as equal: they may come from as many float32 rewards in another order."""

Norm = Literal["mode", "group"]


class Sets:
    """Rollouts in disjoint sets, by label. Every statistic is (B,) float64: each rollout sees its own set's.

    labels: (B,) integers, any values, in any order; equal labels make a set. members: (B,) bool, which rollouts count;
    the others see the statistics of the set but do not enter them. A set without members has mean and maximum zero.
    """

    def __init__(self, labels: torch.Tensor, members: torch.Tensor | None = None) -> None:
        _, self.index = torch.unique(labels.detach(), return_inverse=True)
        self.count = int(self.index.max()) + 1 if labels.numel() else 0
        self.members = counted(labels, members)
        self.sizes = self._sum(self.members.to(wide(labels).dtype))

    def _sum(self, values: torch.Tensor) -> torch.Tensor:
        totals = torch.zeros(self.count, dtype=values.dtype, device=values.device)
        return totals.index_add_(0, self.index, values)[self.index]

    def _extreme(self, values: torch.Tensor, reduce: Literal["amin", "amax"]) -> torch.Tensor:
        least = float("inf") if reduce == "amin" else float("-inf")
        found = torch.full((self.count,), least, dtype=values.dtype, device=values.device)
        inside = torch.where(self.members, values, least)
        result = found.scatter_reduce_(0, self.index, inside, reduce)[self.index]
        return torch.where(self.sizes > 0, result, 0.0)

    def max(self, values: torch.Tensor) -> torch.Tensor:
        """The largest value of the set."""
        return self._extreme(wide(values), "amax")

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The mean of the set, exactly the common value where all are equal."""
        values = wide(values)
        least = self._extreme(values, "amin")
        excess = self._sum(torch.where(self.members, values - least, 0.0))
        return least + excess / self.sizes.clamp(min=1)

    def centred(self, values: torch.Tensor) -> torch.Tensor:
        """The value less the set's mean; zero for rollouts that are no members."""
        return torch.where(self.members, wide(values) - self.mean(values), 0.0)

    def standard_score(self, values: torch.Tensor, epsilon: float = EPSILON) -> torch.Tensor:
        """(x − mean) / (std + ε) with the standard deviation of a sample (n − 1), as TRL and verl have it.

        Zero, never NaN, for rollouts that are no members, and in sets of one member or without spread.
        """
        centred = self.centred(values)
        variance = self._sum(centred.square()) / (self.sizes - 1).clamp(min=1)
        learns = self.members & (variance > 0)
        return torch.where(learns, centred / torch.where(learns, variance.sqrt() + epsilon, 1.0), 0.0)


def modes_of(groups: torch.Tensor, modes: torch.Tensor, known: torch.Tensor | None = None) -> Sets:
    """The sets of rollouts that share prompt and mode. Responses without a mode tag make a third set."""
    _, index = torch.unique(groups.detach(), return_inverse=True)
    return Sets(index * len(ModeCode) + modes.to(index.dtype), known)


def one_mode(groups: torch.Tensor, modes: torch.Tensor, mode: ModeCode, known: torch.Tensor | None = None) -> Sets:
    """The groups, of which only the rollouts of one mode are members: what all of a group see of that mode."""
    return Sets(groups, (modes == mode) & counted(modes, known))
