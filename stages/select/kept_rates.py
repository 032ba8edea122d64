"""The true pass rate of the kept modes, without the winner's curse: the measured rate that chose a mode is too high.

From rollouts that took no part in the choice, where there are any: their share of right ones leans to neither side.
Elsewhere from the posterior of each problem's rates given its counts, which knows of the choice all that there is to
know, since the choice hangs on nothing but counts (empirical Bayes, as `stages.select.prior`). What the interval holds:

- the spread of each problem's posterior, or the binomial spread of its other rollouts;
- how well the prior is known: the spread of the mean under priors fitted to counts drawn anew (bootstrap).

It is of these problems: what more rollouts of them would come to.

Decided here, with no source: of few rollouts the shape of the prior is hardly known, so that where the fit starts would
show in the mean. So this fit starts from Beta(2, 2) and takes more steps than the one that decides by the posterior.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl

from hipo_data.figures.intervals import Z95
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.prior import (
    CELL,
    FEWEST,
    RATES,
    TOWARDS_EVEN,
    TOWARDS_RUN,
    Floats,
    Ints,
    Priors,
    fitted_each,
    record,
)

STEPS = 300
REFITS = 32
GROUP = "prior"
"""Problems of one group have a prior in common."""
CELL_OF_GROUP = [GROUP, *CELL[1:]]
_FUNCTIONS: Mapping[str, Floats] = {
    f"{name}_{side}": np.broadcast_to(rates**power, (len(RATES), len(RATES)))
    for side, rates in (("on", RATES[:, None]), ("off", RATES[None, :]))
    for name, power in (("mean", 1), ("square", 2))
}
_MEANS = {name: values for name, values in _FUNCTIONS.items() if name.startswith("mean")}


class MeanRate(NamedTuple):
    """A mean over examples, with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class RatePriors:
    """What counts are corrected by.

    Attributes:
        cells: columns `CELL_OF_GROUP` and `problems`, of all problems, kept and dropped; rows may be equal.
        refits: how many priors the bootstrap fits.
    """

    cells: pl.DataFrame
    refits: int = REFITS

    @cached_property
    def fitted(self) -> Priors:
        """Jeffreys' prior where there are fewer than `prior.FEWEST` problems with counts of both modes."""
        if self._weak:
            even = np.full((len(RATES), len(RATES)), len(RATES) ** -2.0)
            return Priors(tuple(record(name, even) for name in _groups(self._counted)))
        return _fit(self._counted, self._counted["problems"].to_numpy()[None])[0]

    @cached_property
    def refitted(self) -> list[Priors]:
        """To counts drawn anew from the same problems; none under the weak prior."""
        if self._weak:
            return []
        draws = np.random.default_rng(0)
        total = int(self._counted["problems"].sum())
        shares = self._counted["problems"].to_numpy() / total
        return _fit(self._counted, np.stack([draws.multinomial(total, shares) for _ in range(self.refits)]))

    def of_kept(self, kept: pl.DataFrame) -> tuple[Floats, Floats, Floats]:
        """Of the kept mode's rate, a row each: posterior mean and mean square, shape (rows,), and the means under the
        refitted priors, shape (refits, rows).

        Args:
            kept: columns `CELL_OF_GROUP`, `mode`; of problems that are among `cells`.
        """
        places = self._counted.select(*CELL_OF_GROUP, place=pl.int_range(pl.len()))
        found = kept.select(*CELL_OF_GROUP, "mode").join(places, on=CELL_OF_GROUP, how="left", maintain_order="left")
        side = np.where(found["mode"] == Mode.THINK_ON.value, 0, 1)
        place = found["place"].to_numpy()
        means, squares, refits = self._moments
        return means[side, place], squares[side, place], refits[:, side, place]

    @cached_property
    def _moments(self) -> tuple[Floats, Floats, Floats]:
        """By think-on, think-off and cell: means and mean squares, shape (2, cells); the former refitted, (refits, 2,
        cells). Of all cells at once: they are asked for under every δ."""
        found = self.fitted.expected(self._counted, _FUNCTIONS)
        means, squares = (found.select(f"{name}_on", f"{name}_off").to_numpy().T for name in ("mean", "square"))
        again = [each.expected(self._counted, _MEANS).select(list(_MEANS)).to_numpy().T for each in self.refitted]
        return means, squares, np.stack(again) if again else np.empty((0, *means.shape))

    @cached_property
    def _counted(self) -> pl.DataFrame:
        return self.cells.group_by(CELL_OF_GROUP).agg(pl.col("problems").sum()).sort(CELL_OF_GROUP)

    @cached_property
    def _weak(self) -> bool:
        both = self._counted.filter(pl.col("n_on") > 0, pl.col("n_off") > 0)
        return int(both["problems"].sum()) < FEWEST

    def corrected(self, problems: pl.DataFrame) -> pl.DataFrame:
        """`problems` with `mean_on`, `square_on`, `mean_off`, `square_off`: posterior moments of the rates.

        Args:
            problems: columns `CELL_OF_GROUP`.
        """
        return self.fitted.expected(problems, _FUNCTIONS)


