"""How firm a choice between arms is: the probability that sampling the problem once more would choose another arm.

Each arm's rate has Jeffreys' prior, Beta(1/2, 1/2), and its own counts, independently of the other arms; a repetition
has as many graded rollouts. The flip probability is the sum over all outcomes at which the rule chooses another arm or
none: no simulation. The rule stands here once more, over arrays, as millions of outcomes are asked about; tests hold it
against `stages.select.policies.effort`. Under `rule: posterior` it is `arm_posterior_flips`.

Taken as given: right responses are fit to be kept; and an arm that was not sampled is always right, so that of a
problem that was settled early this is the most that the probability can be.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import lgamma, prod
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hipo_data.stages.select.boundary import decimal
from hipo_data.stages.select.log_beta import log_beta

MOST_OUTCOMES = 200_000
"""Of a problem with more outcomes nothing is said: 20 rollouts of four arms are about as many."""

Floats = NDArray[np.float64]
_NONE = -1


def arm_flips(
    arms: pl.DataFrame,
    kept: pl.DataFrame,
    names: Sequence[str],
    delta: float,
    fallback: Literal["other_mode", "drop"],
    min_graded: int,
) -> pl.DataFrame:
    """Columns `problem_id` and `flip`, null where there are too many outcomes; a row for each problem of `arms`.

    Args:
        arms: columns `problem_id`, `mode`, `n`, `right`.
        kept: columns `problem_id`, `mode`: the choice, no row for a problem without one.
        names: of the arms, from cheap to dear.
    """
    wide = arms.select("problem_id").unique(maintain_order=True)
    for place, name in enumerate(names):
        own = arms.filter(pl.col("mode") == str(name))
        counted = own.select("problem_id", pl.col("n").alias(f"n{place}"), pl.col("right").alias(f"r{place}"))
        wide = wide.join(counted, on="problem_id", how="left")
    places = {str(name): place for place, name in enumerate(names)}
    chosen = kept.select("problem_id", chosen=pl.col("mode").replace_strict(places, return_dtype=pl.Int64))
    wide = wide.join(chosen, on="problem_id", how="left").with_columns(pl.col("chosen").fill_null(_NONE))
    key = [*(f"{part}{place}" for place in range(len(names)) for part in "nr"), "chosen"]
    alike = wide.select(key).unique(maintain_order=True)
    flips = [_flip(row[:-1], row[-1], delta, fallback, min_graded) for row in alike.iter_rows()]
    known = alike.with_columns(pl.Series("flip", flips, pl.Float64))
    return wide.join(known, on=key, how="left", nulls_equal=True).select("problem_id", "flip")


def _flip(
    counts: Sequence[int | None], chosen: int, delta: float, fallback: Literal["other_mode", "drop"], min_graded: int
) -> float | None:
    sizes, likely = [], []
    for n, right in zip(counts[::2], counts[1::2], strict=True):
        sizes.append(n)
        likely.append(np.ones(1) if n is None or right is None else _predicted(n, right))
    if prod(len(each) for each in likely) > MOST_OUTCOMES:
        return None
    same = (_outcomes(tuple(sizes), delta, fallback, min_graded) == chosen).astype(np.float64)
    for each in reversed(likely):
        same = same @ each
    return float(min(1.0, max(0.0, 1.0 - float(same))))


@lru_cache(maxsize=4096)
def _predicted(n: int, right: int) -> Floats:
    """Probabilities of 0 to n right ones of n further rollouts, beta-binomial, shape (n + 1,)."""
    a, b = right + 0.5, n - right + 0.5
    logs = [
        lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + log_beta(k + a, n - k + b) - log_beta(a, b)
        for k in range(n + 1)
    ]
    found: Floats = np.exp(np.array(logs))
    return found


@lru_cache(maxsize=256)
def _outcomes(
    sizes: tuple[int | None, ...], delta: float, fallback: Literal["other_mode", "drop"], min_graded: int
) -> NDArray[np.int64]:
    """The place of the arm that the rule chooses, or -1, by right rollouts of each arm, a dimension an arm."""
    shape = tuple(1 if n is None else n + 1 for n in sizes)
    grid = np.indices(shape).reshape(len(sizes), -1)
    n = np.array([1 if size is None else size for size in sizes], np.int64)[:, None]
    right = np.where(np.array([size is None for size in sizes])[:, None], 1, grid)
    rated = n >= max(1, min_graded)
    rated |= np.array([size is None for size in sizes])[:, None]
    rates = np.where(rated, right / np.maximum(n, 1), -1.0)
    best = rates.argmax(axis=0)
    best_right, best_n = np.take_along_axis(right, best[None], 0), n[best, 0][None]
    over, under = decimal(delta).limit_denominator(10**6).as_integer_ratio()
    out = (best_right * n - right * best_n) * under > over * n * best_n
    within = rated & ~out
    lowest = within.argmax(axis=0)
    fit = right > 0
    # Of arms with something to keep: those within δ from the lowest on, then the others by rate.
    place = np.arange(len(sizes))[:, None]
    worth = np.where(within, 2 * len(sizes) + 2.0 - place, rates - place * 1e-9)
    first = np.where(fit, worth, -np.inf).argmax(axis=0)
    found = np.where(fit.any(axis=0) & rated.any(axis=0), first, _NONE)
    if fallback == "drop":
        found = np.where(np.take_along_axis(fit, lowest[None], 0)[0] & within.any(axis=0), lowest, _NONE)
    return found.reshape(shape)
