"""Conversations in OpenAI's shape, which most trainers read and `datasets` loads as they are."""

import polars as pl


def messages(examples: pl.DataFrame) -> pl.DataFrame:
    """`messages`, turns of `role` and `content`, with the key and the mode beside them.

    Args:
        examples: columns of `schemas.records.Example`.
    """
    return examples.select("problem_id", "mode", "messages")
