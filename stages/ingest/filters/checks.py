"""What each kind of check refuses, and the sentence that says so."""

import polars as pl

from hipo_data.schemas.config import IngestConfig, LicencePolicy
from hipo_data.stages.ingest.filters.language import other_language
from hipo_data.stages.ingest.filters.matching import applies, matched, matched_text, quoted
from hipo_data.stages.ingest.filters.revealed import revealing
from hipo_data.stages.ingest.filters.rules import Rule

_LICENCE = pl.col("licence").str.strip_chars().str.to_lowercase()


def suspect(rule: Rule, config: IngestConfig) -> pl.Expr:
    """Whether a row is refused unless `passes` says otherwise; never null.

    Raises `ValueError` where the config names a language that there is not.
    """
    question, gold = pl.when(applies(rule)).then("question"), pl.when(applies(rule)).then("gold")
    match rule.check:
        case "text":
            return matched(rule.match, question, gold)
        case "length":
            return (question.str.len_chars() > config.max_question_chars).fill_null(False)
        case "language":
            wanted = config.languages
            return pl.lit(False) if wanted is None else other_language(question, wanted).is_not_null()
        case "licence":
            return applies(rule) & _unwelcome(config.licences)


def passes(rule: Rule, suspected: pl.Expr) -> pl.Expr:
    """Which of the suspected rows pass all the same. Kept apart, since it costs more and suspects are few."""
    question, gold = pl.when(suspected).then("question"), pl.when(suspected).then("gold")
    excepted = matched(rule.unless, question, gold)
    return excepted | revealing(_patterns(rule), question, gold).is_null() if rule.captures_gold else excepted


def detail(rule: Rule, config: IngestConfig) -> pl.Expr:
    """A sentence about a row that the rule refuses."""
    question, gold = pl.col("question"), pl.col("gold")
    match rule.check:
        case "text":
            if rule.captures_gold:
                text = quoted(revealing(_patterns(rule), question, gold))
                return pl.format("the question has {}, which is the gold", text)
            return matched_text(rule.match)
        case "length":
            return pl.format(f"{{}} characters, over {config.max_question_chars}", question.str.len_chars())
        case "language":
            wanted = config.languages or []
            return pl.format(
                f"it reads as '{{}}', which is none of {', '.join(wanted)}", other_language(question, wanted)
            )
        case "licence":
            named = pl.format("its licence {} is one that the recipe does not take", quoted(pl.col("licence")))
            return pl.when(_declared()).then(named).otherwise(pl.lit("it declares no licence"))


def _patterns(rule: Rule) -> list[str]:
    return [match.question for match in rule.match if match.question]


def _declared() -> pl.Expr:
    return (_LICENCE.str.len_bytes() > 0).fill_null(False)


def _unwelcome(policy: LicencePolicy) -> pl.Expr:
    unwelcome = _LICENCE.is_in([name.strip().lower() for name in policy.refuse])
    if policy.accept is not None:
        unwelcome = unwelcome | ~_LICENCE.is_in([name.strip().lower() for name in policy.accept])
    return pl.when(_declared()).then(unwelcome).otherwise(pl.lit(policy.undeclared == "refuse"))
