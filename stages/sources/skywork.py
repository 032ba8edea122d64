"""Skywork/Skywork-OR1-RL-Data.

`prompt` holds the chat turns, `ability` is `math` or `code`, `reward_model.ground_truth` is the gold as a string (a
list of acceptable answers for math, JSON for code), and `extra_info.model_difficulty` counts the failures of three
distilled models in 16 attempts each.
"""

from typing import Any

from schemas.config import SkyworkSource
from schemas.records import Kind
from schemas.tables import lookup
from stages.sources.draft import Draft, RefusedRowError, is_number, text_of

DATASET = "Skywork/Skywork-OR1-RL-Data"
_ATTEMPTS = 16


def draft(values: dict[str, Any], config: SkyworkSource) -> Draft:
    """A row as a draft. Raises `RefusedRowError`."""
    ability = text_of(values, "ability")
    if ability not in list(Kind):
        raise RefusedRowError("other_domain", f"ability '{ability}' is neither math nor code")
    gold = lookup(values, "reward_model.ground_truth")
    if gold is None:
        raise RefusedRowError("bad_column", "reward_model.ground_truth is missing")
    return Draft(
        kind=Kind(ability),
        question=_question(values.get("prompt")),
        gold=gold,
        domain=values.get("data_source"),
        difficulty=_difficulty(lookup(values, "extra_info.model_difficulty")),
    )


def _question(prompt: Any) -> str:
    turns = [turn for turn in prompt if isinstance(turn, dict)] if isinstance(prompt, list) else []
    users = [turn.get("content") for turn in turns if turn.get("role") == "user"]
    if len(users) != 1 or not isinstance(users[0], str):
        raise RefusedRowError("bad_column", "'prompt' must hold one user turn with text")
    return users[0]


def _difficulty(failures: Any) -> float | None:
    """The mean failure rate of the reference models, 0 to 1; models without a count of 0 to 16 do not enter."""
    found = failures.values() if isinstance(failures, dict) else []
    counts = [n for n in found if is_number(n) and 0 <= n <= _ATTEMPTS]
    return sum(counts) / (_ATTEMPTS * len(counts)) if counts else None
