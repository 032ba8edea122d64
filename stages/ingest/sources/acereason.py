"""nvidia/AceReason-Math: 49,585 math problems, CC-BY-4.0.

| column | holds |
| --- | --- |
| `problem` | the question |
| `answer` | the gold as text: LaTeX, a fraction or an integer |

A row is refused where either is missing or no text. There are no ids; a problem is found again by its line.
"""

import polars as pl

from hipo_data.schemas.config import AceReasonSource
from hipo_data.schemas.records import Kind
from hipo_data.stages.ingest.sources.adapter import Draft, text_needed
from hipo_data.stages.ingest.sources.columns import Column

DATASET = "nvidia/AceReason-Math"
FILES = "math.jsonl"


def columns(config: AceReasonSource) -> list[Column]:
    """What is read of a row."""
    return [Column("problem"), Column("answer")]


def draft(config: AceReasonSource) -> Draft:
    """A row as a draft."""
    return Draft(
        kind=pl.lit(Kind.MATH.value),
        question=pl.col("problem"),
        gold=pl.col("answer"),
        refusals=[text_needed("problem"), text_needed("answer")],
    )
