"""Allocation: which problems get further rollouts, where a fixed number of them is to be spent on a shard.

Every problem gets a few rollouts of each mode first. Then come rounds: in each, one in sixteen problems gets further
ones of a mode, those where they are expected to save most wrong decisions, until n a problem are spent in each mode. A
decision is wrong where its mode differs from whether the true gain is more than δ.

The expectation is exact under a prior fitted to the shard's own counts so far (`stages.select.prior`; the weak one for
few problems): after r further verdicts the rule decides anew, so that the probability of a wrong decision then is a sum
over how many of them are right. What counts is how far it falls by rollout, for the best of several r, of a mode or
of both, as one rollout alone often changes no decision. This is the knowledge gradient of Frazier, Powell and Dayanik
(SIAM Journal on Control and Optimization 47, 2008, 2410-2439) with the longer look of Frazier and Powell (Decision
Analysis 7, 2010, 378-403). A problem whose gain lies so close to δ that many rollouts would hardly tell is left alone.

A round is a barrier: it is a function of the counts after all earlier rounds, and of nothing else; ties go by problem
id. So order of work and resumption change nothing. Unknown verdicts say nothing but are paid for: what is expected is
scaled by the share of a problem's rollouts that could be graded.

Posteriors do not lean by what was sampled for which reason, by the likelihood principle. Pass rates lean a little.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.boundary import decimal
from hipo_data.stages.select.policies.hipo import LIKELY
from hipo_data.stages.select.prior import CELL, RATES, Priors, fit, gaining

VERSION = "2"

COUNTED = ["problem_id", "asked_on", "asked_off", "right_on", "n_on", "right_off", "n_off", "drawn"]
"""What `further` reads of a problem: rollouts asked for, graded and right ones of both modes, and whether its mode is
drawn, so that it hangs on no pass rate."""

SHARE = 16
"""One in so many problems gets further rollouts of a mode in a round."""
GROWTH = 16
"""Those get one for so many that they have, and one more."""
LOOKS = (1, 2, 4, 8, 16)
"""Numbers of further rollouts that are looked ahead."""
_DIGITS = 12

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Terms:
    """What is spent, and what decisions are made by."""

    select: SelectConfig
    n_on: int
    """Think-on rollouts a problem, on average over the shard."""
    n_off: int
    """Think-off ones."""
    most: int
    """As many times these a problem gets at most."""

    def count(self, mode: Mode) -> int:
        """Rollouts of a mode, by problem on average."""
        return self.n_on if mode is Mode.THINK_ON else self.n_off

    def first(self, mode: Mode) -> int:
        """Rollouts of a mode that every problem gets before the first round."""
        n = self.count(mode)
        return min(n, max(self.select.min_graded, 1 + n // 4))


def further(counted: pl.DataFrame, terms: Terms) -> dict[Mode, Ints]:
    """How many further rollouts each problem gets in the next round, in the order of rows; all 0 once all is spent.

    Args:
        counted: columns `COUNTED`, one row a problem, after all earlier rounds and nothing else.
    """
    asked = {mode: counted[f"asked_{side}"].to_numpy().astype(np.int64) for mode, side in _SIDES.items()}
    if not any(each.any() for each in asked.values()):
        return {mode: np.full(len(counted), terms.first(mode), np.int64) for mode in Mode}
    left = {mode: terms.count(mode) * len(counted) - int(each.sum()) for mode, each in asked.items()}
    found = {mode: np.zeros(len(counted), np.int64) for mode in Mode}
    if max(left.values()) <= 0:
        return found
    ids = counted["problem_id"].to_list()
    for mode, worth in savings(counted, terms.select).items():
        most = terms.most * terms.count(mode)
        open_ = np.flatnonzero(asked[mode] < most).tolist()
        for at in sorted(open_, key=lambda at: (-worth[at], ids[at]))[: -(-len(ids) // SHARE)]:
            has = int(asked[mode][at])
            found[mode][at] = min(1 + has // GROWTH, most - has, left[mode])
            left[mode] -= int(found[mode][at])
    return found


_SIDES = {Mode.THINK_ON: "on", Mode.THINK_OFF: "off"}


def savings(counted: pl.DataFrame, select: SelectConfig) -> dict[Mode, Floats]:
    """By how much a further rollout of a mode is expected to lower the probability of a wrong decision, by row."""
    by_counts = Savings(_prior(counted), select)
    sizes, at = np.unique(counted.select("n_on", "n_off").to_numpy().astype(np.int64), axis=0, return_inverse=True)
    right_on, right_off = (counted[name].to_numpy().astype(np.int64) for name in ("right_on", "right_off"))
    worth = {mode: np.zeros(len(counted)) for mode in Mode}
    for number, (n_on, n_off) in enumerate(sizes.tolist()):
        rows = np.flatnonzero(at.reshape(-1) == number)
        for mode, table in by_counts.of(n_on, n_off).items():
            worth[mode][rows] = table[right_on[rows], right_off[rows]]
    drawn = counted["drawn"].to_numpy()
    for mode, side in _SIDES.items():
        graded = (counted[f"n_{side}"].to_numpy() + 1) / (counted[f"asked_{side}"].to_numpy() + 1)
        worth[mode] = np.where(drawn, 0.0, (worth[mode] * graded).round(_DIGITS))
    return worth


def _prior(counted: pl.DataFrame) -> Floats:
    cells = counted.with_columns(source=pl.lit(None, pl.String)).group_by(CELL).agg(problems=pl.len().cast(pl.Int64))
    priors = Priors(tuple(fit(cells.sort(CELL))))
    return priors.by_name[priors.of_run][1]


class Savings:
    """What rollouts save under one prior: weights of the pairs of `RATES`, shape (64, 64)."""

    def __init__(self, weights: Floats, select: SelectConfig) -> None:
        self._weights = weights
        self._select = select
        gains = gaining(select.delta)
        self._gaining, self._below = weights * gains, weights * (1 - gains)
        self._known: dict[tuple[int, int], Floats] = {}

    def of(self, n_on: int, n_off: int) -> dict[Mode, Floats]:
        """By rollout of a mode, shape (n_on + 1, n_off + 1), by right rollouts of think-on and think-off."""
        every = _likelihood(n_on) @ self._weights @ _likelihood(n_off).T
        every = np.where(every > 0, every, 1.0)
        now = self._wrong(n_on, n_off) / every

        def saved(on: int, off: int) -> Floats:
            after = _ways(n_on, on) @ self._wrong(n_on + on, n_off + off) @ _ways(n_off, off).T
            found: Floats = (now - after / every) / (on + off)
            return found

        both = [np.zeros_like(now), *(saved(look, look) for look in LOOKS)]
        return {
            Mode.THINK_ON: np.maximum.reduce([*both, *(saved(look, 0) for look in LOOKS)]),
            Mode.THINK_OFF: np.maximum.reduce([*both, *(saved(0, look) for look in LOOKS)]),
        }

    def _wrong(self, n_on: int, n_off: int) -> Floats:
        """Probability of counts together with a wrong decision by them, up to the factors of `_likelihood`."""
        if (n_on, n_off) not in self._known:
            on, off = _likelihood(n_on), _likelihood(n_off)
            gains, none = on @ self._gaining @ off.T, on @ self._below @ off.T
            self._known[n_on, n_off] = np.where(_thinks(gains, none, self._select), none, gains)
        return self._known[n_on, n_off]


def _thinks(gains: Floats, none: Floats, select: SelectConfig) -> NDArray[np.bool_]:
    """Whether the rule lets problems think, by right rollouts of think-on and think-off."""
    n_on, n_off = gains.shape[0] - 1, gains.shape[1] - 1
    right_on, right_off = np.arange(n_on + 1)[:, None], np.arange(n_off + 1)[None, :]
    over, under = decimal(select.delta).limit_denominator(10**9).as_integer_ratio()
    by_rates = (right_on * n_off - right_off * n_on) * under > over * n_on * n_off
    by_prior = (gains > LIKELY * (gains + none)) & ((right_off < n_off) | (n_off == 0))
    found: NDArray[np.bool_] = by_prior if select.by_posterior else by_rates
    return found


@lru_cache(maxsize=512)
def _likelihood(n: int) -> Floats:
    """Of 0 to n right ones of n, under each of `RATES`, shape (n + 1, 64), each row up to the factor `_scale`."""
    logs = _logs(n)
    found: Floats = np.exp(logs - _scale(n)[:, None])
    return found


def _logs(n: int) -> Floats:
    right = np.arange(n + 1)[:, None]
    found: Floats = right * np.log(RATES) + (n - right) * np.log1p(-RATES)
    return found


def _scale(n: int) -> Floats:
    found: Floats = _logs(n).max(axis=1)
    return found


@lru_cache(maxsize=256)
def _ways(n: int, more: int) -> Floats:
    """Shape (n + 1, n + more + 1): by how many were right of n, and are of n + more, in how many orders that comes
    about; in the factors of `_likelihood`."""
    found = np.zeros((n + 1, n + more + 1))
    before, after = _scale(n), _scale(n + more)
    for right in range(n + 1):
        for new in range(more + 1):
            found[right, right + new] = comb(more, new) * np.exp(after[right + new] - before[right])
    return found
