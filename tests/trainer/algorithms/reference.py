"""The formulas once more in plain Python, one rollout at a time, written from the papers and not from `trainer`."""

from collections.abc import Mapping, Sequence
from copy import copy
from math import cos, exp, pi, sqrt
from statistics import fmean, stdev

from hipo_data.trainer.algorithms.rollouts import Segment
from tests.trainer.algorithms.batches import NO, OFF, ON, Batch

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


def adaptthink(batch: Batch, references: Sequence[float], delta: float) -> list[float]:
    plain = Plain(batch)
    values = []
    for i, reward in enumerate(plain.rewards):
        gain = reward - references[i] + (delta if plain.modes[i] == OFF else 0.0)
        values.append(gain if plain.known[i] else 0.0)
    return values


def adapt(batch: Batch, target: float, weight: float) -> tuple[list[float], list[float]]:
    """The advantage of each rollout's tag and of its other tokens, from a list of all tokens of its group."""
    plain, right, lengths = Plain(batch), batch.correct.tolist(), batch.lengths.tolist()
    count = len(plain.rewards)

    def accuracy(group: int, mode: int) -> float | None:
        found = [
            right[j] for j in range(count) if plain.known[j] and (plain.groups[j], plain.modes[j]) == (group, mode)
        ]
        return fmean(found) if found else None

    returns: list[list[float]] = []
    for i, reward in enumerate(plain.rewards):
        on, off = accuracy(plain.groups[i], ON), accuracy(plain.groups[i], OFF)
        tokens = [reward] * lengths[i]
        if plain.modes[i] == ON and on is not None and off is not None:
            tokens[0] -= weight * (0.5 * (off - target) + 0.5 * (off - on))
        returns.append(tokens)
    choice, response = [], []
    for i, tokens in enumerate(returns):
        among = [x for j in range(count) if plain.known[j] and plain.groups[j] == plain.groups[i] for x in returns[j]]
        if not plain.known[i] or len(set(among)) == 1:
            choice.append(0.0)
            response.append(0.0)
            continue
        mean = fmean(among)
        std = sqrt(fmean((x - mean) ** 2 for x in among))
        choice.append((tokens[0] - mean) / (std + EPSILON))
        response.append((plain.rewards[i] - mean) / (std + EPSILON))
    return choice, response


def ada_grpo(batch: Batch, progress: float) -> list[float]:
    plain = Plain(batch)
    scaled = []
    for i, reward in enumerate(plain.rewards):
        group, alike = len(plain.peers(i)), len(plain.peers(i, plain.modes[i]))
        alpha = 1 + 0.5 * (group / alike - 1) * (1 + cos(pi * progress)) if alike else 1.0
        scaled.append(0.0 if plain.modes[i] == NO else alpha * reward)
    return _grpo_of(scaled, plain)


def autothink(batch: Batch, stage: int, share: float, strength: float, alpha: float, beta: float) -> list[float]:
    plain, right, lengths = Plain(batch), batch.correct.tolist(), batch.lengths.tolist()
    tables = {ON: (1.0, 0.0), OFF: (2.0, -1.0), NO: (-1.0, -1.0)}
    base = [tables[mode][0 if ok else 1] for mode, ok in zip(plain.modes, right, strict=True)]
    if stage == 2:
        return base
    if stage == 1:
        tagged = [mode for mode in plain.modes if mode != NO]
        z_on = tagged.count(ON) / len(tagged) if tagged else share
        pushes = {ON: (z_on - share) * strength, OFF: ((1 - z_on if tagged else share) - share) * strength, NO: 0.0}
        targets = {ON: (0.0, -1.0), OFF: (1.0, -2.0), NO: (0.0, 0.0)}
        shaped = []
        for mode, ok, reward in zip(plain.modes, right, base, strict=True):
            push = min(max(pushes[mode], 0.0), 1.0)
            shaped.append((1 - push) * reward + push * targets[mode][0 if ok else 1])
        return shaped
    shaped = []
    for i, reward in enumerate(base):
        alike = [
            lengths[j]
            for j in range(len(base))
            if plain.known[j] and plain.groups[j] == plain.groups[i] and right[j] == right[i]
        ]
        y = 0.0 if len(set(alike)) < 2 else (lengths[i] - fmean(alike)) / stdev(alike)
        shaped.append(reward + (exp(-alpha * y) - 1 if right[i] else 1 - exp(-beta * y)))
    return shaped


