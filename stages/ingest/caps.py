"""Caps: at most so many problems of a kind, whichever come first by id."""

from collections.abc import Sequence

import polars as pl

from hipo_data.schemas.config import Cap


class Caps:
    """Decides on problems that are shown in the order of their ids, part by part.

    Caps apply one after the other: a problem that an earlier cap left out takes no room under a later one. The limit, a
    cap on all problems, is the last.
    """

    def __init__(self, caps: Sequence[Cap], limit: int | None) -> None:
        self._caps = [*caps, Cap(problems=limit)] if limit is not None else list(caps)
        self.left_out = [0] * len(self._caps)
        self._taken = [0] * len(self._caps)

    def keep(self, problems: pl.DataFrame, kept: pl.Series) -> pl.Series:
        """Which of the `kept` problems stay. Reads the columns dataset, kind, domain and difficulty."""
        for number, cap in enumerate(self._caps):
            fits = problems.select(_fits(cap)).to_series() & kept
            room = fits.cum_sum() + self._taken[number] <= cap.problems
            over = fits & ~room
            self.left_out[number] += int(over.sum())
            self._taken[number] += int((fits & room).sum())
            kept = kept & ~over
        return kept


def _fits(cap: Cap) -> pl.Expr:
    """Whether a problem fits all conditions of a cap; one without a difficulty fits no condition on it."""
    conditions = [
        pl.col(name) == value
        for name, value in (("dataset", cap.source), ("kind", cap.kind and cap.kind.value), ("domain", cap.domain))
        if value is not None
    ]
    if cap.difficulty_from is not None:
        conditions.append(pl.col("difficulty") >= cap.difficulty_from)
    if cap.difficulty_to is not None:
        conditions.append(pl.col("difficulty") <= cap.difficulty_to)
    return pl.all_horizontal(pl.repeat(True, pl.len()), *(condition.fill_null(False) for condition in conditions))
