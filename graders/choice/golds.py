"""Golds of multiple-choice problems, out of the shapes in which datasets have them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hipo_data.graders.choice import texts
from hipo_data.graders.gold_error import GoldError
from hipo_data.schemas.gold import ChoiceGold
from hipo_data.schemas.lettered_options import FEWEST, LETTERS, MOST, can_be_shown
from hipo_data.schemas.option_order import names_letters

_LABEL = re.compile(r"\(?([A-Za-z])[.):]\s*(?=\S)")
_LETTER = re.compile(r"\(?([A-Za-z])\)?[.:]?")
_WAYS = ("answer", "letter", "index", "content", "right")


def choice_gold(raw: Any) -> ChoiceGold:
    """The gold in an object, with its options in the order that the object has them in:

    - `options` and one of `letter`, `index` (from 0), `content`, or `answer`, which may be a letter or what the option
      says;
    - `right` and `wrong`: what the right option says, and the others do, the right one first;
    - what `schemas.gold.gold_to_json` writes.

    Letters that stand before all options go. Raises `GoldError` where options are too few, too many, or the same; where
    one cannot be shown on lines of its own; and where none, or more than one, may be the right one.
    """
    if not isinstance(raw, Mapping):
        raise GoldError(
            "bad_gold", "a choice needs an object with its options and the right one, or `right` and `wrong`"
        )
    if raw.get("type") == "choice":
        return ChoiceGold.model_validate(raw)
    if "wrong" in raw:
        right = _text(raw.get("right"))
        options = [right, *_texts(raw["wrong"])]
        _check(options)
        if named := next(filter(names_letters, options), None):
            raise GoldError("bad_option", f"'{named[:80]}' names other options by letter, and they are in no order")
        return ChoiceGold(options=options, answer="A")
    options = unlabelled(_texts(raw.get("options")))
    _check(options)
    said = [way for way in _WAYS if raw.get(way) is not None]
    if len(said) != 1:
        raise GoldError(
            "empty_gold" if not said else "bad_gold", f"one of {', '.join(_WAYS[:4])} says the right option"
        )
    return ChoiceGold(options=options, answer=LETTERS[_place(said[0], raw[said[0]], options)])


def unlabelled(options: Sequence[str]) -> list[str]:
    """Options without the letters A, B, C and so on before them, where all of them have theirs."""
    labels = [_LABEL.match(option) for option in options]
    if all(label and label[1].upper() == letter for label, letter in zip(labels, LETTERS, strict=False)):
        return [option[label.end() :].strip() for option, label in zip(options, labels, strict=True) if label]
    return list(options)


def _texts(value: Any) -> list[str]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise GoldError("bad_gold", f"the options are no list but {type(value).__name__}")
    return [_text(each) for each in value if each is not None]


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise GoldError(
            "empty_gold" if value is None else "bad_gold", f"an option is no text but {type(value).__name__}"
        )
    return str(value).strip()


def _check(options: Sequence[str]) -> None:
    if not FEWEST <= len(options) <= MOST:
        raise GoldError("option_count", f"{len(options)} options; there have to be {FEWEST} to {MOST}")
    unshown = next((option for option in options if not can_be_shown(option)), None)
    if unshown is not None:
        raise GoldError("bad_option", f"an option is empty, or holds lettered lines of its own: '{unshown[:80]}'")
    for at, option in enumerate(options):
        other = next((other for other in options[:at] if texts.same(other, option)), None)
        if other is not None:
            raise GoldError("equal_options", f"two options say the same: '{other[:80]}' and '{option[:80]}'")


def _place(way: str, said: Any, options: Sequence[str]) -> int:
    """Which option is right."""
    count, text = len(options), _text(said)
    letter = _LETTER.fullmatch(text)
    by_letter = LETTERS.index(letter[1].upper()) if letter else count
    by_content = [place for place, option in enumerate(options) if texts.plain(option) == texts.plain(text)]
    by_index = int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else count
    found = {
        "letter": [by_letter],
        "index": [by_index],
        "content": by_content,
        "right": by_content,
        "answer": sorted({by_letter, *by_content}),
    }[way]
    found = [place for place in found if place < count]
    if not found:
        hint = "; is it an index? then say so" if way == "answer" and by_index < count else ""
        raise GoldError("no_such_option", f"'{text[:80]}' is none of {count} options{hint}")
    if len(found) > 1:
        raise GoldError("ambiguous_answer", f"'{text[:80]}' is the letter of one option and what another one says")
    return found[0]
