"""Which mode responses show, and whether it is the one that pays."""

import polars as pl

from hipo_data.evaluation.metrics.perfect_chooser import corrected, perfect_chooser
from hipo_data.evaluation.metrics.shares import GRADED, RIGHT, Figure, mean_of, share_of_hits
from hipo_data.schemas.records import Mode

IMPLICIT_THINKING = r"\bWait\b|\bAlternatively\b"
"""Words by which AdaptThink (arXiv 2505.13417) tells that a response thinks outside of its reasoning."""

_NEAR = 1e-9  # shares of rollouts that differ by less are equal up to rounding


class ModeShare(Figure):
    """Responses by the mode that they show. `ratio_t` is the share of think-on among those that show one."""

    think_on: int
    think_off: int
    neither: int
    ratio_t: float | None


class HybridAccuracy(Figure):
    """How often the free choice is the mode that forced sampling prefers.

    `problems` had graded responses in both forced modes, `by_length` of them were decided by length, and
    `prefer_think_on` prefer thinking. `choices` are the free responses to them, and `samples` the mean number of graded
    ones in the forced mode that has fewer. What a perfect chooser would score (`perfect_chooser`), the accuracy that it
    would have, and the hybrid accuracy corrected for that are null where so few samples or problems do not tell.
    """

    value: float | None
    low: float | None
    high: float | None
    choices: int
    problems: int
    prefer_think_on: int
    by_length: int
    margin: float
    samples: float | None = None
    perfect_chooser: float | None = None
    perfect_accuracy_low: float | None = None
    perfect_accuracy_high: float | None = None
    corrected: float | None = None
    corrected_low: float | None = None
    corrected_high: float | None = None


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
    counts = _counts(forced)
    best = _preferred(counts, margin)
    choices = (
        free.filter(pl.col("tokens").is_not_null())
        .join(best, on="problem_id", how="inner")
        .with_columns(hit=(pl.col("mode") == pl.col("preferred")).fill_null(False))
    )
    share = share_of_hits(choices)
    weighed = counts.join(choices.group_by("problem_id").agg(weight=pl.len()), on="problem_id", how="inner")
    judged = best.join(weighed, on="problem_id", how="semi")
    perfect = perfect_chooser(weighed.sort("problem_id"), margin)
    scaled = [
        None if perfect is None or each is None else corrected(each, perfect.score)
        for each in (share.value, share.low, share.high)
    ]
    return HybridAccuracy(
        value=share.value,
        low=share.low,
        high=share.high,
        choices=choices.height,
        problems=judged.height,
        prefer_think_on=int((judged["preferred"] == Mode.THINK_ON.value).sum()),
        by_length=int(judged["by_length"].sum()),
        margin=margin,
        samples=min(float(weighed[name].to_numpy().mean()) for name in ("n_on", "n_off")) if weighed.height else None,
        perfect_chooser=perfect.score if perfect else None,
        perfect_accuracy_low=perfect.accuracy_low if perfect else None,
        perfect_accuracy_high=perfect.accuracy_high if perfect else None,
        corrected=scaled[0],
        corrected_low=scaled[1],
        corrected_high=scaled[2],
    )


def preferred_modes(forced: pl.DataFrame, margin: float = 0.0) -> pl.DataFrame:
    """m_gt of `hybrid_accuracy`: columns `problem_id`, `preferred` and `by_length`, sorted by problem."""
    return _preferred(_counts(forced), margin)


def _preferred(counts: pl.DataFrame, margin: float) -> pl.DataFrame:
    gain = pl.col("right_on") / pl.col("n_on") - pl.col("right_off") / pl.col("n_off")
    on = pl.when(pl.col("by_length")).then(pl.col("shorter_on")).otherwise(gain > 0)
    return (
        counts.with_columns(by_length=(gain.abs() <= _NEAR) | (gain.abs() < margin - _NEAR))
        .select(
            "problem_id",
            preferred=pl.when(on).then(pl.lit(Mode.THINK_ON.value)).otherwise(pl.lit(Mode.THINK_OFF.value)),
            by_length="by_length",
        )
        .sort("problem_id")
    )


def _counts(forced: pl.DataFrame) -> pl.DataFrame:
    """Graded samples of the problems that have some in both modes, and which mode is shorter."""
    sides = [
        forced.filter(GRADED & (pl.col("forced") == mode.value))
        .group_by("problem_id")
        .agg(
            RIGHT.sum().cast(pl.Int64).alias(f"right_{name}"),
            pl.len().cast(pl.Int64).alias(f"n_{name}"),
            pl.col("tokens").mean().alias(f"tokens_{name}"),
        )
        for mode, name in ((Mode.THINK_ON, "on"), (Mode.THINK_OFF, "off"))
    ]
    shorter_on = (pl.col("tokens_on") < pl.col("tokens_off")).fill_null(False)
    return sides[0].join(sides[1], on="problem_id", how="inner").with_columns(shorter_on=shorter_on)


def implicit_thinking(rows: pl.DataFrame) -> float | None:
    """Share of think-off responses whose answer holds a word of `IMPLICIT_THINKING`; null where there are none.

    AdaptThink, arXiv 2505.13417. Columns `mode`, `answer`; a response without an answer is one without the words.
    """
    off = rows.filter(pl.col("mode") == Mode.THINK_OFF.value)
    return mean_of(off["answer"].str.contains(IMPLICIT_THINKING).fill_null(False))
