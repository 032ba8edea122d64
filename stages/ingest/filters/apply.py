"""Applies the rules to a table of drafts: clean first, then refuse."""

from collections.abc import Sequence

import polars as pl

from hipo_data.schemas.config import IngestConfig
from hipo_data.stages.ingest.filters.checks import detail, passes, suspect
from hipo_data.stages.ingest.filters.cleaning import cleaned
from hipo_data.stages.ingest.filters.rules import Rule, running

DETAIL_CHARS = 200


def apply_filters(frame: pl.DataFrame, config: IngestConfig) -> pl.DataFrame:
    """`frame` with its questions cleaned, and what is refused marked.

    Reads the columns `kind`, `question`, `gold`, `licence` (text; null where unknown) and, where they are there,
    `refused` and `refused_detail`, which it adds otherwise: the name of the rule that refuses the row, the first in
    the order of `rules()`, and a sentence of at most 200 characters. Rows that come in refused stay as they are.
    Raises `ValueError` where the config names a rule or a language that there is not.
    """
    cleaning, refusing = running(config.filters, "clean"), running(config.filters, "refuse")
    frame = frame.with_columns(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(pl.String).alias(name)
        for name in ("refused", "refused_detail")
    )
    if not cleaning and not refusing:
        return frame
    at = frame["refused"].is_null().arg_true()
    rows = frame[at].select("kind", "question", "gold", "licence")
    rows = rows.with_columns(cleaned(rows, cleaning))
    marked = _marked(rows, refusing, config)
    changes = [frame[name].scatter(at, marked[name]) for name in ("question", "refused", "refused_detail")]
    return frame.with_columns(changes)


def _marked(rows: pl.DataFrame, refusing: Sequence[Rule], config: IngestConfig) -> pl.DataFrame:
    """`rows` with `refused` and `refused_detail`. What costs more is looked at for the few suspects alone."""
    none = pl.lit(None, pl.String)
    every = rows.lazy().with_columns(suspect(rule, config).alias(f"{rule.name}?") for rule in refusing).collect()
    suspecting = [rule for rule in refusing if every[f"{rule.name}?"].any()]
    at = (
        every.select(pl.any_horizontal(pl.lit(False), *(f"{rule.name}?" for rule in suspecting))).to_series().arg_true()
    )
    suspects = every[at].lazy().with_columns(refused=pl.coalesce(*map(_name, suspecting), none)).collect()
    named = set(suspects["refused"])
    sentences = [
        pl.when(pl.col("refused") == rule.name).then(detail(rule, config)) for rule in suspecting if rule.name in named
    ]
    found = suspects.select("refused", pl.coalesce(*sentences, none).str.slice(0, DETAIL_CHARS).alias("refused_detail"))
    empty = rows.select("question", refused=none, refused_detail=none)
    return empty.with_columns(empty[name].scatter(at, found[name]) for name in found.columns)


def _name(rule: Rule) -> pl.Expr:
    suspected = pl.col(f"{rule.name}?")
    return pl.when(suspected & ~passes(rule, suspected)).then(pl.lit(rule.name))
