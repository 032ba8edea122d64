"""A prior over the pass rates of several arms, and by it the arm that the true rates would ask for.

A table over K rates at once has 64^K cells, which no run fills. What is fitted instead is a chain: the rate of each arm
hangs on that of the arm before it, from cheap to dear, by a table for each two neighbours (`stages.select.prior`), all
of them together by expectation-maximisation with the forward-backward recursion of Baum and others (Annals of
Mathematical Statistics 41, 1970, 164-171). Two arms have one table, which is that of the rule posterior of HiPO; K
independent priors would forget that who solves a problem in one arm mostly solves it in the next.

The arm that a problem's true rates ask for is the lowest within δ of the best one (`policies.effort`). Its posterior
probability is a sum over the highest rate m: all arms are at m or below, those before it below m - δ. Each of these is
a box, and the probability of a box under a chain is a product of matrices: exact, nothing is drawn.

Decided here, with no source: a table for which too few problems have counts of both neighbours stays Jeffreys' (any
rate after any other one); and where an arm was right every time, dearer ones count as not sampled, as no prior is asked
whether something is better than that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hipo_data.schemas.records import Prior
from hipo_data.stages.select import prior as pair
from hipo_data.stages.select.boundary import decimal
from hipo_data.stages.select.prior import (
    FEWEST,
    FEWEST_OF_SOURCE,
    LEAST_GAIN,
    RATES,
    RUN,
    SOURCE,
    STEPS,
    TOWARDS_EVEN,
    TOWARDS_RUN,
    WEAK,
    Floats,
    Ints,
    Priors,
    likelihood,
)

VERSION = "1"

_DIGITS = 12
_CELLS = 20_000
"""So many cells are looked at together."""
_SIZE = len(RATES)


@dataclass(frozen=True, eq=False)
class Chain:
    """Rates of K arms.

    Attributes:
        first: weights of `RATES` of the cheapest arm, shape (64,), summing to 1.
        steps: of each further arm the weights by its rate and that of the arm before, (64, 64), columns summing to 1.
    """

    first: Floats
    steps: tuple[Floats, ...]

    @classmethod
    def of(cls, tables: Sequence[Floats]) -> "Chain":
        """From the weights of pairs of neighbours, by the dearer and the cheaper one."""
        return cls(tables[0].sum(axis=0) / tables[0].sum(), tuple(_columns(table) for table in tables))

    @property
    def tables(self) -> list[Floats]:
        """What `of` takes."""
        found, rates = [], self.first
        for step in self.steps:
            found.append(step * rates)
            rates = found[-1].sum(axis=1)
        return found


def _columns(table: Floats) -> Floats:
    sums = table.sum(axis=0)
    found: Floats = np.where(sums > 0, table, 1.0) / np.where(sums > 0, sums, float(_SIZE))
    return found


def names_of(count: int) -> list[str]:
    """Columns of a table of counts: `r0`, `n0`, `r1` and so on, of the arms from cheap to dear."""
    return [f"{part}{place}" for place in range(count) for part in "rn"]


def wide_counts(arms: pl.DataFrame, count: int, min_graded: int) -> pl.DataFrame:
    """One row a problem, columns `problem_id` and `names_of`: 0 of 0 for an arm that the posterior does not look at.

    Such are those with fewer than `min_graded` graded rollouts, and those dearer than one that was right every time.

    Args:
        arms: columns `problem_id`, `arm`, `n`, `right`.
    """
    rated = arms.filter(pl.col("n") >= max(1, min_graded))
    always = pl.col("arm").filter(pl.col("right") == pl.col("n")).min().over("problem_id")
    looked_at = rated.filter(pl.col("arm") <= always.fill_null(count))
    wide = arms.select("problem_id").unique(maintain_order=True)
    for place in range(count):
        own = looked_at.filter(pl.col("arm") == place)
        own = own.select("problem_id", pl.col("right").alias(f"r{place}"), pl.col("n").alias(f"n{place}"))
        wide = wide.join(own, on="problem_id", how="left", maintain_order="left")
    return wide.with_columns(pl.col(names_of(count)).fill_null(0).cast(pl.Int64))


def arm_cells(arms: pl.DataFrame, sources: pl.DataFrame, count: int, min_graded: int) -> pl.DataFrame:
    """How many problems have the same source and counts: columns `source`, `names_of` and `problems`, sorted.

    Problems whose cheapest arm has no rate are left out, as of two modes (`stages.select.pair_counts`).

    Args:
        arms: columns `problem_id`, `arm`, `n`, `right`.
        sources: columns `problem_id`, `source`.
    """
    key = ["source", *names_of(count)]
    wide = wide_counts(arms, count, min_graded).filter(pl.col("n0") > 0)
    known = sources.select("problem_id", "source").join(wide, on="problem_id", how="inner")
    return known.group_by(key).agg(problems=pl.len().cast(pl.Int64)).sort(key)


def added(counted: Sequence[pl.DataFrame], count: int) -> pl.DataFrame:
    """Sums of `arm_cells`, in the same columns and order."""
    key = ["source", *names_of(count)]
    return pl.concat(counted).group_by(key).agg(pl.col("problems").sum()).sort(key)


def fit_arms(cells: pl.DataFrame, count: int, steps: int = STEPS) -> list[Prior]:
    """The run's prior, or the weak one, and one for each source that has enough problems, by name.

    Args:
        cells: as `arm_cells` returns them; equal cells may come in several rows.
        count: how many arms there are.
        steps: of expectation-maximisation.
    """
    if count == 2:
        return pair.fit(cells.rename({"r0": "right_off", "n0": "n_off", "r1": "right_on", "n1": "n_on"}), steps)
    several = pl.sum_horizontal(pl.col(f"n{place}") > 0 for place in range(count)) > 1
    sizes = cells.filter(several).group_by("source").agg(pl.col("problems").sum()).sort("source")
    of_run = int(sizes["problems"].sum())
    if of_run < FEWEST:
        return [_record(WEAK, None, of_run, _even(count))]
    every = fitted(cells, _even(count), TOWARDS_EVEN, steps)
    found = [_record(RUN, None, of_run, every)]
    for source, size in sizes.iter_rows():
        if source is not None and size >= FEWEST_OF_SOURCE and size < of_run:
            own = fitted(cells.filter(pl.col("source") == source), every, TOWARDS_RUN, steps)
            found.append(_record(f"{SOURCE}{source}", source, size, own))
    return found


def _even(count: int) -> Chain:
    return Chain(np.full(_SIZE, 1 / _SIZE), (np.full((_SIZE, _SIZE), 1 / _SIZE),) * (count - 1))


def fitted(cells: pl.DataFrame, start: Chain, made_up: float, steps: int = STEPS) -> Chain:
    """The chain under which counts are likeliest, after so many steps.

    Args:
        cells: as `fit_arms` takes them.
        start: to begin with, and to draw towards.
        made_up: problems that are distributed as `start` says, beside those of `cells`.
    """
    count = len(start.steps) + 1
    key = names_of(count)
    counted = cells.group_by(key).agg(pl.col("problems").sum()).sort(key)
    problems = counted["problems"].to_numpy().astype(np.float64)
    likely = [table[at] for table, at in _by_arm(counted, count)]
    both = [
        problems @ ((counted[f"n{at}"] > 0) & (counted[f"n{at + 1}"] > 0)).to_numpy() >= FEWEST
        for at in range(count - 1)
    ]
    drawn = [made_up * table for table in start.tables]
    chain = start
    for _ in range(steps):
        joint = [own.copy() for own in drawn]
        for rows in (slice(at, at + _CELLS) for at in range(0, len(problems), _CELLS)):
            for own, expected in zip(
                joint, _expected(chain, [each[rows] for each in likely], problems[rows]), strict=True
            ):
                own += expected
        first = joint[0].sum(axis=0)
        told = zip(joint, start.steps, both, strict=True)
        chain = Chain(first / first.sum(), tuple(_columns(own) if enough else step for own, step, enough in told))
    return chain


def _by_arm(counts: pl.DataFrame, count: int) -> Iterator[tuple[Floats, Ints]]:
    """Of each arm the likelihoods of its distinct counts, shape (k, 64), and where each row's are among them."""
    for place in range(count):
        own = counts.select(f"r{place}", f"n{place}").to_numpy().astype(np.int64)
        distinct, at = np.unique(own, axis=0, return_inverse=True)
        yield likelihood(distinct), at.reshape(-1)


