"""nvidia/AceReason-Math: 49,585 math problems, CC-BY-4.0.

| column | holds |
| --- | --- |
| `problem` | the question |
| `answer` | the gold as text: LaTeX, a fraction or an integer |

A row is refused where either is missing or no text. There are no ids; a problem is found again by its line.
"""

import polars as pl

from hipo_data.schemas.records import Kind
from hipo_data.schemas.source_config import AdapterConfig
from hipo_data.stages.ingest.adapter import Draft, text_needed
from hipo_data.stages.ingest.reading.columns import Column

DATASET = "nvidia/AceReason-Math"
FILES = "math.jsonl"
CONFIG = AdapterConfig


def columns(config: AdapterConfig) -> list[Column]:
    """What is read of a row."""
    return [Column("problem"), Column("answer")]


def draft(config: AdapterConfig) -> Draft:
    """A row as a draft."""
    return Draft(
        kind=pl.lit(Kind.MATH.value),
        question=pl.col("problem"),
        gold=pl.col("answer"),
        refusals=[text_needed("problem"), text_needed("answer")],
    )
