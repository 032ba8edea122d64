"""The options of a multiple-choice problem as its question shows them: a letter, a stop, a blank, and what it says.

A problem's question is what a model is shown, options and all, so that whoever reads a row sees what was asked. What
it is *about* is the same whatever the order of the options: `unordered` is the form that ids are made of.
"""

import re
import unicodedata
from collections.abc import Sequence
from string import ascii_uppercase

LETTERS = ascii_uppercase
MOST = len(LETTERS)
FEWEST = 2
_GAP = "\n\n"
_FIRST = f"{_GAP}A. "
_LETTERED_LINE = re.compile(r"\n[A-Z]\. ")


def with_options(stem: str, options: Sequence[str]) -> str:
    """The question that shows a stem and options, 2 to 26 of them, in this order."""
    lines = (f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False))
    return stem + _GAP + "\n".join(lines)


def without_options(question: str) -> tuple[str, list[str]] | None:
    """Stem and options of what `with_options` made; null for another text."""
    stem, found, shown = question.rpartition(_FIRST)
    if not found:
        return None
    options: list[str] = []
    for letter in LETTERS[1:]:
        option, more, rest = shown.partition(f"\n{letter}. ")
        options.append(option)
        if not more:
            break
        shown = rest
    else:
        options.append(shown)
    whole = len(options) >= FEWEST and with_options(stem, options) == question
    return (stem, options) if whole else None


def unordered(question: str) -> str:
    """The question with its options in one order, whichever they were shown in; other texts as they are."""
    parts = without_options(question)
    return question if parts is None else with_options(parts[0], in_one_order(parts[1]))


def in_one_order(options: Sequence[str]) -> list[str]:
    """Options in an order of their own."""
    return sorted(options, key=lambda option: (_plain(option), option))


def can_be_shown(option: str) -> bool:
    """Whether an option reads back: one that has a line such as `B. so` in it would be taken for two."""
    return bool(option.strip()) and _LETTERED_LINE.search(option) is None


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
