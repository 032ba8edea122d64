"""One expression language for rows: what SQL allows after WHERE, by Polars, and nothing beyond an expression."""

import re

import polars as pl
from polars.exceptions import ColumnNotFoundError, PolarsError

from hipo_data.schemas.errors import UserError

_QUOTED = re.compile(r'"([^"]*)"')


def matching(rows: pl.LazyFrame, where: str) -> pl.LazyFrame:
    """The rows that `where` holds for, such as `mode = 'think_on' AND completion_tokens > 100`.

    Raises `UserError` where it is no such expression, is neither true nor false, or names a column that is not there.
    """
    try:
        holds = pl.sql_expr(where)
        dtype = rows.select(holds).collect_schema().dtypes()[0]
        found = rows.filter(holds) if dtype == pl.Boolean else rows
        found.head(0).collect()  # says already now whether the types fit
    except ColumnNotFoundError as error:
        unknown = _QUOTED.findall(str(error))[0]
        hint = "" if f'"{unknown}"' not in where else f"; text stands in single quotes, as in '{unknown}'"
        there = ", ".join(rows.collect_schema().names())
        raise UserError(f"--where {where}: there is no column '{unknown}'; there are {there}{hint}") from error
    except PolarsError as error:
        raise wrong(where, error) from error
    if dtype != pl.Boolean:
        raise UserError(f"--where {where} is {dtype}; it has to be true or false for a row, as completion_tokens > 100")
    return found


def wrong(where: str, error: PolarsError) -> UserError:
    """What to tell a user whose `where` Polars refused."""
    said = str(error).splitlines()[0]
    return UserError(
        f"--where {where}: {said}; it takes what SQL has after WHERE, such as rule = 'margin' AND p_on < 1"
    )


def named(rows: pl.LazyFrame, columns: str) -> list[str]:
    """Names with commas between them, as --columns has them. Raises `UserError` where one is no column of `rows`."""
    return _there(rows, [name.strip() for name in columns.split(",")], f"--columns {columns}")


def ordered(rows: pl.LazyFrame, by: str) -> pl.LazyFrame:
    """Sorted by columns with commas between them, those with a minus in front from the largest; nulls come last.

    Raises `UserError` where one is no column of `rows`.
    """
    parts = [part.strip() for part in by.split(",")]
    names = _there(rows, [part.removeprefix("-") for part in parts], f"--sort {by}")
    return rows.sort(names, descending=[part.startswith("-") for part in parts], nulls_last=True, maintain_order=True)


def _there(rows: pl.LazyFrame, names: list[str], asked: str) -> list[str]:
    there = rows.collect_schema().names()
    unknown = [name for name in names if name not in there]
    if unknown:
        raise UserError(f"{asked}: there is no column '{unknown[0]}'; there are {', '.join(there)}")
    return names
