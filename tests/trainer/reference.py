"""The formulas once more in plain Python, one rollout at a time, written from the papers and not from `trainer`."""

from collections.abc import Sequence
from statistics import fmean, stdev

from tests.trainer.batches import NO, OFF, ON, Batch

EPSILON = 1e-4


def z(value: float, among: Sequence[float]) -> float:
    if len(among) < 2 or len(set(among)) == 1:
        return 0.0
    return (value - fmean(among)) / (stdev(among) + EPSILON)


def peers(batch: Batch, i: int, mode: int | None = None) -> list[int]:
    """The known rollouts of i's prompt, of one mode where it is given."""
    return [
        j
        for j in range(len(batch.groups))
        if batch.groups[j] == batch.groups[i] and batch.known[j] and (mode is None or batch.modes[j] == mode)
    ]


def grpo(batch: Batch, scale: str) -> list[float]:
    values = []
    for i, reward in enumerate(batch.rewards.tolist()):
        among = [batch.rewards[j].item() for j in peers(batch, i)]
        standing = z(reward, among) if scale == "std" else reward - fmean(among or [0.0])
        values.append(standing if batch.known[i] else 0.0)
    return values


def hipo(batch: Batch, omega: float, gamma: float, judge_norm: str) -> tuple[list[float], list[float]]:
    rewards = batch.rewards.tolist()
    judge, answer = [], []
    for i, reward in enumerate(rewards):
        if not batch.known[i]:
            judge.append(0.0)
            answer.append(0.0)
            continue
        mode = int(batch.modes[i])
        group = [rewards[j] for j in peers(batch, i)]
        means = {m: fmean([rewards[j] for j in peers(batch, i, m)]) for m in (OFF, ON, NO) if peers(batch, i, m)}
        if ON in means and OFF in means and -1e-6 <= means[ON] - means[OFF] <= omega * means[ON] + 1e-6:
            means[OFF] += omega * means[ON]
        own = [rewards[j] for j in peers(batch, i, mode)]
        standing = z(reward, own if judge_norm == "mode" else group)
        judge.append(means[mode] - fmean(group) + gamma * standing)
        answer.append(z(reward, own))
    return judge, answer


def hgpo(batch: Batch, delta: float) -> tuple[list[float], list[float]]:
    """GRPO(r_intra) and GRPO(r_inter), all tied taking the prize."""
    rewards = batch.rewards.tolist()
    intra, inter = [], []
    for i, reward in enumerate(rewards):
        own = [rewards[j] for j in peers(batch, i, int(batch.modes[i]))]
        tagged = batch.known[i] and batch.modes[i] != NO
        intra.append(1.0 if tagged and reward >= max(own) else 0.0)
        on, off = ([rewards[j] for j in peers(batch, i, mode)] for mode in (ON, OFF))
        if not tagged or not on or not off:
            inter.append(0.0)
            continue
        lead = fmean(on) - (fmean(off) + delta)
        won = abs(lead) < 1e-6 or (lead > 0) == (batch.modes[i] == ON)
        inter.append(1.0 if won else 0.0)
    scores: list[list[float]] = [[], []]
    for i in range(len(rewards)):
        for prizes, into in zip((intra, inter), scores, strict=True):
            into.append(z(prizes[i], [prizes[j] for j in peers(batch, i)]) if batch.known[i] else 0.0)
    return scores[0], scores[1]