def _fit(counted: pl.DataFrame, problems: Ints) -> list[Priors]:
    """Those of each of several samples of problems: how many of each row of `counted`, shape (samples, rows)."""
    bell = (RATES * (1 - RATES)) ** 1.5  # Beta(2, 2) on a grid whose equal weights are Beta(1/2, 1/2)
    start = np.outer(bell, bell) / bell.sum() ** 2
    every = _fit_to(counted, problems, start, TOWARDS_EVEN)
    groups = _groups(counted)
    if len(groups) == 1:
        return [Priors((record(groups[0], each),)) for each in every]
    in_group = {name: (counted[GROUP] == name).to_numpy() for name in groups}
    own = [_fit_to(counted.filter(rows), problems[:, rows], every, TOWARDS_RUN) for rows in in_group.values()]
    return [Priors(tuple(map(record, groups, of_sample))) for of_sample in zip(*own, strict=True)]


def _fit_to(counted: pl.DataFrame, problems: Ints, start: Floats, made_up: float) -> Floats:
    """`fitted_each` to rows of which several may have the same counts."""
    cells = counted.select(CELL[1:]).unique().sort(CELL[1:])
    places = cells.with_row_index("cell")
    cell = counted.select(CELL[1:]).join(places, on=CELL[1:], how="left", maintain_order="left")["cell"].to_numpy()
    together = np.stack([np.bincount(cell, each, cells.height) for each in problems]).astype(np.int64)
    return fitted_each(cells, together, start, made_up, STEPS)


def _groups(counted: pl.DataFrame) -> list[str]:
    return sorted(counted[GROUP].unique().to_list())


def mean_rate(kept: pl.DataFrame, priors: RatePriors) -> MeanRate | None:
    """The mean true pass rate of the kept modes; null without any.

    Args:
        kept: one row a group of like examples, columns `CELL_OF_GROUP`, `mode`; `problems`, how many; of those that
            have rollouts which did not choose: `held`, how many; `held_rates`, the sum of their rates;
            `held_variance`, the sum of the rates' estimated variances; `held_alone`, how many have only one such
            rollout, whose variance the counts have to tell.
    """
    examples = int(kept["problems"].sum())
    if not examples:
        return None
    corrected = (kept["problems"] - kept["held"]).to_numpy().astype(np.float64)
    means, squares, refits = priors.of_kept(kept)
    variance = float(corrected @ (squares - means**2))
    variance += float(kept["held_variance"].sum()) + float(kept["held_alone"].to_numpy() @ (means - squares))
    variance += float(np.var(refits @ corrected, ddof=1)) if len(refits) > 1 else 0.0
    mean = (float(corrected @ means) + float(kept["held_rates"].sum())) / examples
    half = Z95 * math.sqrt(max(0.0, variance)) / examples
    return MeanRate(mean, max(0.0, mean - half), min(1.0, mean + half))
