"""What the datasets of a run call its problems themselves, where the recipe says in which column."""

from collections.abc import Sequence

import polars as pl

OWN_ID = "source_id"


def own_ids(problems: pl.LazyFrame) -> pl.LazyFrame | None:
    """`problem_id` and `source_id` of the problems that have one; null where none has.

    Args:
        problems: records of ingest; those of earlier versions have none.
    """
    if not _have_ids(problems):
        return None
    ids = pl.col("sources").list.eval(pl.element().struct.field("id")).list.drop_nulls()
    found = problems.select("problem_id", ids.list.first().alias(OWN_ID)).filter(pl.col(OWN_ID).is_not_null())
    return None if found.head(1).collect(engine="streaming").is_empty() else found


def names(rows: pl.LazyFrame, name: str) -> pl.Expr:
    """Whether one of the `sources` of a row has this own id."""
    if not _have_ids(rows):
        return pl.lit(False)
    return pl.col("sources").list.eval(pl.element().struct.field("id") == name).list.any().fill_null(False)


def _have_ids(rows: pl.LazyFrame) -> bool:
    sources = rows.collect_schema()["sources"]
    assert isinstance(sources, pl.List) and isinstance(sources.inner, pl.Struct)
    return "id" in [field.name for field in sources.inner.fields]


def called(problems: pl.LazyFrame, name: str) -> Sequence[str]:
    """The ids of the problems of which a source row has this own id."""
    found: list[str] = (
        problems.filter(names(problems, name)).select("problem_id").collect(engine="streaming")["problem_id"].to_list()
    )
    return found
