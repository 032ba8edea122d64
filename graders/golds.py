"""Turns the gold shapes of the source datasets into `schemas.gold`."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from hipo_data.graders import syntax
from hipo_data.graders.choice.golds import choice_gold
from hipo_data.graders.code.golds import code_gold
from hipo_data.graders.gold_error import GoldError
from hipo_data.schemas.gold import ChoiceGold, Gold, MathGold
from hipo_data.schemas.records import Kind

__all__ = ["NO_ANSWER", "GoldError", "parse_gold"]

NO_ANSWER = frozenset({"", "nan", "NaN", "None", "null", "N/A", "<NA>"})
"""What table libraries write for a missing value; `none` in small letters may be an answer."""


ANSWER_FIELDS = ("value", "answer", "final_answer", "ground_truth", "result", "text")
"""Fields of an object that hold the answer to a math problem."""


def parse_gold(kind: Kind | str, raw: Any) -> Gold:
    """The gold in `raw`, which may also be given as a JSON string.

    Math: an answer, a list of acceptable answers, or such a list written as a string (JSON or Python); an object with
    the answer in one of `ANSWER_FIELDS`; such an answer as `quantity`, with `unit`, `tolerance` or `error`; or what
    `schemas.gold.gold_to_json` writes.
    Choice: {options, answer} · {right, wrong} (`graders.choice.golds`).
    Code: {import_prefix?, test_code, entry_point?} · {inputs, outputs, fn_name?} · {assert_case} · {test_cases, each
    input, output, testtype?, fn_name?} · a task of HumanEval+ or MBPP+. Each may also say `unordered`, `reference` and
    `time_limit_s`, and those with inputs a `checker`. A test that lacks its input or output is left out.
    Raises `GoldError` where there is nothing to grade with, or nobody could run it.
    """
    try:
        return _PARSE[Kind(kind)](raw)
    except GoldError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:  # no shape has such values
        raise GoldError("bad_gold", f"unusable gold: {error}") from error


def _math(raw: Any) -> MathGold:
    if isinstance(raw, str):
        raw = _object(raw) or _listed(raw)
    if isinstance(raw, Mapping) and raw.get("type") == "math":
        return MathGold.model_validate(raw)
    if isinstance(raw, Mapping) and "quantity" in raw:
        said = {name: raw[name] for name in ("unit", "tolerance", "error") if raw.get(name) is not None}
        return MathGold.model_validate({"answers": _math(raw["quantity"]).answers, **said})
    items = raw if isinstance(raw, (list, tuple)) else [raw]
    answers = [str(_answer(item)).strip() for item in items if item is not None]
    answers = [answer for answer in answers if answer not in NO_ANSWER]
    if not answers:
        raise GoldError("empty_gold", "no answer in the gold")
    return MathGold(answers=answers)


def _choice(raw: Any) -> ChoiceGold:
    return choice_gold(_object(raw) if isinstance(raw, str) else raw)


_PARSE: dict[Kind, Callable[[Any], Gold]] = {Kind.MATH: _math, Kind.CHOICE: _choice, Kind.CODE: code_gold}


def _answer(item: Any) -> Any:
    """The answer in an item of a gold. Raises `GoldError` where it is an object that does not say which field is it."""
    if isinstance(item, str):
        item = _object(item) or item
    if not isinstance(item, Mapping):
        return item
    named = [item[name] for name in ANSWER_FIELDS if item.get(name) is not None]
    if len(named) != 1 or isinstance(named[0], (Mapping, list, tuple)):
        raise GoldError(
            "bad_gold", f"the gold is an object with the keys {sorted(map(str, item))[:8]}; one of them has to be the "
            f"answer: {', '.join(ANSWER_FIELDS)}"
        )  # fmt: skip
    return named[0]


def _object(text: str) -> dict[str, Any] | None:
    """The object that `text` writes down, as JSON or as Python does; null where it is an answer, such as a set."""
    if not text.lstrip().startswith("{"):
        return None
    for read in (json.loads, syntax.literal):
        try:
            value = read(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return value if isinstance(value, dict) and value else None
    return None


def _listed(text: str) -> str | list[str]:
    """The list of strings that `text` writes down; other text, such as the interval `[0, 1]`, is an answer itself."""
    if text.lstrip().startswith("["):
        for read in (json.loads, syntax.literal):
            try:
                value = read(text.strip())
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                return value
    return text
