"""Shares of responses, where those to one problem resemble each other."""

from typing import NamedTuple

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from hipo_data.figures.intervals import wilson
from hipo_data.schemas.records import Status

RIGHT = pl.col("status") == Status.CORRECT.value
GRADED = pl.col("status") != Status.UNKNOWN.value
RIGHT_IF_GRADED = pl.when(GRADED).then(RIGHT)
"""Null where the verdict is unknown."""


class Figure(BaseModel):
    """Base of all figures."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Share(NamedTuple):
    """`hits` of responses to so many problems, with a 95 % interval."""

    hits: int
    problems: int
    value: float | None
    low: float | None
    high: float | None


def share_of_hits(rows: pl.DataFrame) -> Share:
    """The share of `hit`, with its interval, over responses that are alike where `problem_id` is."""
    counted = rows.group_by("problem_id").agg(hits=pl.col("hit").sum(), n=pl.len()).sort("problem_id")
    if counted.is_empty():
        return Share(0, 0, None, None, None)
    hits, n = counted["hits"].to_numpy().astype(float), counted["n"].to_numpy().astype(float)
    value, size = hits.sum() / n.sum(), effective_size(hits, n)
    low, high = wilson(min(value * size, size), size)
    return Share(int(hits.sum()), counted.height, float(value), low, high)


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


def mean_of(values: pl.Series) -> float | None:
    """The mean, null of nothing."""
    return float(values.cast(pl.Float64).to_numpy().mean()) if len(values) else None
