"""Taking out of a question what is no part of it."""

from collections.abc import Sequence

import polars as pl

from hipo_data.stages.ingest.filters.matching import applies, contains, matched
from hipo_data.stages.ingest.filters.rules import Rule


def cleaned(rows: pl.DataFrame, cleaning: Sequence[Rule]) -> pl.Series:
    """The questions of `rows` (columns `kind`, `question`, `gold`) with nothing left to take out.

    The rules run over a question until none changes it, so that cleaning it once more would do nothing. Only a
    change that makes the question shorter counts, which is why this ends.
    """
    questions = rows["question"]
    rows = rows.select("kind", "question", "gold").with_row_index("at")
    while cleaning and len(rows):
        before, rows = rows["question"], _pass(rows, cleaning)
        shorter = (rows["question"].str.len_bytes() < before.str.len_bytes()).fill_null(False)
        rows = rows.filter(shorter)
        questions = questions.scatter(rows["at"], rows["question"])
    return questions


def _pass(rows: pl.DataFrame, cleaning: Sequence[Rule]) -> pl.DataFrame:
    for rule in cleaning:
        question = pl.when(applies(rule)).then("question")
        at = rows.select(contains(question, [each.pattern for each in rule.replace])).to_series().arg_true()
        rows = rows.with_columns(rows["question"].scatter(at, _replaced(rows[at], rule)))
    return rows


def _replaced(rows: pl.DataFrame, rule: Rule) -> pl.Series:
    question = pl.col("question")
    for replacement in rule.replace:
        question = question.str.replace_all(replacement.pattern, replacement.by)
    left = matched(rule.unless, pl.col("question"), pl.col("gold"))
    return rows.select(pl.when(left).then("question").otherwise(question.str.strip_chars())).to_series()
