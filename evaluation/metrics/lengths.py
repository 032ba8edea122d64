"""What responses spend, and what a budget of tokens would leave of the accuracy."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from hipo_data.evaluation.metrics.shares import GRADED, RIGHT, Figure, mean_of

PERCENTILES = (0.5, 0.9, 0.99)


class Tokens(Figure):
    """Tokens of responses; null where there are none."""

    responses: int
    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None


class BudgetPoint(Figure):
    """A budget of tokens. `accuracy` counts longer responses as wrong; `among_shorter` leaves them out."""

    budget: int
    accuracy: float | None
    among_shorter: float | None
    within: float | None
    """Share of the graded responses that the budget holds."""


def tokens(rows: pl.DataFrame) -> Tokens:
    """Mean and percentiles, interpolated between neighbours. Column `tokens`."""
    lengths = rows["tokens"].drop_nulls().to_numpy()
    if not len(lengths):
        return Tokens(responses=0, mean=None, p50=None, p90=None, p99=None)
    p50, p90, p99 = (float(point) for point in np.quantile(lengths, PERCENTILES))
    return Tokens(responses=len(lengths), mean=float(lengths.mean()), p50=p50, p90=p90, p99=p99)


def within_budget(rows: pl.DataFrame, budget: int) -> BudgetPoint:
    """Accuracy under a budget of tokens. Columns `status`, `tokens`.

    `accuracy` is the hard concise accuracy HCA(k) of Constrained CoT (arXiv 2407.19825): the mean of
    1[right] · 1[tokens ≤ k]. `among_shorter` is the accuracy of the responses that the budget holds.
    """
    graded = rows.filter(GRADED)
    shorter = (graded["tokens"] <= budget).fill_null(False)
    right = graded.select(hit=RIGHT)["hit"]
    return BudgetPoint(
        budget=budget,
        accuracy=mean_of(right & shorter),
        among_shorter=mean_of(right.filter(shorter)),
        within=mean_of(shorter),
    )


def budget_grid(rows: pl.DataFrame, points: int = 60) -> list[int]:
    """Budgets that grow geometrically from the shortest to the longest graded response; empty where there is none."""
    lengths = rows.filter(GRADED)["tokens"].drop_nulls()
    if not len(lengths):
        return []
    shortest, longest = (max(float(edge), 1.0) for edge in np.quantile(lengths.to_numpy(), (0, 1)))
    return [int(budget) for budget in np.unique(np.rint(np.geomspace(shortest, longest, points)).astype(np.int64))]


def efficiency_curve(rows: pl.DataFrame, budgets: Sequence[int] | None = None) -> list[BudgetPoint]:
    """`within_budget` over budgets in ascending order, those of `budget_grid` unless others are given.

    It rises to the plain accuracy once a budget holds the longest response.
    """
    return [within_budget(rows, budget) for budget in (budget_grid(rows) if budgets is None else budgets)]
