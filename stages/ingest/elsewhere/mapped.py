"""Rollouts of any other tool, by the column mapping of the recipe: JSON Lines or Parquet, a row a rollout or a problem.

Where the column of responses holds a list, so do those of reasoning, grades and endings, if they are named.
"""

from collections.abc import Iterator
from typing import Any

from hipo_data.schemas.tables import lookup
from hipo_data.stages.ingest.elsewhere.rollout import (
    Json,
    NotARolloutError,
    Written,
    answered,
    asked,
    ending,
    number,
    response_text,
)

NAME = "table"
TITLE = "rows by `columns`"


def rollouts(row: Json, columns: Any) -> Iterator[Written]:
    """The rollouts of a row. `columns` is the recipe's mapping. Raises `NotARolloutError`."""
    values = dict(row)
    question, found = lookup(values, columns.question), lookup(values, columns.response)
    for name, value in ((columns.question, question), (columns.response, found)):
        if value is None:
            there = ", ".join(list(values)[:12])
            raise NotARolloutError("bad_column", f"column '{name}' is missing or null; the row has {there}")
    several = isinstance(found, list) and not any(isinstance(each, dict) for each in found)
    texts: list[Any] = found if several else [found]
    beside = {
        name: _beside(values, column, len(texts), several)
        for name, column in (("reasoning", columns.reasoning), ("reward", columns.reward), ("ended", columns.ended))
    }
    named = None if columns.rollout is None else lookup(values, columns.rollout)
    task = None if columns.id is None else lookup(values, columns.id)
    model = None if columns.model is None else lookup(values, columns.model)
    for place, text in enumerate(texts):
        ended = ending(beside["ended"][place])
        if text is None:
            raise NotARolloutError("no_response", f"column '{columns.response}' holds null in place {place}")
        yield Written(
            question=asked(question),
            text=response_text(beside["reasoning"][place], answered(text, ended), ended == "length"),
            key=None if named is None else f"{named}-{place}" if several else str(named),
            task=None if task is None else str(task),
            model=None if model is None else str(model),
            ended=ended,
            reward=number(beside["reward"][place]),
        )


def _beside(values: dict[str, Any], column: str | None, count: int, several: bool) -> list[Any]:
    """A value for each response."""
    found = None if column is None else lookup(values, column)
    if not several or found is None:
        return [found] * count
    if not isinstance(found, list) or len(found) != count:
        raise NotARolloutError("bad_column", f"column '{column}' must be a list of {count}, as the responses are")
    return found
