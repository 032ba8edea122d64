"""What a run's own counts say about pass rates before a problem is looked at: a prior over pairs of rates.

Empirical Bayes, after Robbins (1956) and Kiefer and Wolfowitz (1956): the distribution of (p_on, p_off) over problems
is the one under which the counts of all problems are likeliest, found on a grid by expectation-maximisation. Each
mode's right rollouts are binomial in its graded ones, so that unknown verdicts and unequal numbers need no care.

Decided here, with no source:

- the grid has 64 rates a mode, evenly spaced in arcsin √p, so that they are dense near 0 and 1 and equal weights are
  Jeffreys' prior, from which the fit starts and which is the *weak* prior where there is too little to fit;
- so many steps and no more, which smooths: the maximum itself has few atoms; one made-up problem keeps all possible;
- a source of enough problems has a prior of its own, drawn towards the run's by a number of made-up problems;
- weights are rounded, so that another order of adding does not become another decision.

The fit reads counts of equal problems, `Cells`, and so depends on no order of work.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hipo_data.schemas.records import Prior
from hipo_data.stages.select.boundary import decimal

VERSION = "1"

CELL = ["source", "right_on", "n_on", "right_off", "n_off"]
"""What problems have in common that count together; with `problems`, how many."""

RATES: NDArray[np.float64] = np.sin(np.pi * (np.arange(64) + 0.5) / 128) ** 2
STEPS = 50
SHOWN_STEPS = 150
"""Of a prior that decides nothing and only says how firm decisions are: there the smoothing shows as a bias."""
TOWARDS_EVEN = 1.0
"""Made-up problems, evenly distributed, that the run's prior is fitted to as well, so that nothing is impossible."""
FEWEST, FEWEST_OF_SOURCE = 30, 300
"""Problems with counts of both modes, from which on there is a prior of the run, and one of a source."""
TOWARDS_RUN = 100.0
"""Made-up problems, distributed as the run's prior says, that a source's prior is fitted to as well."""
WEAK, RUN, SOURCE = "weak", "run", "source "
LEAST_GAIN = 0.01
"""What a true gain has to be more than where δ is less: rates nearer to each other are the same to so few rollouts.
Decided here; near 0 and 1 it is four rates of the grid, and in between less than one."""
_DIGITS = 12
_BLOCK = 1 << 22
"""Numbers of a table of pairs of counts that are looked at together."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def fit(cells: pl.DataFrame, steps: int = STEPS) -> list[Prior]:
    """The run's prior, or the weak one, and one for each source that has enough problems, by name.

    Args:
        cells: columns `CELL` and `problems`, integers but for `source`; equal cells may come in several rows.
        steps: of expectation-maximisation.
    """
    both = pl.col("n_on").gt(0) & pl.col("n_off").gt(0)
    sizes = cells.filter(both).group_by("source").agg(pl.col("problems").sum()).sort("source")
    of_run = int(sizes["problems"].sum())
    if of_run < FEWEST:
        return [_record(WEAK, None, of_run, _even())]
    every = fitted(cells, _even(), TOWARDS_EVEN, steps)
    found = [_record(RUN, None, of_run, every)]
    for source, size in sizes.iter_rows():
        if source is not None and size >= FEWEST_OF_SOURCE and size < of_run:
            own = fitted(cells.filter(pl.col("source") == source), every, TOWARDS_RUN, steps)
            found.append(_record(f"{SOURCE}{source}", source, size, own))
    return found


def fitted(cells: pl.DataFrame, start: Floats, made_up: float, steps: int = STEPS) -> Floats:
    """Weights of the pairs of `RATES`, shape (64, 64) by think-on and think-off, summing to 1.

    Args:
        cells: as `fit` takes them.
        start: weights to begin with, and to draw towards.
        made_up: problems that are distributed as `start` says, beside those of `cells`.
        steps: of expectation-maximisation.
    """
    counted = cells.group_by(CELL[1:]).agg(pl.col("problems").sum()).sort(CELL[1:])
    found: Floats = fitted_each(counted, counted["problems"].to_numpy()[None], start, made_up, steps)[0]
    return found


def fitted_each(counts: pl.DataFrame, problems: Ints, start: Floats, made_up: float, steps: int = STEPS) -> Floats:
    """`fitted` to each of several samples of problems, all at once, shape (samples, 64, 64).

    Args:
        counts: distinct cells, columns `CELL` but for the source, sorted.
        problems: how many of each cell, shape (samples, cells).
        start: as of `fitted`, the same for all or with a first axis of samples.
    """
    samples = len(problems)
    on, at_on = _distinct(counts, "on")
    off, at_off = _distinct(counts, "off")
    likely_on, likely_off = likelihood(on), likelihood(off)
    blocks = [
        (likely_on[rows], at_on[own] - rows.start, at_off[own], problems[:, own].astype(np.float64))
        for rows, own in _blocks(at_on, len(on), len(off), samples)
    ]
    total = sum(found.sum(axis=1) for *_, found in blocks)[:, None, None] + made_up
    weights = np.broadcast_to(start, (samples, *start.shape[-2:]))
    for _ in range(steps):
        expected = np.zeros(weights.shape)
        for rows, i, j, found in blocks:
            shares = np.zeros((samples, len(rows), len(off)))
            shares[:, i, j] = found / (rows @ weights @ likely_off.T)[:, i, j]
            expected += rows.T @ shares @ likely_off
        weights = (weights * expected + made_up * start) / total
    return weights


def _blocks(at_on: Ints, on: int, off: int, tables: int = 1) -> Iterator[tuple[slice, slice]]:
    """Rows of tables of pairs, some at a time, and the cells within them: cells are sorted by think-on's counts."""
    height = max(1, _BLOCK // max(1, off * tables))
    for first in range(0, on, height):
        last = min(on, first + height)
        begin, end = np.searchsorted(at_on, [first, last])
        yield slice(first, last), slice(int(begin), int(end))


def _distinct(cells: pl.DataFrame, side: str) -> tuple[Ints, Ints]:
    """A mode's counts, sorted, shape (k, 2), and where each cell's are among them."""
    counts = cells.select(f"right_{side}", f"n_{side}").to_numpy().astype(np.int64)
    distinct, at = np.unique(counts, axis=0, return_inverse=True)
    return distinct, at.reshape(-1)


def likelihood(counts: Ints) -> Floats:
    """Of each mode's counts under each of `RATES`, up to a factor a row."""
    right, n = counts[:, :1], counts[:, 1:]
    logs = right * np.log(RATES) + (n - right) * np.log1p(-RATES)
    found: Floats = np.exp(logs - logs.max(axis=1, keepdims=True))
    return found


def record(name: str, weights: Floats) -> Prior:
    """A prior for what is said of decisions, fitted elsewhere."""
    return _record(name, None, 0, weights)


def _even() -> Floats:
    return np.full((len(RATES), len(RATES)), len(RATES) ** -2.0)


def _record(name: str, source: str | None, problems: int, weights: Floats) -> Prior:
    return Prior(name=name, source=source, problems=problems, weights=weights.round(_DIGITS).ravel().tolist())


@dataclass(frozen=True, eq=False)
class Priors:
    """Those of a run, to be asked about problems."""

    records: tuple[Prior, ...]
    """As `fit` returns them."""

    @cached_property
    def by_name(self) -> Mapping[str, tuple[int, Floats]]:
        """How many problems a prior was fitted to, and its weights as `fitted` returns them."""
        shape = len(RATES), len(RATES)
        return {each.name: (each.problems, np.array(each.weights).reshape(shape)) for each in self.records}

    @cached_property
    def alone(self) -> Mapping[str, "Priors"]:
        """Each of them as the only one, by name."""
        return {each.name: Priors((each,)) for each in self.records}

    @property
    def of_run(self) -> str:
        """The name of the prior for problems whose source has none."""
        return self.records[0].name

    @classmethod
    def weak(cls) -> "Priors":
        """Jeffreys' alone, fitted to nothing."""
        return cls(
            tuple(fit(pl.DataFrame(schema={"source": pl.String, **dict.fromkeys([*CELL[1:], "problems"], pl.Int64)})))
        )

    def named(self, problems: pl.DataFrame) -> pl.DataFrame:
        """`problems` with `prior`, the name of theirs by `source`, unless all have it."""
        if "prior" in problems.columns and not problems["prior"].has_nulls():
            return problems
        names = {each.source: each.name for each in self.records if each.source is not None}
        source = pl.col("source") if "source" in problems.columns else pl.lit(None, pl.String)
        return problems.with_columns(prior=source.replace_strict(names, default=self.of_run, return_dtype=pl.String))

    def with_gain(self, problems: pl.DataFrame, delta: float) -> pl.DataFrame:
        """`problems` with `prior`, `prior_problems`, and `p_gain`: the probability that p_on - p_off is more than δ.

        Args:
            problems: columns of `CELL`; `prior`, the name, instead of `source` where that is known already.
        """
        sizes = {name: size for name, (size, _) in self.by_name.items()}
        gained = self.expected(self.named(problems), {"p_gain": gaining(delta)})
        return gained.with_columns(
            pl.col("p_gain").round(_DIGITS),
            prior_problems=pl.col("prior").replace_strict(sizes, default=None, return_dtype=pl.Int64),
        )

    def expected(self, problems: pl.DataFrame, of: Mapping[str, Floats]) -> pl.DataFrame:
        """`problems` with the posterior expectation of each function of both rates, as a column of its name.

        Args:
            problems: columns `prior` and the counts of `CELL`.
            of: values at the pairs of `RATES`, shape (64, 64), by think-on and think-off.
        """
        key = ["prior", *CELL[1:]]
        tables = [
            cells.with_columns(pl.Series(name, values, pl.Float64) for name, values in self._expected(cells, of))
            for cells in problems.select(key).unique().sort(key).partition_by("prior", maintain_order=True)
        ]
        empty = problems.select(key).clear().with_columns(pl.lit(None, pl.Float64).alias(name) for name in of)
        return problems.join(pl.concat([empty, *tables]), on=key, how="left", maintain_order="left")

    def _expected(self, cells: pl.DataFrame, of: Mapping[str, Floats]) -> Iterator[tuple[str, Floats]]:
        _, weights = self.by_name[cells["prior"][0]]
        on, at_on = _distinct(cells, "on")
        off, at_off = _distinct(cells, "off")
        likely_on, likely_off = likelihood(on), likelihood(off)
        for name, values in of.items():
            parts = []
            for rows, own in _blocks(at_on, len(on), len(off)):
                over = likely_on[rows] @ (weights * values) @ likely_off.T
                under = likely_on[rows] @ weights @ likely_off.T
                i, j = at_on[own] - rows.start, at_off[own]
                parts.append(over[i, j] / np.where(under[i, j] > 0, under[i, j], 1.0))
            yield name, np.concatenate(parts)


def gaining(delta: float) -> Floats:
    """1 where a pair of `RATES` gains more than δ, and more than `LEAST_GAIN`, else 0, shape (64, 64).

    As strict as the rule (`stages.select.boundary`). Problems that both modes always or never solve gain nothing, but a
    fit smooths what is known of them over pairs of rates nearby, half of which gain a little.
    """
    found: Floats = (RATES[:, None] - RATES[None, :] > max(float(decimal(delta)), LEAST_GAIN)).astype(np.float64)
    return found