def _expected(chain: Chain, likely: Sequence[Floats], problems: Floats) -> Iterator[Floats]:
    """How many problems each pair of neighbours' rates is expected to have."""
    forward = [chain.first * likely[0]]
    for step, own in zip(chain.steps, likely[1:], strict=True):
        forward.append(forward[-1] @ step.T * own)
    share = problems / forward[-1].sum(axis=1)
    backward = np.ones_like(likely[-1]) * share[:, None]
    found = []
    for at in reversed(range(len(chain.steps))):
        after = backward * likely[at + 1]
        found.append(chain.steps[at] * (after.T @ forward[at]))
        backward = after @ chain.steps[at]
    yield from reversed(found)


def asked_for(counts: pl.DataFrame, chain: Chain, delta: float) -> Floats:
    """The probability that the true rates ask for an arm, shape (rows, K): 0 for an arm with 0 of 0, all of a row 0
    without any other.

    Args:
        counts: columns `names_of`.
    """
    count = len(chain.steps) + 1
    arms = list(_by_arm(counts, count))
    places = np.stack([at for _, at in arms], axis=1)
    rated = np.stack([(counts[f"n{place}"] > 0).to_numpy() for place in range(count)], axis=1)
    of_counts = [table for table, _ in arms]
    looked = [np.zeros(len(table), np.bool_) for table in of_counts]
    for place, own in enumerate(looked):
        own[places[:, place]] = rated[:, place]
    before, after = _Parts.prefixes(places), _Parts.suffixes(places)
    to_less = after.backward(chain, of_counts, looked, 0)
    found = np.zeros((len(places), count))
    least = max(float(decimal(delta)), LEAST_GAIN)
    for best in range(_SIZE):
        near = int(np.sum(RATES[best] - RATES > least))  # rates below this place are more than δ below the best
        ahead = before.forward(chain, of_counts, looked, near)
        to = after.backward(chain, of_counts, looked, best + 1)
        for place in range(count):
            rest = to[place][:, near : best + 1].copy()
            rest[:, : best - near] -= to_less[place][:, near:best]
            window = of_counts[place][:, near : best + 1].take(places[:, place], axis=0)
            start = ahead[place][:, near : best + 1].take(before.at[place], axis=0)
            rest = rest.take(after.at[place], axis=0)
            found[:, place] += np.einsum("cx,cx,cx->c", start, window, rest) * rated[:, place]
        to_less = to
    sums = found.sum(axis=1, keepdims=True)
    shares: Floats = (found / np.where(sums > 0, sums, 1.0)).clip(0, 1)
    return shares


