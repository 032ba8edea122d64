"""Conversations in OpenAI's shape, which most trainers read and `datasets` loads as they are."""

import polars as pl

from hipo_data.stages.publish.exports.levels import COLUMN
from hipo_data.stages.publish.exports.turns import template_switch


def messages(examples: pl.DataFrame) -> pl.DataFrame:
    """`messages`, turns of `role` and `content`, with the key and the mode beside them; `chat_template_kwargs` where
    they tell the level.

    Args:
        examples: columns of `schemas.records.Example`.
    """
    switch = template_switch(examples) if COLUMN in examples.columns else []
    return examples.select("problem_id", "mode", "messages", *switch)
