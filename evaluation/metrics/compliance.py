"""Whether responses keep to budgets of tokens, by how much they miss them, and what is right within them."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from hipo_data.evaluation.metrics.lengths import within_budget
from hipo_data.evaluation.metrics.shares import Figure


class Compliance(Figure):
    """Responses and a budget of tokens. `over` is the share of those longer than it; the rest of those is null of none.

    `excess` is what the longer ones have beyond the budget on average, `excess_p90` and `excess_most` their tail.
    `accuracy` counts longer responses as wrong; `among_shorter` leaves them out.
    """

    budget: int
    way: str
    difficulty: str | None
    """Null for all of them."""
    responses: int
    over: float | None
    excess: float | None
    excess_p90: float | None
    excess_most: int | None
    accuracy: float | None
    among_shorter: float | None


def compliance(rows: pl.DataFrame, budget: int, way: str, difficulty: str | None = None) -> Compliance:
    """Columns `status`, `tokens`; responses that were never written (null `tokens`) are none."""
    lengths = rows["tokens"].drop_nulls().to_numpy()
    excess = lengths[lengths > budget] - budget
    within = within_budget(rows, budget)
    return Compliance(
        budget=budget,
        way=way,
        difficulty=difficulty,
        responses=len(lengths),
        over=len(excess) / len(lengths) if len(lengths) else None,
        excess=float(excess.mean()) if len(excess) else None,
        excess_p90=float(np.quantile(excess, 0.9)) if len(excess) else None,
        excess_most=int(excess.max()) if len(excess) else None,
        accuracy=within.accuracy,
        among_shorter=within.among_shorter,
    )


def compliances(rows: pl.DataFrame, budgets: Sequence[int], way: str) -> list[Compliance]:
    """Of each budget: all responses, then those of each difficulty, where problems have more than one.

    Column `difficulty`, names.
    """
    names = sorted(name for name in rows["difficulty"].unique().to_list() if name is not None)
    parts = {name: rows.filter(pl.col("difficulty") == name) for name in names} if len(names) > 1 else {}
    return [compliance(part, budget, way, name) for budget in budgets for name, part in {None: rows, **parts}.items()]
