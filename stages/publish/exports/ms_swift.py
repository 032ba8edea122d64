"""ms-swift: prompts for `swift rlhf`. Its conversations are those of `stages.publish.exports.plain`."""

import polars as pl

from hipo_data.stages.publish.exports.levels import COLUMN


def prompts(problems: pl.DataFrame) -> pl.DataFrame:
    """`messages`, the prompt, and `solution`, the answer in a box, which its reward `accuracy` takes: math alone.

    `chat_template_kwargs` tells a level that the prompt does not; ms-swift hands it to the template row by row.

    Args:
        problems: columns of `stages.publish.tables.RL_SCHEMA`.
    """
    about = pl.col("extra_info").struct
    math = problems.filter(pl.col("solution").is_not_null())
    level = []
    if COLUMN in problems.columns:
        told = pl.col("prompt").list.first().struct.field("role") == "system"
        level = [pl.when(~told & pl.col(COLUMN).is_not_null()).then(pl.struct(COLUMN)).alias("chat_template_kwargs")]
    return math.select(
        about.field("problem_id"), about.field("source_id"), pl.col("prompt").alias("messages"), "solution", *level
    )
