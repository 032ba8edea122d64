"""How sure a difference between two models is that were trained with a few seeds and asked the same problems.

Two things could have come out otherwise: which seeds there were, and which problems. Both models share them, so that
the difference is looked at within each seed and within each problem.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hipo_data.figures.intervals import Z95

Floats = NDArray[np.float64]

DRAWS = 2000
_SEED = 20250923
_NEARLY_NORMAL = 1000


@dataclass(frozen=True)
class Change:
    """A difference with its 95 % interval; where nothing varied in any draw, both ends are the difference."""

    value: float
    low: float
    high: float


def change(before: Floats, after: Floats, strata: NDArray[np.int64], *, relative: bool, draws: int = DRAWS) -> Change:
    """How much higher the mean is after than before: as a difference, or with `relative` as a share of before.

    The standard error is by a bootstrap of both: variances over draws of the seeds and over draws of the problems, in
    each of which both models keep their pairs, are added. Both hold the noise of single responses, which is therefore
    subtracted once, the correction for two-way clusters (Cameron, Gelbach and Miller, 2011). Ours: of S seeds S − 1 are
    drawn, as S would come out too close to each other by (S − 1)/S (Rao and Wu, 1988). Where seeds differ by more than
    single responses explain, the width is Student's t with the degrees of freedom of Satterthwaite (1946), since three
    seeds say little of how far apart seeds are. With one seed the interval is of the problems alone.

    In simulations it held the truth in 91 to 97 % of cases with three and five seeds, in 89 to 97 % with two.

    Args:
        before: (seeds, problems), NaN where there is no figure; row s has the same seed in both models, column p the
            same problem.
        after: the same of the other model.
        strata: (problems,) whose counts were fixed beforehand: problems are drawn within each.
        draws: of each bootstrap, from a generator with a fixed seed.

    Raises `ValueError` where shapes differ or a model has no figure at all, or zero before with `relative`.
    """
    if before.shape != after.shape or before.ndim != 2 or strata.shape != before.shape[1:]:
        raise ValueError(f"shapes {before.shape}, {after.shape} and {strata.shape} are not of the same seeds, problems")
    if np.isnan(before).all() or np.isnan(after).all():
        raise ValueError("there is no figure to compare")
    seeds, problems = before.shape
    old, new = (np.nanmean(each) for each in (before, after))
    if relative and old == 0:
        raise ValueError("the mean before is 0, which nothing is a share of")
    value = float(new / old - 1 if relative else new - old)

    def of(before: Floats, after: Floats) -> Floats:
        # A share to first order: a draw may hold next to nothing of what is divided by.
        return (after - before * (new / old)) / old if relative else after - before

    by_problem = _problem_weights(tuple(strata.tolist()), draws)
    problem = float(np.nanvar(of(_means(before, 0, by_problem), _means(after, 0, by_problem)), ddof=1))
    seed = response = 0.0
    if seeds > 1:
        by_seed = _seed_weights(seeds, draws)
        seed = float(np.nanvar(of(_means(before, 1, by_seed), _means(after, 1, by_seed)), ddof=1))
        single = of(before, after)
        response = _of_responses(single - np.nanmean(single, axis=1, keepdims=True)) / problems
    between = max(seed - response, 0.0)
    variance = problem + between
    if variance == 0:
        return Change(value, value, value)
    loose = problem**2 / max(problems - 1, 1) + (seed**2 / (seeds - 1) if between else 0.0)
    half = _student(variance**2 / loose) * variance**0.5
    return Change(value, value - half, value + half)


def _means(values: Floats, axis: int, weights: Floats) -> Floats:
    """Means of each draw, (draws,): `axis` is summed first, `weights`, (draws, the other axis), count the rest.

    NaN for a draw that holds no figure.
    """
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        found: Floats = (weights @ np.where(known, values, 0.0).sum(axis=axis)) / (weights @ known.sum(axis=axis))
    return found


def _of_responses(values: Floats) -> float:
    """The variance that a problem's mean over the seeds has because its responses differ, averaged over problems."""
    known = (~np.isnan(values)).sum(axis=0)
    several = known > 1
    if not several.any():
        return 0.0
    return float(np.mean(np.nanvar(values[:, several], axis=0, ddof=1) / known[several]))


@lru_cache(maxsize=8)
def _problem_weights(strata: tuple[int, ...], draws: int) -> Floats:
    """How often each problem is drawn, (draws, problems)."""
    generator, places = np.random.default_rng(_SEED), np.array(strata)
    weights = np.zeros((draws, len(places)))
    for stratum in np.unique(places):
        own = np.flatnonzero(places == stratum)
        weights[:, own] = generator.multinomial(len(own), np.full(len(own), 1 / len(own)), size=draws)
    return weights


@lru_cache(maxsize=8)
def _seed_weights(seeds: int, draws: int) -> Floats:
    generator = np.random.default_rng(_SEED)
    found: Floats = generator.multinomial(seeds - 1, np.full(seeds, 1 / seeds), size=draws).astype(np.float64)
    return found


def _student(freedom: float) -> float:
    """The 97.5 % point of Student's t: with x = √ν · tan θ its density is cos(θ)^(ν − 1) but for a factor."""
    if freedom > _NEARLY_NORMAL:
        return Z95
    angles = np.linspace(0, np.pi / 2, 100_001)
    middle = (angles[1:] + angles[:-1]) / 2
    reached = np.concatenate([[0.0], np.cumsum(np.cos(middle) ** (freedom - 1))])
    return float(freedom**0.5 * np.tan(np.interp(0.95, reached / reached[-1], angles)))
