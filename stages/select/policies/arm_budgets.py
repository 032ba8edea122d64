"""Budgets over arms: the lowest arm within δ of the best, in the words of a prompt that says how much to think.

Which response is kept is `stages.select.policies.effort`. Decided here, with no source: an arm with a budget of N
tokens is asked for as LCPO asks for at most N (L1, arXiv 2503.04697), `Think for maximum N tokens.`; think-off and an
arm without a budget are asked for by no such words. Prompts for reinforcement learning say the budget of the arm that
their problem keeps, and nothing where it keeps none.
"""

from collections.abc import Mapping

import polars as pl

WORDS = "Think for maximum {} tokens."


def with_budgets(picks: pl.LazyFrame, budgets: Mapping[str, int]) -> pl.LazyFrame:
    """Picks with `instruction` and `budget` of their arm, null for one without.

    Args:
        picks: columns of `schemas.records.Pick`.
        budgets: tokens of reasoning by arm.
    """
    budget = pl.col("mode").replace_strict(dict(budgets), default=None, return_dtype=pl.Int64)
    return picks.with_columns(instruction=pl.format(WORDS, budget), budget=budget.cast(pl.Float64))


def instruction(mode: str | None, budgets: Mapping[str, int]) -> tuple[str | None, float | None]:
    """What is added to the question of a problem that keeps this arm, and the budget that it names."""
    budget = None if mode is None else budgets.get(mode)
    return (None, None) if budget is None else (WORDS.format(budget), float(budget))
