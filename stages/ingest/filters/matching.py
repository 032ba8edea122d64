"""What a rule's patterns find, as Polars expressions. Their columns are `kind`, `question` and `gold`."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

import polars as pl

from hipo_data.stages.ingest.filters.rules import Match, Rule


def applies(rule: Rule) -> pl.Expr:
    """Whether a row is of a kind that the rule is for."""
    return pl.col("kind").is_in([kind.value for kind in rule.kinds])


def contains(text: pl.Expr, patterns: Iterable[str]) -> pl.Expr:
    """Whether any of the patterns is found; never null. As one expression they cost one look at the text."""
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    return text.str.contains(joined).fill_null(False) if joined else pl.lit(False)


def matched(matches: Iterable[Match], question: pl.Expr, gold: pl.Expr) -> pl.Expr:
    """Whether any of `matches` holds; never null."""
    plain = contains(question, [match.question for match in matches if match.question and not match.gold])
    return reduce(or_, (_matched(match, question, gold) for match in matches if match.gold), plain)


def matched_text(matches: Iterable[Match]) -> pl.Expr:
    """A sentence on what the first of `matches` found; null where none holds."""
    return pl.coalesce(_matched_text(match) for match in matches)


def quoted(text: pl.Expr, most: int = 120) -> pl.Expr:
    """The text on one line between quotation marks, cut after `most` characters."""
    line = text.str.replace_all(r"\s+", " ").str.strip_chars()
    cut = pl.when(line.str.len_chars() > most).then(line.str.slice(0, most - 1) + "…").otherwise(line)
    return pl.format('"{}"', cut)


def _matched(match: Match, question: pl.Expr, gold: pl.Expr) -> pl.Expr:
    return contains(question, [match.question or ""]) & contains(gold, [match.gold or ""])


def _matched_text(match: Match) -> pl.Expr:
    where, pattern = ("question", match.question) if match.question else ("gold", match.gold)
    text = pl.col(where).str.extract(pattern or "", 0)
    sentence = pl.format(f"the {where} has {{}}", quoted(text))
    holds = _matched(match, pl.col("question"), pl.col("gold"))
    return pl.when(holds & (text == "")).then(pl.lit(f"the {where} is empty")).when(holds).then(sentence)
