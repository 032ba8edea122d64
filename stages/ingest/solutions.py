"""Golds at the end of solutions: `\\boxed{42}`, `#### 42`, `A: 42`, "the answer is 42"."""

import polars as pl

from hipo_data.graders.math import boxes
from hipo_data.graders.math.extract import found

_MARK = "####"
"""As GSM8K has it, at the start of a line or within one."""


def stated_answer(solution: str) -> str | None:
    """The answer that a solution boxes or announces, by the rules by which responses are read; a short text is one.

    Null where only a last statement or number could be guessed at, which is enough for a response and not for a gold.
    """
    before, mark, after = solution.rpartition(_MARK)
    if mark and boxes.last(after)[0] is None:
        line = next(iter(after.strip().splitlines()), "").strip()
        return line or stated_answer(before)
    answer, guessed = found(solution)
    return None if guessed else answer


def stated_answers(solutions: pl.Series) -> pl.Series:
    """`stated_answer` of each; null stays null."""
    answers = [None if text is None else stated_answer(text) for text in solutions]
    return pl.Series(solutions.name, answers, dtype=pl.String)
