"""What an evaluation says of a hybrid model, as pure functions of its rows.

Rows are a frame of one response each, with the columns that a function names. `status` is a verdict, `mode` what a
response shows, null where it shows none, and `tokens` what the model wrote, null where the request failed. A verdict
`unknown` leaves every denominator.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from hipo_data.figures.intervals import Z95, wilson
from hipo_data.schemas.records import Mode, Status

PERCENTILES = (0.5, 0.9, 0.99)

IMPLICIT_THINKING = r"\bWait\b|\bAlternatively\b"
"""Words by which AdaptThink (arXiv 2505.13417) tells that a response thinks outside of its reasoning."""

_NEAR = 1e-9  # shares of rollouts that differ by less are equal up to rounding
_RIGHT = pl.col("status") == Status.CORRECT.value
_GRADED = pl.col("status") != Status.UNKNOWN.value


class _Figure(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Accuracy(_Figure):
    """Right of graded. `mean` and `spread` (with n − 1, null of one seed) are over the seeds' own accuracies."""

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


class Tokens(_Figure):
    """Tokens of responses; null where there are none."""

    responses: int
    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None


class ModeShare(_Figure):
    """Responses by the mode that they show. `ratio_t` is the share of think-on among those that show one."""

    think_on: int
    think_off: int
    neither: int
    ratio_t: float | None


class HybridAccuracy(_Figure):
    """How often the free choice is the mode that forced sampling prefers.

    `problems` had graded responses in both forced modes, `by_length` of them were decided by length, and
    `prefer_think_on` prefer thinking. `choices` are the free responses to them.
    """

    value: float | None
    low: float | None
    high: float | None
    choices: int
    problems: int
    prefer_think_on: int
    by_length: int
    margin: float


class BudgetPoint(_Figure):
    """A budget of tokens. `accuracy` counts longer responses as wrong; `among_shorter` leaves them out."""

    budget: int
    accuracy: float | None
    among_shorter: float | None
    within: float | None
    """Share of the graded responses that the budget holds."""


class Difference(_Figure):
    """B less A over the problems that both have graded responses to, with a 95 % interval."""

    value: float | None
    low: float | None
    high: float | None
    problems: int


def effective_size(right: np.ndarray, graded: np.ndarray) -> float:
    """How many independent responses these are worth: responses to one problem resemble each other.

    n_eff = p(1 − p) / V with V = k/(k − 1) · Σ (right_i − p·graded_i)² / n², the variance of a ratio over k clusters
    (Kish 1965; Korn and Graubard 1998 put n_eff into intervals of shares), no less than k and no more than n. Where all
    responses are right, or all wrong, the spread says nothing and it is k.

    Args:
        right: right responses of each problem, (k,).
        graded: graded responses of each problem, (k,), all above zero.
    """
    k, n = len(graded), float(graded.sum())
    if n == k or k == 1:
        return float(k)
    p = float(right.sum()) / n
    variance = k / (k - 1) * float(((right - p * graded) ** 2).sum()) / n**2
    if p * (1 - p) == 0:
        return float(k)
    return n if variance == 0 else min(max(p * (1 - p) / variance, float(k)), n)


def accuracy(rows: pl.DataFrame) -> Accuracy:
    """Right of graded responses, with a Wilson interval at `effective_size`. Columns `problem_id`, `seed`, `status`."""
    graded = rows.filter(_GRADED)
    share = _share(graded.with_columns(hit=_RIGHT))
    of_seeds = graded.group_by("seed").agg(share=_RIGHT.mean()).sort("seed")
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
    )


def tokens(rows: pl.DataFrame) -> Tokens:
    """Mean and percentiles, interpolated between neighbours. Column `tokens`."""
    lengths = rows["tokens"].drop_nulls().to_numpy()
    if not len(lengths):
        return Tokens(responses=0, mean=None, p50=None, p90=None, p99=None)
    p50, p90, p99 = (float(point) for point in np.quantile(lengths, PERCENTILES))
    return Tokens(responses=len(lengths), mean=float(lengths.mean()), p50=p50, p90=p90, p99=p99)


