"""Which tables each library gets, and as which files."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from hipo_data.stages.publish.exports import llama_factory, plain, trl, verl

PARTS = ("sft", "rl", "preference", "groups")
"""Folders of a published dataset."""


@dataclass(frozen=True)
class Table:
    """One table a split. `file` is its name, with `{split}` in it; its ending says Parquet or JSON Lines."""

    part: str
    convert: Callable[[pl.DataFrame], pl.DataFrame]
    file: str
    needed: bool = True
    """Whether a dataset without the part cannot be exported."""


@dataclass(frozen=True)
class Export:
    """What a library gets."""

    tables: tuple[Table, ...]
    renders: bool = True
    """Whether it renders responses with the chat template of the model's tokenizer."""
    turn_by_turn: bool = False
    """Whether it renders every turn alone."""


EXPORTS: dict[str, Export] = {
    "messages": Export((Table("sft", plain.messages, "{split}.jsonl"),)),
    "trl": Export((Table("sft", trl.messages, "{split}.parquet"),)),
    "trl-prompt-completion": Export((Table("sft", trl.prompt_completion, "{split}.parquet"),)),
    "trl-preference": Export((Table("preference", trl.preference, "{split}.parquet"),)),
    "verl-sft": Export((Table("sft", verl.sft, "{split}.parquet"),), turn_by_turn=True),
    "verl-rl": Export((Table("rl", verl.rl, "{split}.parquet"),), renders=False),
    "llama-factory": Export(
        (
            Table("sft", llama_factory.sharegpt, "{split}.jsonl"),
            Table("preference", llama_factory.ranking, "preference_{split}.jsonl", needed=False),
        ),
        renders=False,
    ),
}
