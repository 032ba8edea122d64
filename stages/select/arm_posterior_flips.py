"""How firm a choice between arms by a fitted prior is: the probability that sampling once more would choose another.

The rates of a problem are as its counts and the run's chain say (`stages.select.arm_prior`); a repetition has as many
graded rollouts of each arm, and of one that was not sampled as many as the most that another one has, since full
sampling would choose alike. The flip probability is the sum over all outcomes at which the rule chooses another arm or
none. It is exact: outcomes are summed arm by arm from the dearest on, for all problems with the same counts of the
dearer arms at once.

Taken as given: right responses are fit to be kept, and the prior stays as it is.
"""

from collections.abc import Sequence
from math import prod
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hipo_data.stages.select.arm_prior import ArmPriors, Chain, asked_for, names_of, wide_counts
from hipo_data.stages.select.flips import binomial
from hipo_data.stages.select.prior import Floats, Priors, likelihood

MOST_OUTCOMES = 20_000
"""Of a problem with more outcomes nothing is said: 10 rollouts of four arms are fewer."""

_NONE = -1


def arm_posterior_flips(
    arms: pl.DataFrame,
    kept: pl.DataFrame,
    names: Sequence[str],
    delta: float,
    fallback: Literal["other_mode", "drop"],
    min_graded: int,
    priors: ArmPriors,
    sources: pl.DataFrame,
) -> pl.DataFrame:
    """Columns `problem_id` and `flip`, null where there are too many outcomes; a row for each problem of `arms`.

    Args:
        arms: columns `problem_id`, `mode`, `arm`, `n`, `right`; `arm` by place among `names`.
        kept: columns `problem_id`, `mode`: the choice, no row for a problem without one.
        names: of the arms, from cheap to dear.
        priors: that the choice was made by.
        sources: columns `problem_id`, `source`.
    """
    count = len(names)
    sizes = [f"s{place}" for place in range(count)]
    wide = wide_counts(arms, count, min_graded)
    most = pl.col("n").max()
    again = arms.group_by("problem_id").agg(
        most.alias("most"),
        *(pl.col("n").filter(pl.col("arm") == place).first().alias(f"s{place}") for place in range(count)),
    )
    wide = wide.join(again, on="problem_id", how="left").with_columns(pl.col(sizes).fill_null(pl.col("most")))
    places = {str(name): place for place, name in enumerate(names)}
    chosen = kept.select("problem_id", chosen=pl.col("mode").replace_strict(places, return_dtype=pl.Int64))
    wide = wide.join(chosen, on="problem_id", how="left").with_columns(pl.col("chosen").fill_null(_NONE))
    named = Priors(priors.records).named(wide.join(sources.select("problem_id", "source"), on="problem_id", how="left"))
    key = ["prior", *sizes, *names_of(count), "chosen"]
    alike = named.select(key).unique().sort(key)
    parts = [alike.clear().with_columns(flip=pl.lit(None, pl.Float64))]
    for own in alike.partition_by("prior", *sizes, maintain_order=True):
        again_sizes = own.select(sizes).row(0)
        flips = np.full(own.height, np.nan)
        if prod(size + 1 for size in again_sizes) <= MOST_OUTCOMES:
            chain = priors.chains[own["prior"][0]]
            outcomes = _outcomes(again_sizes, chain, delta, fallback, min_graded)
            flips = _flips(own, outcomes, chain)
        parts.append(own.with_columns(pl.Series("flip", flips).fill_nan(None)))
    known = pl.concat(parts)
    return named.join(known, on=key, how="left", maintain_order="left").select("problem_id", "flip")


def _outcomes(
    sizes: Sequence[int], chain: Chain, delta: float, fallback: Literal["other_mode", "drop"], min_graded: int
) -> NDArray[np.int64]:
    """The place of the arm that the rule chooses, or -1, by right rollouts of each arm, a dimension an arm."""
    shape = tuple(size + 1 for size in sizes)
    right = np.indices(shape).reshape(len(sizes), -1)
    n = np.broadcast_to(np.array(sizes)[:, None], right.shape)
    rated = n >= max(1, min_graded)
    always = np.where(rated & (right == n), np.arange(len(sizes))[:, None], len(sizes)).min(axis=0)
    looked = rated & (np.arange(len(sizes))[:, None] <= always)
    counts = pl.DataFrame(
        {
            name: np.where(looked[place], each[place], 0)
            for place in range(len(sizes))
            for name, each in ((f"r{place}", right), (f"n{place}", n))
        }
    )
    asked = asked_for(counts, chain, delta).round(12).T
    fit, place = right > 0, np.arange(len(sizes))[:, None]
    rates = np.where(rated, right / np.maximum(n, 1), -1.0)
    worth = np.where(looked, 2.0 + asked, rates)  # those that the posterior looks at, then the others by rate
    order = np.where(fit, worth - place * 1e-13, -np.inf)
    found = np.where(fit.any(axis=0) & rated.any(axis=0), order.argmax(axis=0), _NONE)
    if fallback == "drop":
        first = np.where(looked, worth - place * 1e-13, -np.inf).argmax(axis=0)
        found = np.where(np.take_along_axis(fit, first[None], 0)[0] & rated.any(axis=0), first, _NONE)
    return found.reshape(shape)


def _flips(own: pl.DataFrame, outcomes: NDArray[np.int64], chain: Chain) -> Floats:
    """Of problems whose repetition has the same sizes."""
    count = outcomes.ndim
    counts = own.select(names_of(count)).to_numpy().astype(np.int64).reshape(-1, count, 2)
    likely = [likelihood(counts[:, place]) for place in range(count)]
    chosen = own["chosen"].to_numpy()
    flips = np.zeros(len(counts))
    for outcome in np.unique(chosen):
        rows = np.flatnonzero(chosen == outcome)
        over = np.zeros(len(counts))
        _summed((outcomes != outcome).astype(np.float64), rows, count - 1, counts, likely, chain, over)
        flips[rows] = over[rows]
    every = likely[-1]
    for place in reversed(range(1, count)):
        every = (every @ chain.steps[place - 1]) * likely[place - 1]
    found: Floats = (flips / (every @ chain.first)).clip(0, 1)
    return found


def _summed(
    weights: Floats,
    rows: NDArray[np.int64],
    place: int,
    counts: NDArray[np.int64],
    likely: Sequence[Floats],
    chain: Chain,
    over: Floats,
) -> None:
    """Adds up `weights` over outcomes of the arms up to `place`, into `over`, by row.

    `weights` has a dimension of outcomes for each of them, and behind it one by the rate of the last, but for the
    dearest arm, where nothing is summed yet.
    """
    chances = binomial(weights.shape[place] - 1)
    summed = weights @ chances if weights.ndim == place + 1 else np.einsum("...yx,yx->...x", weights, chances)
    order = np.lexsort(counts[rows, place].T)
    rows = rows[order]
    own = counts[rows, place]
    starts = np.flatnonzero(np.append(True, (own[1:] != own[:-1]).any(axis=1)))
    for part in np.split(rows, starts[1:]):
        seen = summed * likely[place][part[0]]
        if place:
            _summed(seen @ chain.steps[place - 1], part, place - 1, counts, likely, chain, over)
        else:
            over[part] = seen @ chain.first
