"""The formulas once more in plain Python, one rollout at a time, written from the papers and not from `trainer`."""

from collections.abc import Sequence
from copy import copy
from statistics import fmean, stdev

from tests.trainer.batches import NO, OFF, ON, Batch

EPSILON = 1e-4


def z(value: float, among: Sequence[float]) -> float:
    if len(among) < 2 or len(set(among)) == 1:
        return 0.0
    return (value - fmean(among)) / (stdev(among) + EPSILON)


class Plain:
    """A batch as lists."""

    def __init__(self, batch: Batch) -> None:
        self.rewards, self.groups = batch.rewards.tolist(), batch.groups.tolist()
        self.modes, self.known = batch.modes.tolist(), batch.known.tolist()

    def peers(self, i: int, mode: int | None = None) -> list[float]:
        """The rewards of the known rollouts of i's prompt, of one mode where it is given."""
        rows = zip(self.rewards, self.groups, self.modes, self.known, strict=True)
        return [r for r, g, m, known in rows if known and g == self.groups[i] and mode in (None, m)]


def grpo(batch: Batch, scale: str) -> list[float]:
    plain, values = Plain(batch), []
    for i, reward in enumerate(plain.rewards):
        among = plain.peers(i) or [0.0]
        standing = z(reward, among) if scale == "std" else reward - fmean(among)
        values.append(standing if plain.known[i] else 0.0)
    return values


def hipo(batch: Batch, omega: float, gamma: float, judge_norm: str) -> tuple[list[float], list[float]]:
    plain = Plain(batch)
    judge, answer = [], []
    for i, reward in enumerate(plain.rewards):
        if not plain.known[i]:
            judge.append(0.0)
            answer.append(0.0)
            continue
        mode, group = plain.modes[i], plain.peers(i)
        means = {m: fmean(plain.peers(i, m)) for m in (OFF, ON, NO) if plain.peers(i, m)}
        if ON in means and OFF in means and -1e-6 <= means[ON] - means[OFF] <= omega * means[ON] + 1e-6:
            means[OFF] += omega * means[ON]
        own = plain.peers(i, mode)
        standing = z(reward, own if judge_norm == "mode" else group)
        judge.append(means[mode] - fmean(group) + gamma * standing)
        answer.append(z(reward, own))
    return judge, answer


def hgpo(batch: Batch, delta: float) -> tuple[list[float], list[float]]:
    """GRPO(r_intra) and GRPO(r_inter), all tied taking the prize."""
    plain = Plain(batch)
    intra, inter = [], []
    for i, reward in enumerate(plain.rewards):
        mode = plain.modes[i]
        tagged = plain.known[i] and mode != NO
        intra.append(1.0 if tagged and reward >= max(plain.peers(i, mode)) else 0.0)
        on, off = plain.peers(i, ON), plain.peers(i, OFF)
        if not tagged or not on or not off:
            inter.append(0.0)
            continue
        lead = fmean(on) - (fmean(off) + delta)
        inter.append(1.0 if abs(lead) < 1e-6 or (lead > 0) == (mode == ON) else 0.0)
    return _grpo_of(intra, plain), _grpo_of(inter, plain)


def _grpo_of(prizes: list[float], plain: Plain) -> list[float]:
    prized = copy(plain)
    prized.rewards = prizes
    return [z(prize, prized.peers(i)) if plain.known[i] else 0.0 for i, prize in enumerate(prizes)]
