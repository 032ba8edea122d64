"""What a run answers: the story of a problem, and what other settings would have decided."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from hipo_data.pipeline.from_python.html import as_printed, paragraphs, printed
from hipo_data.pipeline.views.explain import Row, Story
from hipo_data.pipeline.views.printing.explain import print_story
from hipo_data.pipeline.views.printing.whatif import print_answer
from hipo_data.pipeline.views.whatif import Answer


@dataclass(frozen=True)
class Explained:
    """What became of one problem; its text is that of `hipo-data explain`."""

    story: Story

    @property
    def decision(self) -> Row | None:
        """The row of `select`, with `words`, `flip` and `wrong`; null before there is one, and for a refused row."""
        return self.story.decision

    @property
    def rollouts(self) -> list[Row]:
        """Of both modes, each with its verdict."""
        return self.story.rollouts

    @property
    def examples(self) -> list[Row]:
        """Its rows of `justify`."""
        return self.story.examples

    def as_json(self) -> Row:
        """Everything, with all texts in full."""
        return self.story.as_json()

    def __str__(self) -> str:
        return printed(lambda console: print_story(console, self.story, as_json=False))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_printed(str(self))


@dataclass(frozen=True, repr=False)
class Answered:
    """What other settings would have decided."""

    answer: Answer

    @property
    def table(self) -> pl.DataFrame:
        """A row a setting: `n`, `delta`, and the columns that `hipo-data whatif --json` has."""
        rows: list[dict[str, Any]] = [
            row.model_dump() | {"think_on_share": row.think_on_share} for row in self.answer.rows
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    @property
    def remarks(self) -> list[str]:
        """What a reader of the table has to know."""
        return self.answer.remarks

    def __str__(self) -> str:
        return printed(lambda console: print_answer(console, self.answer, as_json=False))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<div>{self.table._repr_html_()}{paragraphs(self.remarks)}</div>"
