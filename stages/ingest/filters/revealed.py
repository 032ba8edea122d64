"""Whether a question gives its own answer away."""

from collections.abc import Sequence

import polars as pl

from hipo_data.graders.golds import GoldError, parse_gold
from hipo_data.schemas.gold import MathGold
from hipo_data.schemas.records import Kind

_STYLE = r"\\(?:boxed|mathrm|text|textbf|mathbf|rm|bf|displaystyle|left|right|quad|qquad)\b|\\[,;:! ]|[\s$~*]"
_AROUND = ".(){}[]"


def revealing(patterns: Sequence[str], question: pl.Expr, gold: pl.Expr) -> pl.Expr:
    """The text whose first group, by one of `patterns`, is an answer of the gold; null where there is none.

    Two answers are the same when only style, spaces, case, and stops and brackets around them tell them apart.
    """

    def of_rows(rows: pl.Series) -> pl.Series:
        given = pl.DataFrame(rows.alias("row")).with_row_index("at").drop_nulls().unnest("row")
        texts = pl.concat(_texts(given, pattern) for pattern in patterns)
        asked = given.join(texts, on="at", how="semi")
        golds = pl.Series([_answers(gold) for gold in asked["gold"]], dtype=pl.List(pl.String))
        answers = asked.select("at", answer=golds).explode("answer").with_columns(_plain(pl.col("answer")))
        found = texts.join(answers, on=["at", "answer"], how="semi")
        first = found.unique("at", keep="first", maintain_order=True)
        return pl.repeat(None, len(rows), dtype=pl.String, eager=True).scatter(first["at"], first["text"])

    both = pl.struct(question.alias("question"), gold.alias("gold"))
    present = pl.when(question.is_not_null() & gold.is_not_null()).then(both)
    return present.map_batches(of_rows, return_dtype=pl.String, is_elementwise=True)


def _texts(given: pl.DataFrame, pattern: str) -> pl.DataFrame:
    """What the pattern finds: `at`, `text`, and its first group as `answer`, in the form that is compared."""
    texts = given.select("at", text=pl.col("question").str.extract_all(pattern)).explode("text").drop_nulls()
    return texts.with_columns(answer=_plain(pl.col("text").str.extract(pattern, 1))).filter(pl.col("answer") != "")


def _answers(gold: str) -> list[str]:
    try:
        parsed = parse_gold(Kind.MATH, gold)
    except GoldError:  # without an answer there is none to reveal; that the gold is unusable is found elsewhere
        return []
    return parsed.answers if isinstance(parsed, MathGold) else []


def _plain(answer: pl.Expr) -> pl.Expr:
    plain = answer.str.replace_all(r"\\[dt]frac", r"\frac").str.replace_all(_STYLE, "")
    return plain.str.strip_chars(_AROUND).str.to_lowercase()
