"""Levels of thinking in exports: what tells a trainer, row by row, which arm a response is of."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, get_args

import polars as pl

from hipo_data.schemas.records import Mode

Told = Literal["prompt", "kwargs"]
"""As a system turn in front of the conversation, or as an argument of the chat template beside it."""
WAYS: tuple[str, ...] = get_args(Told)

COLUMN = "reasoning_effort"
"""Of examples whose level is told as an argument, which has this name; and of prompts with a level."""
_OFF = "none"


def levels_of(
    modes: Sequence[str], named: Mapping[str, str], told: Collection[str] = tuple(Mode)
) -> dict[str, str] | None:
    """The level of each mode: as `named`, else the arm's own name, and `none` for think-off.

    Null where the modes are `told`, those that the format's responses tell by themselves, and none is named. Raises
    `ValueError` for a name of a mode that there is not, and where two modes get one level.
    """
    if unknown := [mode for mode in named if mode not in modes]:
        raise ValueError(f"'{unknown[0]}' is no arm of this dataset; it has {', '.join(sorted(modes))}")
    if not named and set(modes) <= set(told):
        return None
    found = {mode: named.get(mode, mode if Mode(mode).thinks else _OFF) for mode in sorted(modes)}
    twice = sorted(level for level in found.values() if list(found.values()).count(level) > 1)
    if twice:
        raise ValueError(f"two arms have the level '{twice[0]}'; name them apart")
    return found


def with_levels(examples: pl.DataFrame, levels: Mapping[str, str], told: Told) -> pl.DataFrame:
    """Examples whose conversations begin with a system turn such as `Reasoning effort: low`, or with the column
    `reasoning_effort`, which exports put into `chat_template_kwargs`.

    Args:
        examples: columns `mode` and `messages` of `schemas.records.Example`.
    """
    level = pl.col("mode").replace_strict(dict(levels), return_dtype=pl.String)
    if told == "kwargs":
        return examples.with_columns(level.alias(COLUMN))
    return examples.with_columns(messages=pl.concat_list(_turn(level), "messages"))


def with_prompt_levels(problems: pl.DataFrame, levels: Mapping[str, str], told: Told) -> pl.DataFrame:
    """Prompts for reinforcement learning with the column `reasoning_effort`, the level of the arm that their problem
    keeps, and with `told` prompt with the same system turn as examples. Null, and no turn, where it keeps none.

    Args:
        problems: columns of `stages.publish.tables.RL_SCHEMA`.
    """
    mode = pl.col("extra_info").struct.field("mode")
    level = mode.replace_strict(dict(levels), default=None, return_dtype=pl.String)
    found = problems.with_columns(level.alias(COLUMN))
    if told == "kwargs":
        return found
    own = pl.when(level.is_not_null()).then(pl.concat_list(_turn(level), "prompt")).otherwise("prompt")
    return found.with_columns(prompt=own)


def _turn(level: pl.Expr) -> pl.Expr:
    return pl.struct(role=pl.lit("system"), content=pl.format("Reasoning effort: {}", level))
