"""Skywork/Skywork-OR1-RL-Data: 105,055 math and 14,057 code problems; no licence declared.

| column | holds |
| --- | --- |
| `prompt` | chat turns {content, role}; one user turn, the question |
| `ability` | `math` or `code` |
| `data_source` | where the problem is from, such as `train-math-deepscaler` |
| `reward_model.ground_truth` | the gold as text: a list of acceptable answers (JSON or Python), or JSON for code |
| `extra_info.model_difficulty` | failures in 16 attempts of three distilled models |

Code golds are tests in one of three shapes: `import_prefix`, `test_code` and `entry_point`; `inputs`, `outputs` and
perhaps `fn_name`; `assert_case`. They stay the strings that they are, because Arrow would unite their fields.

A row is refused where its ability is another, where it has not exactly one user turn, or where the gold is missing.
Counts of failures outside 0 to 16 are ignored; the difficulty is the mean failure rate of the others.
"""

import polars as pl
import pyarrow as pa

from hipo_data.schemas.source_config import AdapterConfig
from hipo_data.stages.ingest.adapter import QUESTION, Draft, Refusal, known_kind, text_needed
from hipo_data.stages.ingest.reading.columns import Column

DATASET = "Skywork/Skywork-OR1-RL-Data"
FILES = "data/*.parquet"
CONFIG = AdapterConfig

_ATTEMPTS = 16
_MODELS = [f"DeepSeek-R1-Distill-Qwen-{size}" for size in ("1.5B", "7B", "32B")]


def columns(config: AdapterConfig) -> list[Column]:
    """What is read of a row."""
    return [
        Column("prompt", pa.list_(pa.struct([("content", pa.string()), ("role", pa.string())]))),
        Column("ability"),
        Column("data_source"),
        Column("reward_model.ground_truth"),
        Column("extra_info.model_difficulty", pa.struct([(model, pa.float64()) for model in _MODELS])),
    ]


def draft(config: AdapterConfig) -> Draft:
    """A row as a draft."""
    one_turn = (pl.col("#users").list.len() == 1).fill_null(False) & pl.col(QUESTION).is_not_null()
    return Draft(
        kind=pl.col("ability"),
        question=pl.col("#users").list.first().struct.field("content"),
        gold=pl.col("reward_model.ground_truth"),
        domain=pl.col("data_source"),
        difficulty=_difficulty(),
        refusals=[
            known_kind("ability"),
            Refusal("bad_column", ~one_turn, pl.lit("'prompt' must hold one user turn with text")),
            text_needed("reward_model.ground_truth"),
        ],
        prepared={"#users": pl.col("prompt").list.filter(pl.element().struct.field("role") == "user")},
    )


def _difficulty() -> pl.Expr:
    failures = pl.col("extra_info.model_difficulty")
    counts = [failures.struct.field(model) for model in _MODELS]
    counted = [pl.when(count.is_between(0, _ATTEMPTS)).then(count) for count in counts]
    return pl.mean_horizontal(counted) / _ATTEMPTS