def mode_share(rows: pl.DataFrame) -> ModeShare:
    """RatioT, the share of think-on (HiPO, arXiv 2509.23967). Column `mode`."""
    on, off = (int((rows["mode"] == mode.value).sum()) for mode in (Mode.THINK_ON, Mode.THINK_OFF))
    return ModeShare(
        think_on=on, think_off=off, neither=rows.height - on - off, ratio_t=on / (on + off) if on + off else None
    )


def hybrid_accuracy(free: pl.DataFrame, forced: pl.DataFrame, margin: float = 0.0) -> HybridAccuracy:
    """The mean of 1[m_p = m_gt] over free responses (LHRM, arXiv 2505.14631).

    m_gt is the forced mode with the higher share of right responses, and where the shares are equal or nearer than
    `margin` the mode with the lower mean of tokens (think-off where those are equal too); m_p is the mode that the
    model chose, which a response without one misses. Problems without a graded response in both forced modes have no
    m_gt and leave the denominator.

    Args:
        free: columns `problem_id`, `mode`, `tokens`; responses that were never written (null `tokens`) choose nothing.
        forced: columns `problem_id`, `forced`, `status`, `tokens`.
        margin: difference of shares, 0 to 1.
    """
    best = preferred_modes(forced, margin)
    choices = (
        free.filter(pl.col("tokens").is_not_null())
        .join(best, on="problem_id", how="inner")
        .with_columns(hit=(pl.col("mode") == pl.col("preferred")).fill_null(False))
    )
    share = _share(choices)
    judged = best.join(choices.select("problem_id").unique(), on="problem_id", how="semi")
    return HybridAccuracy(
        value=share.value,
        low=share.low,
        high=share.high,
        choices=choices.height,
        problems=judged.height,
        prefer_think_on=int((judged["preferred"] == Mode.THINK_ON.value).sum()),
        by_length=int(judged["by_length"].sum()),
        margin=margin,
    )


def preferred_modes(forced: pl.DataFrame, margin: float = 0.0) -> pl.DataFrame:
    """m_gt of `hybrid_accuracy`: columns `problem_id`, `preferred` and `by_length`, sorted by problem."""
    sides = [
        forced.filter(_GRADED & (pl.col("forced") == mode.value))
        .group_by("problem_id")
        .agg(_RIGHT.mean().alias(f"share_{name}"), pl.col("tokens").mean().alias(f"tokens_{name}"))
        for mode, name in ((Mode.THINK_ON, "on"), (Mode.THINK_OFF, "off"))
    ]
    gain = pl.col("share_on") - pl.col("share_off")
    shorter_on = pl.col("tokens_on") < pl.col("tokens_off")
    on = pl.when(pl.col("by_length")).then(shorter_on).otherwise(gain > 0)
    return (
        sides[0]
        .join(sides[1], on="problem_id", how="inner")
        .with_columns(by_length=(gain.abs() <= _NEAR) | (gain.abs() < margin - _NEAR))
        .select(
            "problem_id",
            preferred=pl.when(on).then(pl.lit(Mode.THINK_ON.value)).otherwise(pl.lit(Mode.THINK_OFF.value)),
            by_length="by_length",
        )
        .sort("problem_id")
    )


def implicit_thinking(rows: pl.DataFrame) -> float | None:
    """Share of think-off responses whose answer holds a word of `IMPLICIT_THINKING`; null where there are none.

    AdaptThink, arXiv 2505.13417. Columns `mode`, `answer`; a response without an answer is one without the words.
    """
    off = rows.filter(pl.col("mode") == Mode.THINK_OFF.value)
    return _mean(off["answer"].str.contains(IMPLICIT_THINKING).fill_null(False))


def within_budget(rows: pl.DataFrame, budget: int) -> BudgetPoint:
    """Accuracy under a budget of tokens. Columns `status`, `tokens`.

    `accuracy` is the hard concise accuracy HCA(k) of Constrained CoT (arXiv 2407.19825): the mean of
    1[right] · 1[tokens ≤ k]. `among_shorter` is the accuracy of the responses that the budget holds.
    """
    graded = rows.filter(_GRADED)
    shorter = (graded["tokens"] <= budget).fill_null(False)
    right = graded.select(hit=_RIGHT)["hit"]
    return BudgetPoint(
        budget=budget,
        accuracy=_mean(right & shorter),
        among_shorter=_mean(right.filter(shorter)),
        within=_mean(shorter),
    )


