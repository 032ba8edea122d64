"""What a perfect chooser of modes would score on samples that hardly tell the modes apart.

The better mode of a problem is known from a few samples alone, so that even a chooser that always takes it misses the
mode that they prefer, while the accuracy of that mode on the very samples that made it preferred is too high.

Decided here, with no source:

- the pass rates of a problem come from a distribution over pairs of rates, fitted to the counts of all problems by
  expectation-maximisation (a nonparametric prior, after Kiefer and Wolfowitz 1956): 21 rates a mode, evenly spaced in
  arcsin √p from 0 to 1, from equal weights, in `STEPS` steps and with one made-up problem, which smooths;
- pairs of equal rates on that grid are equally often right, and decided by length like equal shares;
- fewer than four samples a mode hardly tell how rates are spread, and few problems do not: then there is no figure.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

FEWEST_SAMPLES, FEWEST_PROBLEMS = 4, 30
"""Graded ones of each mode for most of the problems; problems that have them."""
STEPS = 150
_RATES: NDArray[np.float64] = np.sin(np.pi * np.arange(21) / 40) ** 2
_NEAR = 1e-9

Floats = NDArray[np.float64]


class PerfectChooser(NamedTuple):
    """`score` is its hybrid accuracy. Its accuracy lies from `accuracy_low` to `accuracy_high`."""

    score: float
    accuracy_low: float
    accuracy_high: float


def perfect_chooser(counts: pl.DataFrame, margin: float = 0.0) -> PerfectChooser | None:
    """What a chooser that always takes the mode with the higher rate of right responses would score.

    `score` is the mean of P(best_i = m_gt_i | counts): the better mode by the rates themselves is the one that the
    samples prefer. `accuracy_low` is the accuracy of the mode that is preferred by all samples but one of each mode, on
    the samples left out, the mean over all ways to leave them out (no chooser with samples is better than one that
    knows the rates); `accuracy_high` is that of the preferred mode on all samples, which favours lucky ones.

    Problems with fewer than `FEWEST_SAMPLES` of a mode do not take part. Null where that leaves less than half of them,
    or fewer than `FEWEST_PROBLEMS`.

    Args:
        counts: one problem a row: `right_on`, `n_on`, `right_off`, `n_off` of its graded samples, and `shorter_on`,
            whether think-on is the shorter mode; `weight`, what the problem counts.
        margin: shares nearer than this count as equal.
    """
    enough = counts.filter((pl.col("n_on") >= FEWEST_SAMPLES) & (pl.col("n_off") >= FEWEST_SAMPLES))
    if enough.height < FEWEST_PROBLEMS or 2 * enough.height < counts.height:
        return None
    right_on, n_on, right_off, n_off = (
        enough[name].to_numpy().astype(float) for name in ("right_on", "n_on", "right_off", "n_off")
    )
    shorter_on = enough["shorter_on"].to_numpy()
    weight = enough["weight"].to_numpy().astype(float)
    cells, cell, problems = np.unique(
        np.stack((right_on, n_on, right_off, n_off), axis=1), axis=0, return_inverse=True, return_counts=True
    )
    likelihood = _likelihood(cells[:, 0], cells[:, 1])[:, :, None] * _likelihood(cells[:, 2], cells[:, 3])[:, None, :]
    posterior = _posterior(likelihood, problems)
    best = [_takes_on(_RATES[:, None], _RATES[None, :], np.array(on), margin) for on in (False, True)]
    chances = [(posterior * on).sum(axis=(1, 2))[cell.ravel()] for on in best]
    truly_on = np.where(shorter_on, chances[1], chances[0])
    preferred_on = _takes_on(right_on / n_on, right_off / n_off, shorter_on, margin)
    hits = np.where(preferred_on, truly_on, 1 - truly_on)
    high = np.where(preferred_on, right_on / n_on, right_off / n_off)
    low = _left_out(right_on, n_on, right_off, n_off, shorter_on, margin)
    return PerfectChooser(*(float(np.average(each, weights=weight)) for each in (hits, low, high)))


def corrected(value: float, perfect: float) -> float | None:
    """A hybrid accuracy on the scale on which a perfect chooser has 1 and one that is always wrong has 0.

    (value − (1 − perfect)) / (2 · perfect − 1), no less than 0 and no more than 1. So each problem counts by how well
    its samples tell the modes apart. Null where they hardly do.
    """
    if perfect < 0.55:
        return None
    return min(max((value - (1 - perfect)) / (2 * perfect - 1), 0.0), 1.0)


def _takes_on(on: Floats, off: Floats, shorter_on: NDArray[np.bool_], margin: float) -> NDArray[np.bool_]:
    gain = on - off
    near = (np.abs(gain) <= _NEAR) | (np.abs(gain) < margin - _NEAR)
    return np.where(near, shorter_on, gain > 0)


def _likelihood(right: Floats, n: Floats) -> Floats:
    """Of each rate, up to a factor of the cell, shape (cells, rates)."""
    return np.asarray(_RATES ** right[:, None] * (1 - _RATES) ** (n - right)[:, None])


def _posterior(likelihood: Floats, problems: NDArray[np.int64]) -> Floats:
    """Of pairs of rates, shape (cells, rates on, rates off). A cell stands for so many problems of equal counts."""
    weights = even = np.full(likelihood.shape[1:], 1 / likelihood[0].size)
    for _ in range(STEPS):
        weighed = likelihood * weights
        share = weighed * (problems / weighed.sum(axis=(1, 2)))[:, None, None]
        weights = (share.sum(axis=0) + even) / (problems.sum() + 1)
    weighed = likelihood * weights
    return np.asarray(weighed / weighed.sum(axis=(1, 2), keepdims=True))


def _left_out(
    right_on: Floats, n_on: Floats, right_off: Floats, n_off: Floats, shorter_on: NDArray[np.bool_], margin: float
) -> Floats:
    """The share of right samples among those left out of the choice, a problem each."""
    found = np.zeros_like(right_on)
    for on in (0, 1):  # whether the sample left out is right
        for off in (0, 1):
            chance = np.abs(1 - on - right_on / n_on) * np.abs(1 - off - right_off / n_off)
            takes_on = _takes_on((right_on - on) / (n_on - 1), (right_off - off) / (n_off - 1), shorter_on, margin)
            found += chance * np.where(takes_on, on, off)
    return found