def thinkless(correct: Sequence[bool], formed: Sequence[bool], modes: Sequence[int], on_right: float) -> list[float]:
    rewards = []
    for ok, well, mode in zip(correct, formed, modes, strict=True):
        rewards.append(-1.0 if not ok or not well or mode == NO else on_right if mode == ON else 1.0)
    return rewards


def degrpo(segments: Sequence[Sequence[int]], alpha: float, average: str) -> list[list[float]]:
    """Weights so that loss = Σ w · L: token by token from the paper's, and from the code's, sums."""
    controls = [sum(code == Segment.MODE for code in row) for row in segments]
    others = [sum(code not in (Segment.NONE, Segment.MODE) for code in row) for row in segments]
    weights = []
    for i, row in enumerate(segments):
        found = []
        for code in row:
            if code == Segment.NONE:
                found.append(0.0)
            elif code == Segment.MODE:
                found.append(alpha / (len(segments) * controls[i]) if average == "paper" else alpha / sum(controls))
            else:
                found.append(1 / (len(segments) * others[i]) if average == "paper" else 1 / sum(others))
        weights.append(found)
    return weights


def lcpo(correct: Sequence[bool], lengths: Sequence[int], budgets: Sequence[int], alpha: float, delta: float | None):
    """L1-Exact where δ is null, else L1-Max."""
    rewards = []
    for ok, length, budget in zip(correct, lengths, budgets, strict=True):
        if delta is None:
            rewards.append(float(ok) - alpha * abs(budget - length))
        else:
            rewards.append(float(ok) * min(max(alpha * (budget - length) + delta, 0.0), 1.0))
    return rewards


def dast(batch: Batch, limit: int) -> tuple[list[float], list[float]]:
    """The budget of each rollout's problem, and the reward against it."""
    rows = list(
        zip(*(column.tolist() for column in (batch.groups, batch.known, batch.correct, batch.lengths)), strict=True)
    )
    budgets, rewards = [], []
    for group, _, right, length in rows:
        graded = [(ok, tokens) for other, known, ok, tokens in rows if other == group and known]
        lengths = [tokens for ok, tokens in graded if ok]
        rate = len(lengths) / len(graded) if graded else 0.0
        budget = rate * (fmean(lengths) if lengths else 0.0) + (1 - rate) * limit
        over = (length - budget) / budget
        budgets.append(budget)
        rewards.append(max(0.5 - 0.5 * over, 0.1) if right else min(0.9 * over - 0.1, -0.1))
    return budgets, rewards


def o1_pruner(batch: Batch, accuracy_weight: float) -> list[float]:
    rows = list(
        zip(*(column.tolist() for column in (batch.groups, batch.known, batch.correct, batch.lengths)), strict=True)
    )
    weights = []
    for group, known, right, length in rows:
        graded = [(ok, tokens) for other, counts, ok, tokens in rows if other == group and counts]
        if not known:
            weights.append(0.0)
            continue
        shorter = (fmean(tokens for _, tokens in graded) - length) / length
        better = right - fmean(ok for ok, _ in graded)
        weights.append(min(max(shorter + accuracy_weight * better, -2.0), 4.0))
    return weights


def on_parts(batch: Batch, of_part: Sequence[Mapping[int, float]]) -> list[list[float]]:
    """What each token of each rollout gets, by the part that it is in; nothing where the part is not named."""
    rows = batch.segments.tolist()
    return [[parts.get(code, 0.0) for code in row] for row, parts in zip(rows, of_part, strict=True)]