@dataclass(frozen=True)
class _Parts:
    """Counts of the arms before, or after, each arm: those that differ once, so that equal ones are summed once.

    Attributes:
        at: by arm, which of its parts each row has, shape (rows,).
        links: by arm, for each of its parts, the part of the neighbour that it grows from, and the neighbour's counts.
    """

    at: list[Ints]
    links: list[tuple[Ints, Ints]]

    @classmethod
    def prefixes(cls, places: Ints) -> "_Parts":
        at, links = [np.zeros(len(places), np.int64)], []
        for place in range(places.shape[1] - 1):
            parts, own = np.unique(np.stack([at[-1], places[:, place]], axis=1), axis=0, return_inverse=True)
            links.append((parts[:, 0], parts[:, 1]))
            at.append(own.reshape(-1))
        return cls(at, links)

    @classmethod
    def suffixes(cls, places: Ints) -> "_Parts":
        turned = cls.prefixes(places[:, ::-1])
        return cls(turned.at[::-1], turned.links[::-1])

    def forward(
        self, chain: Chain, of_counts: Sequence[Floats], looked: Sequence[NDArray[np.bool_]], cap: int
    ) -> list[Floats]:
        """By arm, weights of its rate for each part: those of the arms before it with these counts, whose rates are
        below the place `cap` where they are looked at."""
        found = [chain.first[None, :]]
        for place, (part, own) in enumerate(self.links):
            step, tables = chain.steps[place].T, (found[-1], of_counts[place])
            found.append(_stepped(tables, (part, own), step, looked[place][own], cap))
        return found

    def backward(
        self, chain: Chain, of_counts: Sequence[Floats], looked: Sequence[NDArray[np.bool_]], cap: int
    ) -> list[Floats]:
        """By arm, for each part the weight of the arms after it by its own rate."""
        found = [np.ones((1, _SIZE))]
        for place in reversed(range(len(chain.steps))):
            part, own = self.links[place]
            tables = found[-1], of_counts[place + 1]
            found.append(_stepped(tables, (part, own), chain.steps[place], looked[place + 1][own], cap))
        return found[::-1]


