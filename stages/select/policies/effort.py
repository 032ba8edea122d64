"""Effort: the lowest of several arms whose pass rate is within δ of the best one's, and its shortest right response.

Arms are ways of asking one question, from cheap to dear: no thinking, levels of effort, budgets, free thinking, larger
models. HiPO's rule (arXiv 2509.23967) is the case of two of them: think-on where it gains more than δ over think-off.

Decided here, with no source: rates differ by δ as `stages.select.boundary` has it, without rounding, and a tie at δ
goes to the lower arm; an arm with fewer than `min_graded` graded rollouts has no rate, and neither wins nor sets the
best. Where the lowest arm within δ has no response to keep, the next one within δ that has one is taken, then the other
arms by their rates, highest first; `select.fallback: drop` leaves the problem out.
"""

from typing import Literal

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.boundary import exceeds
from hipo_data.stages.select.policies.policy import Chosen, as_picks, by_cases, why_dropped

MODES = 1
RULE, FALLBACK = "within_delta", "fallback_arm"


def within_delta(arms: pl.LazyFrame, delta: float) -> pl.LazyFrame:
    """Arms with `within`: whether the best rate of the problem exceeds theirs by δ at most. False without a rate.

    Args:
        arms: columns `problem_id`, `arm`, `n`, `right`, `p`.
    """
    rated = arms.filter(pl.col("p").is_not_null())
    # Of quotients of integers below 2**20, equal ones are equal numbers and others are not.
    best = rated.filter(pl.col("p") == pl.col("p").max().over("problem_id")).group_by("problem_id")
    beside = arms.join(
        best.agg(best_right=pl.col("right").first(), best_n=pl.col("n").first()), on="problem_id", how="left"
    )
    out = exceeds(pl.col("best_right"), pl.col("best_n"), pl.col("right"), pl.col("n"), delta)
    return beside.with_columns(within=(pl.col("p").is_not_null() & ~out).fill_null(False)).drop("best_right", "best_n")


def settles(delta: float) -> pl.Expr:
    """Whether an arm of `within_delta` is kept whatever arms that were not sampled would bring: the lowest of its
    problem within δ, within δ of one that is always right, and with a response to keep."""
    lowest = pl.col("arm") == pl.col("arm").filter("within").min().over("problem_id")
    stays = ~exceeds(pl.lit(1), pl.lit(1), pl.col("right"), pl.col("n"), delta)
    return pl.col("within") & lowest & stays & pl.col("pick").is_not_null()


def kept_arms(arms: pl.LazyFrame, delta: float, fallback: Literal["other_mode", "drop"]) -> pl.LazyFrame:
    """The arm that each problem keeps a response of, with its columns and `rule`; no row for one that keeps none.

    Args:
        arms: columns `problem_id`, `arm`, `n`, `right`, `p`, `pick`.
    """
    ruled = within_delta(arms, delta).with_columns(lowest=pl.col("arm").filter("within").min().over("problem_id"))
    is_lowest, falls_back = pl.col("arm") == pl.col("lowest"), pl.lit(fallback == "other_mode")
    by_rate = pl.when(~pl.col("within")).then(-pl.col("p").fill_null(-1)).fill_null(0)
    return (
        ruled.filter(pl.col("pick").is_not_null() & pl.col("lowest").is_not_null() & (is_lowest | falls_back))
        .sort("problem_id", ~pl.col("within"), by_rate, "arm")
        .group_by("problem_id", maintain_order=True)
        .first()
        .with_columns(rule=pl.when(is_lowest).then(pl.lit(RULE)).otherwise(pl.lit(FALLBACK)))
        .drop("within", "lowest")
    )


def choose(problems: pl.LazyFrame, rollouts: pl.LazyFrame, config: SelectConfig, seed: int) -> Chosen:
    """See `stages.select.policies.policy`; in place of rollouts it takes what they come to by arm (`arm_counts`)."""
    arms = rollouts
    kept = kept_arms(arms, config.delta, config.fallback).select(
        "problem_id", "mode", "rule", index="pick", chosen_tokens="pick_tokens"
    )
    facts = arms.group_by("problem_id").agg(
        rated=pl.col("p").is_not_null().any(),
        solved=(pl.col("right") > 0).any(),
        picked=pl.col("pick").is_not_null().any(),
    )
    decided = problems.join(kept, on="problem_id", how="left", validate="1:1")
    decided = decided.join(facts, on="problem_id", how="left", validate="1:1")
    why = by_cases(why_dropped, *(pl.col(name) for name in ("rated", "solved", "picked")))
    why = why.fill_null(pl.lit("preferred_mode_has_none"))
    decisions = decided.with_columns(
        pl.col("rule").fill_null("none"), drop_reason=pl.when(pl.col("mode").is_null()).then(why)
    ).drop("rated", "solved", "picked")
    chosen = arms.join(kept.select("problem_id", "mode", chosen=True), on=["problem_id", "mode"], how="left")
    return Chosen(
        decisions,
        as_picks(kept.select("problem_id", "mode", "index", rank=0, tokens="chosen_tokens")),
        chosen.with_columns(pl.col("chosen").fill_null(False)).sort("problem_id", "arm"),
    )
