"""Which tables each library gets, and as which files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from hipo_data.prompts.formats.format import Format
from hipo_data.stages.publish.exports import axolotl, configs, llama_factory, ms_swift, openrlhf, plain, trl, verl

PARTS = ("sft", "rl", "preference", "groups", "rates")
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
    takes_kwargs: bool = False
    """Whether it reads `chat_template_kwargs` row by row."""
    turn_by_turn: bool = False
    """Whether it renders every turn alone."""
    beside: Mapping[str, Callable[[Path, Sequence[str], Format], str]] = field(default_factory=dict)
    """Further files by name; the text of each follows from the folder, the names of the files with rows in it, and the
    format of the responses."""


_MESSAGES = (Table("sft", plain.messages, "{split}.jsonl"),)

EXPORTS: dict[str, Export] = {
    "messages": Export(_MESSAGES, takes_kwargs=True),
    "trl": Export((Table("sft", trl.messages, "{split}.parquet"),), takes_kwargs=True),
    "trl-prompt-completion": Export((Table("sft", trl.prompt_completion, "{split}.parquet"),), takes_kwargs=True),
    "trl-preference": Export((Table("preference", trl.preference, "{split}.parquet"),)),
    "trl-rl": Export((Table("rl", trl.prompts, "{split}.parquet"),), renders=False),
    "verl-sft": Export((Table("sft", verl.sft, "{split}.parquet"),), turn_by_turn=True),
    "verl-rl": Export((Table("rl", verl.rl, "{split}.parquet"),), renders=False),
    "llama-factory": Export(
        (
            Table("sft", llama_factory.sharegpt, "{split}.jsonl"),
            Table("preference", llama_factory.ranking, "preference_{split}.jsonl", needed=False),
        ),
        renders=False,
        beside={"dataset_info.json": lambda folder, files, form: llama_factory.dataset_info(files)},
    ),
    "ms-swift": Export(_MESSAGES, renders=False, beside={"ms-swift.yaml": configs.ms_swift}),
    "ms-swift-rl": Export((Table("rl", ms_swift.prompts, "{split}.jsonl"),), renders=False, takes_kwargs=True),
    "axolotl": Export((Table("sft", axolotl.messages, "{split}.jsonl"),), beside={"axolotl.yaml": configs.axolotl}),
    "openrlhf": Export(_MESSAGES),
    "openrlhf-rl": Export((Table("rl", openrlhf.prompts, "{split}.jsonl"),), renders=False),
}