def _stepped(
    tables: tuple[Floats, Floats], at: tuple[Ints, Ints], step: Floats, looked: NDArray[np.bool_], cap: int
) -> Floats:
    """Products of rows of both tables times `step`: of rates below the place `cap`, of all where not looked at."""
    found = np.empty((len(looked), _SIZE))
    for rows, size in ((np.flatnonzero(looked), cap), (np.flatnonzero(~looked), _SIZE)):
        first, second = (table[:, :size].take(own[rows], axis=0) for table, own in zip(tables, at, strict=True))
        found[rows] = (first * second) @ step[:size]
    return found


def _record(name: str, source: str | None, problems: int, chain: Chain) -> Prior:
    weights = np.stack(chain.tables).round(_DIGITS)
    return Prior(name=name, source=source, problems=problems, weights=weights.ravel().tolist())


@dataclass(frozen=True, eq=False)
class ArmPriors:
    """Those of a run with arms, to be asked about problems."""

    records: tuple[Prior, ...]
    """As `fit_arms` returns them."""

    @cached_property
    def chains(self) -> dict[str, Chain]:
        """By name."""
        return {each.name: Chain.of(list(np.array(each.weights).reshape(-1, _SIZE, _SIZE))) for each in self.records}

    @property
    def count(self) -> int:
        """How many arms there are."""
        return len(self.records[0].weights) // _SIZE**2 + 1

    @property
    def of_run(self) -> str:
        """The name of the prior for problems whose source has none."""
        return self.records[0].name

    def with_asked(self, arms: pl.DataFrame, sources: pl.DataFrame, delta: float, min_graded: int) -> pl.DataFrame:
        """Arms with `p_asked`, the probability that the true rates ask for the arm, null for one that the posterior
        does not look at; and `prior`, the name, and `prior_problems`.

        Args:
            arms: columns `problem_id`, `arm`, `n`, `right`.
            sources: columns `problem_id`, `source`.
        """
        wide = wide_counts(arms, self.count, min_graded)
        named = Priors(self.records).named(
            wide.join(sources.select("problem_id", "source"), on="problem_id", how="left")
        )
        key = ["prior", *names_of(self.count)]
        parts = [pl.DataFrame(schema={**dict.fromkeys(key, pl.Int64), "prior": pl.String})]
        for cells in named.select(key).unique().sort(key).partition_by("prior", maintain_order=True):
            asked = asked_for(cells, self.chains[cells["prior"][0]], delta).round(_DIGITS)
            parts.append(cells.with_columns(pl.Series(f"a{place}", asked[:, place]) for place in range(self.count)))
        known = named.join(pl.concat(parts, how="diagonal"), on=key, how="left", maintain_order="left")
        sizes = {each.name: each.problems for each in self.records}
        of_arm = [
            known.select(
                "problem_id",
                "prior",
                arm=pl.lit(place, pl.Int64),
                p_asked=pl.when(pl.col(f"n{place}") > 0).then(f"a{place}"),
                prior_problems=pl.col("prior").replace_strict(sizes, return_dtype=pl.Int64),
            )
            for place in range(self.count)
        ]
        return arms.join(pl.concat(of_arm), on=["problem_id", "arm"], how="left", maintain_order="left")
