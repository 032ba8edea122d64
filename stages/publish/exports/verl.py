"""verl: rows of `MultiTurnSFTDataset`, and of `RLHFDataset`."""

import polars as pl

from hipo_data.stages.publish.exports.levels import COLUMN
from hipo_data.stages.publish.exports.turns import thinks

_RL_COLUMNS = ("data_source", "prompt", "ability", "reward_model", "extra_info")


def sft(examples: pl.DataFrame) -> pl.DataFrame:
    """`messages`, and `enable_thinking`, which verl hands to the chat template row by row.

    Args:
        examples: columns of `schemas.records.Example`.
    """
    return examples.select("problem_id", "mode", "messages", thinks().alias("enable_thinking"))


def rl(problems: pl.DataFrame) -> pl.DataFrame:
    """The columns that verl's trainers and reward functions read. `reward_model.ground_truth` is the answer alone for
    math, whose whole gold is `extra_info.gold`, and the tests as JSON for code. `extra_info` has the level as well,
    where prompts have one.

    Args:
        problems: columns of `stages.publish.tables.RL_SCHEMA`.
    """
    if COLUMN in problems.columns:
        problems = problems.with_columns(pl.col("extra_info").struct.with_fields(pl.col(COLUMN)))
    return problems.select(_RL_COLUMNS)
