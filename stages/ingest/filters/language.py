"""Which questions are in none of the wanted languages."""

from collections.abc import Collection
from functools import cache
from typing import Any

import polars as pl

# English alone: not "of" (Dutch), "are" (Romanian), "as" (Portuguese), "was" (German), "for" and "find" (Danish).
_ENGLISH_WORD = (
    r"(?:^|[\s(])(?i:and|that|what|which|with|how|from|each|given|number|value|many|much|does|she|they|his|than|there|this"
    r"|then|when|real|integer|return)[\s,.:;?!)]"
)
_ORDERS = "Find|Compute|Evaluate|Simplify|Solve|Factor|Expand|Express|Calculate|Let|If|Given|What is|Solve for"
# "the", two other words, or an order in front of a formula
_ENGLISH = rf"(?s)(?:^|[\s(])[Tt]he[\s,]|{_ENGLISH_WORD}.*?{_ENGLISH_WORD}|^(?:{_ORDERS})[:,]?\s*[\d$\\(|]"
_OTHER_SCRIPT = r"[\p{L}--[\p{Latin}\p{Greek}\p{Common}]]"
_FORMULAS = (
    r"(?s)```.*?```|\[asy\].*?\[/asy\]|\$\$.*?\$\$|\$[^$]*\$|\\\[.*?\\\]|\\\(.*?\\\)"
    r"|\\begin\{.*?\\end\{\w+\*?\}|\\[a-zA-Z]+|https?://\S+"
)
_NO_LETTERS = r"[^\p{L}\p{M}'’]+"
_READ_CHARS = 1_000
_MORE_LIKELY = 30
"""How many times more likely than all wanted languages together another one must be. Of 5,000 problems in English none
came above 9, and of short sentences in other languages few below 80."""


def check_languages(languages: Collection[str]) -> None:
    """Raises `ValueError` where one is not a code of a language that can be told."""
    for language in languages:
        if language not in _detector().labels:
            raise ValueError(
                f"ingest.languages: '{language}' is not the code of a known language; "
                f"the codes are {', '.join(sorted(_detector().labels))}"
            )


def other_language(question: pl.Expr, wanted: Collection[str]) -> pl.Expr:
    """The code of the language that a question is in where that is none of `wanted`, else null.

    English is told by its words and Chinese, Japanese and Korean by their script, in bulk; py3langid looks at what
    remains. A question with hardly any words outside of its formulas is in no language, and passes.
    Raises `ValueError` where a language is unknown.
    """
    check_languages(wanted)
    return question.map_batches(lambda rows: _other(rows, wanted), return_dtype=pl.String, is_elementwise=True)


def _other(questions: pl.Series, wanted: Collection[str]) -> pl.Series:
    frame = pl.DataFrame({"text": questions})
    ascii_only = pl.col("text").str.len_bytes() == pl.col("text").str.len_chars()
    foreign = pl.when(~ascii_only).then("text").str.contains(_OTHER_SCRIPT).fill_null(False)
    english = pl.col("text").str.contains(_ENGLISH) & ~foreign
    language = frame.select(pl.when(english).then(pl.lit("en")).alias("language")).to_series()
    at = (language.is_null() & questions.is_not_null()).arg_true()
    language = language.scatter(at, _told(questions.gather(at), wanted))
    return (
        pl.DataFrame({"language": language})
        .select(pl.when(~pl.col("language").is_in(list(wanted))).then("language"))
        .to_series()
    )


def _told(questions: pl.Series, wanted: Collection[str]) -> pl.Series:
    """The language of each, null where there are too few words or where it may well be a wanted one."""
    prose = questions.str.replace_all(_FORMULAS, " ").str.replace_all(_NO_LETTERS, " ").str.slice(0, _READ_CHARS)
    letters, han, kana, hangul = (
        pl.col("prose").str.count_matches(script)
        for script in (r"\p{L}", r"\p{Han}", r"[\p{Hiragana}\p{Katakana}]", r"\p{Hangul}")
    )
    script = (
        pl.when(hangul * 2 > letters).then(pl.lit("ko"))
        .when((kana > 0) & ((han + kana) * 2 > letters)).then(pl.lit("ja"))
        .when(han * 2 > letters).then(pl.lit("zh"))
    )  # fmt: skip
    told = pl.DataFrame({"prose": prose}).select("prose", script=script)
    at = told["script"].is_null().arg_true()
    guesses = [_guess(text, wanted) for text in told["prose"].gather(at)]
    return told["script"].scatter(at, pl.Series(guesses, dtype=pl.String))


def _guess(text: str, wanted: Collection[str]) -> str | None:
    ranked = _detector().rank(text)
    language, share = ranked[0]
    others = share > _MORE_LIKELY * sum(share for language, share in ranked if language in wanted)
    return language if others else None


@cache
def _detector() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
