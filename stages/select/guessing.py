"""Problems whose answer can be guessed: what of a pass rate luck explains, and what is dropped for it.

Of m options a guesser hits one in m. The rate without that is (p - 1/m) / (1 - 1/m), the correction for guessing of
classical test theory (Lord and Novick, Statistical Theories of Mental Test Scores, 1968, section 14.2): 1 stays 1, luck
is 0, and below luck it is negative. It is shown beside the rate and chooses nothing: both modes are lifted alike, so
that their difference is what thinking gains in right answers, whatever m is.

One thing luck does choose: a problem that neither mode answers more often than a guesser teaches nothing, though some
response of it is right. It is dropped as `no_better_than_guessing`, as others are that no response is right to.
"""

import polars as pl

from hipo_data.stages.select.policies.policy import Chosen

NO_BETTER = "no_better_than_guessing"


def corrected(rate: float | None, options: int | None) -> float | None:
    """A pass rate without luck; null where there is none, or nothing to guess."""
    if rate is None or options is None:
        return None
    return (rate * options - 1) / (options - 1)


def corrected_column(side: str) -> pl.Expr:
    """`corrected` of the column `p_on` or `p_off`, by the column `options`."""
    rate, options = pl.col(f"p_{side}"), pl.col("options")
    return (rate * options - 1) / (options - 1)


def is_luck(right: int, known: int, options: int) -> bool:
    """Whether so many right ones of the graded are no more than a guesser's."""
    return right * options <= known


def _is_luck(right: str, known: str) -> pl.Expr:
    """`is_luck` of two columns, by the column `options`."""
    return pl.col(right) * pl.col("options") <= pl.col(known)


def lucky_problems(arms: pl.DataFrame, options: pl.DataFrame) -> pl.Series:
    """Ids of the problems whose arms are all no better than a guesser, of those that have a pass rate.

    Args:
        arms: columns `problem_id`, `n`, `right`, `p`.
        options: columns `problem_id`, `options`, null where nothing can be guessed.
    """
    rated = arms.filter(pl.col("p").is_not_null()).join(options.drop_nulls(), on="problem_id", how="inner")
    luck = _is_luck("right", "n").all()
    return rated.group_by("problem_id").agg(luck=luck).filter("luck")["problem_id"]


def without_luck(chosen: Chosen) -> Chosen:
    """The same, with problems dropped whose pass rates are all no better than a guesser's.

    The decisions have a column `options`, null where nothing can be guessed.
    """
    lucky = [pl.col(f"p_{side}").is_null() | _is_luck(f"right_{side}", f"n_{side}") for side in ("on", "off")]
    rated = pl.col("p_on").is_not_null() | pl.col("p_off").is_not_null()
    drops = (pl.col("mode").is_not_null() & rated & pl.all_horizontal(lucky)).fill_null(False)
    values = {"rule": "none", "drop_reason": NO_BETTER, "mode": None, "index": None, "chosen_tokens": None}
    decisions = chosen.decisions.with_columns(
        pl.when(drops).then(pl.lit(value)).otherwise(name).alias(name) for name, value in values.items()
    )
    dropped = chosen.decisions.filter(drops).select("problem_id")
    arms = chosen.arms
    if arms is not None:
        gone = dropped.with_columns(gone=pl.lit(True))
        beside = arms.join(gone, on="problem_id", how="left", maintain_order="left")
        arms = beside.with_columns(pl.col("chosen") & pl.col("gone").is_null()).drop("gone")
    return Chosen(decisions, chosen.picks.join(dropped, on="problem_id", how="anti"), arms)