def budget_grid(rows: pl.DataFrame, points: int = 60) -> list[int]:
    """Budgets that grow geometrically from the shortest to the longest graded response; empty where there is none."""
    lengths = rows.filter(_GRADED)["tokens"].drop_nulls()
    if not len(lengths):
        return []
    shortest, longest = (max(float(edge), 1.0) for edge in np.quantile(lengths.to_numpy(), (0, 1)))
    return [int(budget) for budget in np.unique(np.rint(np.geomspace(shortest, longest, points)).astype(np.int64))]


def efficiency_curve(rows: pl.DataFrame, budgets: Sequence[int] | None = None) -> list[BudgetPoint]:
    """`within_budget` over budgets in ascending order, those of `budget_grid` unless others are given.

    It rises to the plain accuracy once a budget holds the longest response.
    """
    return [within_budget(rows, budget) for budget in (budget_grid(rows) if budgets is None else budgets)]


def difficulty_buckets(difficulty: pl.Series) -> pl.Series:
    """Names of difficulties: quarters where all lie in 0 to 1, else the number itself, as benchmarks have levels.

    Null stays null.
    """
    highest = difficulty.drop_nulls().to_numpy().max(initial=0.0)
    if highest > 1:
        return difficulty.round().cast(pl.Int64).cast(pl.String)
    value = pl.col("value")
    quarter = (
        pl.when(value < 0.25).then(pl.lit("0 to 0.25"))
        .when(value < 0.5).then(pl.lit("0.25 to 0.5"))
        .when(value < 0.75).then(pl.lit("0.5 to 0.75"))
        .when(value.is_not_null()).then(pl.lit("0.75 to 1"))
    )  # fmt: skip
    return difficulty.to_frame("value").select(quarter).to_series()


class _Share(NamedTuple):
    hits: int
    problems: int
    value: float | None
    low: float | None
    high: float | None


def _share(rows: pl.DataFrame) -> _Share:
    """The share of `hit`, with its interval, over responses that are alike where `problem_id` is."""
    counted = rows.group_by("problem_id").agg(hits=pl.col("hit").sum(), n=pl.len()).sort("problem_id")
    if counted.is_empty():
        return _Share(0, 0, None, None, None)
    hits, n = counted["hits"].to_numpy().astype(float), counted["n"].to_numpy().astype(float)
    value, size = hits.sum() / n.sum(), effective_size(hits, n)
    low, high = wilson(min(value * size, size), size)
    return _Share(int(hits.sum()), counted.height, float(value), low, high)


def _mean(values: pl.Series) -> float | None:
    return float(values.cast(pl.Float64).to_numpy().mean()) if len(values) else None


def paired_difference(a: pl.DataFrame, b: pl.DataFrame) -> Difference:
    """The accuracy of `b` less that of `a`, problem by problem, so that the problems' own spread cancels.

    d_i is the difference of a problem's shares of right responses; the interval is mean(d) ± 1.96 · std(d)/√k
    (Miller, arXiv 2411.00640), which is for many problems. Columns `problem_id`, `status`.
    """
    shares = [
        rows.filter(_GRADED).group_by("problem_id").agg(_RIGHT.mean().alias(name))
        for name, rows in (("a", a), ("b", b))
    ]
    both = shares[0].join(shares[1], on="problem_id", how="inner").sort("problem_id")
    gains = (both["b"] - both["a"]).to_numpy()
    k = len(gains)
    if k < 2:
        return Difference(value=float(gains.mean()) if k else None, low=None, high=None, problems=k)
    value, half = float(gains.mean()), Z95 * float(gains.std(ddof=1)) / math.sqrt(k)
    return Difference(value=value, low=max(-1.0, value - half), high=min(1.0, value + half), problems=k)
