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
from hipo_data.stages.select.prior import CELL, FEWEST, RATES, TOWARDS_EVEN, TOWARDS_RUN, Floats, Priors, fitted, record

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
        return _fit(self._counted)

    @cached_property
    def refitted(self) -> list[Priors]:
        """To counts drawn anew from the same problems; none under the weak prior."""
        if self._weak:
            return []
        draws = np.random.default_rng(0)
        total = int(self._counted["problems"].sum())
        shares = self._counted["problems"].to_numpy() / total
        drawn = (draws.multinomial(total, shares) for _ in range(self.refits))
        return [_fit(self._counted.with_columns(problems=pl.Series(each))) for each in drawn]

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


def _fit(counted: pl.DataFrame) -> Priors:
    bell = (RATES * (1 - RATES)) ** 1.5  # Beta(2, 2) on a grid whose equal weights are Beta(1/2, 1/2)
    start = np.outer(bell, bell) / bell.sum() ** 2
    every = fitted(counted, start, TOWARDS_EVEN, STEPS)
    groups = _groups(counted)
    if len(groups) == 1:
        return Priors((record(groups[0], every),))
    own = [(name, counted.filter(pl.col(GROUP) == name)) for name in groups]
    return Priors(tuple(record(name, fitted(cells, every, TOWARDS_RUN, STEPS)) for name, cells in own))


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
    means, squares = _moments(kept, priors.fitted)
    variance = float(corrected @ (squares - means**2))
    variance += float(kept["held_variance"].sum()) + float(kept["held_alone"].to_numpy() @ (means - squares))
    sums = [float(corrected @ _moments(kept, refit)[0]) for refit in priors.refitted] if corrected.any() else []
    variance += float(np.var(sums, ddof=1)) if len(sums) > 1 else 0.0
    mean = (float(corrected @ means) + float(kept["held_rates"].sum())) / examples
    half = Z95 * math.sqrt(max(0.0, variance)) / examples
    return MeanRate(mean, max(0.0, mean - half), min(1.0, mean + half))


def _moments(kept: pl.DataFrame, priors: Priors) -> tuple[Floats, Floats]:
    """Posterior mean and mean square of the kept mode's rate, a row each."""
    found = priors.expected(kept.select(*CELL_OF_GROUP, "mode"), _FUNCTIONS)
    on = pl.col("mode") == Mode.THINK_ON.value
    of_mode = [pl.when(on).then(f"{name}_on").otherwise(f"{name}_off").alias(name) for name in ("mean", "square")]
    both = found.select(of_mode)
    return both["mean"].to_numpy(), both["square"].to_numpy()
