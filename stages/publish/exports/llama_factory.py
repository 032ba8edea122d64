"""LLaMA-Factory: conversations in its sharegpt shape, and the entries of `dataset_info.json` that name them."""

import json
from collections.abc import Iterable
from typing import Any

import polars as pl

from hipo_data.stages.publish.exports.turns import given, template_switch

_ROLES = {"system": "system", "user": "human", "assistant": "gpt"}


def sharegpt(examples: pl.DataFrame) -> pl.DataFrame:
    """`conversations`, turns of `from` and `value`.

    Where the chat template is asked for the mode, answers lack what it writes into the prompt: LLaMA-Factory's own
    template puts it there, without a loss on it, with `enable_thinking: null`.

    Args:
        examples: columns of `schemas.records.Example`.
    """
    turns = pl.col("messages").list.eval(_turn(pl.element()))
    if template_switch(examples):
        before, answer = turns.list.head(turns.list.len() - 1), turns.list.last().struct
        rest = pl.struct(answer.field("from"), answer.field("value").str.strip_prefix(given(examples)))
        turns = before.list.concat(pl.concat_list(rest))
    return examples.select(turns.alias("conversations"))


def ranking(pairs: pl.DataFrame) -> pl.DataFrame:
    """`conversations`, the turns of the prompt, and `chosen` and `rejected`, one turn each.

    Args:
        pairs: columns `prompt`, `chosen` and `rejected`, each a list of turns.
    """
    return pairs.select(
        pl.col("prompt").list.eval(_turn(pl.element())).alias("conversations"),
        *(_turn(pl.col(name).list.last()).alias(name) for name in ("chosen", "rejected")),
    )


def dataset_info(files: Iterable[str]) -> str:
    """`dataset_info.json`: an entry a file, named `hipo_` and the file's name without its ending."""
    return json.dumps({f"hipo_{name.partition('.')[0]}": _entry(name) for name in files}, indent=2) + "\n"


def _entry(file: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "file_name": file,
        "formatting": "sharegpt",
        "columns": {"messages": "conversations"},
        "tags": {
            "role_tag": "from",
            "content_tag": "value",
            "user_tag": _ROLES["user"],
            "assistant_tag": _ROLES["assistant"],
            "system_tag": _ROLES["system"],
        },
    }
    if file.startswith("preference"):
        entry |= {"ranking": True, "columns": {**entry["columns"], "chosen": "chosen", "rejected": "rejected"}}
    return entry


def _turn(turn: pl.Expr) -> pl.Expr:
    role = turn.struct.field("role").replace_strict(_ROLES).alias("from")
    return pl.struct(role, turn.struct.field("content").alias("value"))
