"""TRL: conversations for `SFTTrainer`, pairs for `DPOTrainer` and `RewardTrainer`, prompts for `GRPOTrainer`.

Where the format leaves the mode to the chat template, `chat_template_kwargs` holds a row's arguments for it.
"""

import polars as pl

from hipo_data.stages.publish.exports.levels import COLUMN
from hipo_data.stages.publish.exports.turns import template_switch

_KEY = ("problem_id", "mode")


def messages(examples: pl.DataFrame) -> pl.DataFrame:
    """Whole conversations under `messages`; train on the answers with `assistant_only_loss=True`.

    Args:
        examples: columns of `schemas.records.Example`.
    """
    return examples.select(*_KEY, "messages", *template_switch(examples))


def prompt_completion(examples: pl.DataFrame) -> pl.DataFrame:
    """`prompt`, all turns but the last, and `completion`, the last; TRL's loss is then on the completion alone.

    Args:
        examples: columns of `schemas.records.Example`.
    """
    turns = pl.col("messages")
    return examples.select(
        *_KEY,
        turns.list.head(turns.list.len() - 1).alias("prompt"),
        turns.list.tail(1).alias("completion"),
        *template_switch(examples),
    )


def prompts(problems: pl.DataFrame) -> pl.DataFrame:
    """`prompt` and `solution`, the answer in a box, which `accuracy_reward` takes: math alone, for it grades no code;
    and the level, where prompts have one, which rewards are handed by its name.

    Args:
        problems: columns of `stages.publish.tables.RL_SCHEMA`.
    """
    about = pl.col("extra_info").struct
    math = problems.filter(pl.col("solution").is_not_null())
    level = [COLUMN] if COLUMN in problems.columns else []
    return math.select(about.field("problem_id"), about.field("source_id"), "prompt", "solution", *level)


def preference(pairs: pl.DataFrame) -> pl.DataFrame:
    """`prompt`, `chosen` and `rejected`, each a list of turns, with `kind`, why the one is preferred, and `margin`.

    `RewardTrainer` asks for as much of a difference between two scores as `margin` says; `DPOTrainer` ignores it.

    Args:
        pairs: those columns and `problem_id`.
    """
    return pairs.select("problem_id", "kind", "prompt", "chosen", "rejected", pl.col("margin").cast(pl.Float64))
