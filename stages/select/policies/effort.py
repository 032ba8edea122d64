"""Effort: the lowest of several arms whose pass rate is within δ of the best one's, and its shortest right response.

Arms are ways of asking one question, from cheap to dear: no thinking, levels of effort, budgets, free thinking, larger
models. HiPO's rule (arXiv 2509.23967) is the case of two of them: think-on where it gains more than δ over think-off.

Decided here, with no source: rates differ by δ as `stages.select.boundary` has it, without rounding, and a tie at δ
goes to the lower arm; an arm with fewer than `min_graded` graded rollouts has no rate, and neither wins nor sets the
best. Where the lowest arm within δ has no response to keep, the next one within δ that has one is taken, then the other
arms by their rates, highest first; `select.fallback: drop` leaves the problem out.

`rule: posterior` asks instead which arm the true rates would ask for, by the counts of all arms and a prior fitted to
those of all problems (`stages.select.arm_prior`): the likeliest one, the lower one in a tie, is the choice that is
wrong least often. Without a response to keep it gives way to the next likeliest that has one. Of two arms it is HiPO's
rule posterior. An arm that was right every time is compared with cheaper ones alone, so that no dearer one need be
sampled there.
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


def always_right(min_graded: int) -> pl.Expr:
    """Whether an arm settles its problem under `rule: posterior`: the lowest that was right every time, and has a
    response to keep."""
    rated = pl.col("n") >= max(1, min_graded)
    lowest = pl.col("arm").filter(rated & (pl.col("right") == pl.col("n"))).min().over("problem_id")
    return (pl.col("arm") == lowest).fill_null(False) & pl.col("pick").is_not_null()


def kept_arms(
    arms: pl.LazyFrame, delta: float, fallback: Literal["other_mode", "drop"], by_posterior: bool = False
) -> pl.LazyFrame:
    """The arm that each problem keeps a response of, with its columns and `rule`; no row for one that keeps none.

    Args:
        arms: columns `problem_id`, `arm`, `n`, `right`, `p`, `pick`, and by posterior `p_asked`
            (`stages.select.arm_prior`).
    """
    if by_posterior:
        meant = pl.col("p_asked").is_not_null()
        first = pl.col("arm").sort_by(-pl.col("p_asked"), "arm", nulls_last=True).first().over("problem_id")
        ruled = arms.with_columns(within=meant, asked=pl.when(meant.any().over("problem_id")).then(first))
        by_rate = pl.when(meant).then(-pl.col("p_asked")).otherwise(-pl.col("p").fill_null(-1))
    else:
        ruled = within_delta(arms, delta).with_columns(asked=pl.col("arm").filter("within").min().over("problem_id"))
        by_rate = pl.when(~pl.col("within")).then(-pl.col("p").fill_null(-1)).fill_null(0)
    is_asked, falls_back = pl.col("arm") == pl.col("asked"), pl.lit(fallback == "other_mode")
    return (
        ruled.filter(pl.col("pick").is_not_null() & pl.col("asked").is_not_null() & (is_asked | falls_back))
        .sort("problem_id", ~pl.col("within"), by_rate, "arm")
        .group_by("problem_id", maintain_order=True)
        .first()
        .with_columns(rule=pl.when(is_asked).then(pl.lit(RULE)).otherwise(pl.lit(FALLBACK)))
        .drop("within", "asked")
    )


def choose(problems: pl.LazyFrame, rollouts: pl.LazyFrame, config: SelectConfig, seed: int) -> Chosen:
    """See `stages.select.policies.policy`; in place of rollouts it takes what they come to by arm (`arm_counts`)."""
    arms = rollouts
    kept = kept_arms(arms, config.delta, config.fallback, config.by_posterior).select(
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
