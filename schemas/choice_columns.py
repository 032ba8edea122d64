"""Columns of multiple-choice problems, told by their names: those of GPQA, MMLU-Pro, MMLU, ARC, SciQ and their like."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, Literal

GoldIs = Literal["answer", "letter", "index", "content"]

_QUESTIONS = ("question", "problem", "query", "prompt", "input", "question_stem")
_RIGHT = ("correct answer", "correct_answer", "best answer", "best_answer", "right_answer", "answer", "correct")
_WRONG = re.compile(r"(?:incorrect|wrong|distractor)s?[ _]?(?:answer|option|choice)?s?[ _]?\d*", re.I)
_OPTIONS = ("options", "choices", "choices.text", "candidates", "answer_options", "endings")
_GOLDS = ("answer", "answerkey", "answer_key", "gold", "label", "correct_answer", "correct_option", "correct", "target")
_INDEX = ("answer_index", "gold_index", "correct_index", "answer_idx")
_LETTER = re.compile(r"\(?[A-Z]\)?\.?")
_FEWEST = 2


@dataclass(frozen=True)
class ChoiceColumns:
    """Which columns hold what, as a source of the type `table` has them; one of `options` and `wrong` is empty."""

    question: str
    gold: str
    options: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    gold_is: GoldIs = "answer"


def choice_columns(values: Mapping[str, Sequence[Any]]) -> ChoiceColumns | None:
    """What rows of multiple choice have in their columns; null where these are no such rows.

    Args:
        values: by column, some of what it holds, nulls left out; dots reach into objects.
    """
    question = _named(values, _QUESTIONS)
    if question is None:
        return None
    wrong = tuple(name for name in values if _WRONG.fullmatch(name.strip()))
    right = _named(values, _RIGHT)
    if wrong and right is not None and (len(wrong) >= _FEWEST or _are_lists(values[wrong[0]])):
        return ChoiceColumns(question, right, wrong=wrong)
    options = _options(values)
    gold = _named(values, (*_INDEX, *_GOLDS))  # an index cannot be anything else, as a letter can
    if not options or gold is None or gold in options:
        return None
    return ChoiceColumns(question, gold, options=options, gold_is=_said_by(gold, values[gold]))


def _options(values: Mapping[str, Sequence[Any]]) -> tuple[str, ...]:
    listed = next(
        (name for name in (_named(values, (each,)) for each in _OPTIONS) if name and _are_lists(values[name])), None
    )
    if listed is not None:
        return (listed,)
    letters = [letter for letter in ascii_uppercase if letter in values]
    return tuple(letters) if len(letters) >= _FEWEST and letters == list(ascii_uppercase[: len(letters)]) else ()


def _named(values: Mapping[str, Sequence[Any]], names: Sequence[str]) -> str | None:
    """The first of the names that a column has, whatever its case."""
    there = {name.strip().lower(): name for name in reversed(list(values)) if values[name]}
    return next((there[name] for name in names if name in there), None)


def _are_lists(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(value, list) and len(value) >= _FEWEST for value in values)


def _said_by(name: str, values: Sequence[Any]) -> GoldIs:
    if name.lower() in _INDEX or all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return "index"
    return (
        "letter" if all(isinstance(value, str) and _LETTER.fullmatch(value.strip()) for value in values) else "answer"
    )
