"""OpenRLHF: prompts with labels, for its reward functions."""

import polars as pl

from hipo_data.stages.publish.exports.levels import COLUMN


def prompts(problems: pl.DataFrame) -> pl.DataFrame:
    """`prompt`, a list of turns, and `label`, the ground truth: the answer alone for math, the tests as JSON for code.

    Args:
        problems: columns of `stages.publish.tables.RL_SCHEMA`.
    """
    about = pl.col("extra_info").struct
    label = pl.col("reward_model").struct.field("ground_truth").alias("label")
    level = [COLUMN] if COLUMN in problems.columns else []
    return problems.select(about.field("problem_id"), about.field("source_id"), "prompt", label, "ability", *level)
