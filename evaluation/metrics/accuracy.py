"""How often a model is right, and what changed against another evaluation."""

import math

import polars as pl

from hipo_data.evaluation.metrics.shares import GRADED, RIGHT, Figure, share_of_hits
from hipo_data.figures.intervals import Z95


class Accuracy(Figure):
    """Right of graded. `mean` and `spread` (with n − 1, null of one seed) are over the seeds' own accuracies.

    `without_luck`: null where there is no multiple choice; else the mean of 1 for a right response and of −1/(m − 1)
    for a wrong one out of m options (0 for other kinds), which is 0 for a guesser (Lord and Novick 1968, 14.2).
    """

    right: int
    graded: int
    unknown: int
    problems: int
    value: float | None
    low: float | None
    high: float | None
    by_seed: dict[int, float]
    mean: float | None
    spread: float | None
    without_luck: float | None = None


class Difference(Figure):
    """B less A over the problems that both have graded responses to, with a 95 % interval."""

    value: float | None
    low: float | None
    high: float | None
    problems: int


def accuracy(rows: pl.DataFrame) -> Accuracy:
    """Right of graded responses, with a Wilson interval at `effective_size`.

    Columns `problem_id`, `seed`, `status`, and `options` where there are any.
    """
    graded = rows.filter(GRADED)
    share = share_of_hits(graded.with_columns(hit=RIGHT))
    of_seeds = graded.group_by("seed").agg(share=RIGHT.mean()).sort("seed")
    values = of_seeds["share"].to_numpy()
    return Accuracy(
        right=share.hits,
        graded=graded.height,
        unknown=rows.height - graded.height,
        problems=share.problems,
        value=share.value,
        low=share.low,
        high=share.high,
        by_seed={int(seed): float(value) for seed, value in of_seeds.iter_rows()},
        mean=float(values.mean()) if len(values) else None,
        spread=float(values.std(ddof=1)) if len(values) > 1 else None,
        without_luck=_without_luck(graded),
    )


def _without_luck(graded: pl.DataFrame) -> float | None:
    if "options" not in graded.columns or not graded["options"].count():
        return None
    missed = (-1 / (pl.col("options") - 1)).fill_null(0.0)
    return float(graded.select(pl.when(RIGHT).then(1.0).otherwise(missed)).to_series().to_numpy().mean())


def paired_difference(a: pl.DataFrame, b: pl.DataFrame) -> Difference:
    """The accuracy of `b` less that of `a`, problem by problem, so that the problems' own spread cancels.

    d_i is the difference of a problem's shares of right responses; the interval is mean(d) ± 1.96 · std(d)/√k
    (Miller, arXiv 2411.00640), which is for many problems. Columns `problem_id`, `status`.
    """
    shares = [
        rows.filter(GRADED).group_by("problem_id").agg(RIGHT.mean().alias(name)) for name, rows in (("a", a), ("b", b))
    ]
    both = shares[0].join(shares[1], on="problem_id", how="inner").sort("problem_id")
    gains = (both["b"] - both["a"]).to_numpy()
    k = len(gains)
    if k < 2:
        return Difference(value=float(gains.mean()) if k else None, low=None, high=None, problems=k)
    value, half = float(gains.mean()), Z95 * float(gains.std(ddof=1)) / math.sqrt(k)
    return Difference(value=value, low=max(-1.0, value - half), high=min(1.0, value + half), problems=k)
