"""Which option an answer names, by its letter, by what it says, or by both."""

import re
from fractions import Fraction
from typing import NamedTuple

from hipo_data.graders.choice import letters, texts
from hipo_data.graders.math import boxes, numbers
from hipo_data.graders.quantities import reading as quantities
from hipo_data.graders.reasoning import after_reasoning
from hipo_data.schemas.lettered_options import LETTERS

_TAIL = 2_000
_END = 200
_ORDINAL = re.compile(
    r"\b(?:first|second|third|fourth|fifth|sixth|last)\b(?:\s+\w+)?\s+(?:option|choice|one|answer)\b", re.I
)
_NEAR = 20
"""A number within one in so many of an option's may be the option, worked out with other constants."""
_FORMULA = re.compile(r"\d|\\[a-z]|[=^_]")
MATHEMATICAL_AT_MOST = 500


class Reading(NamedTuple):
    """Options by their places, as far as they can be told without comparing formulas."""

    places: frozenset[int]
    """Empty where the answer names none that there is; more than one where it may be read in several ways."""
    reason: str
    """How they were read, or why none was."""
    open: bool = False
    """Whether the answer may be an option in another form, which only comparing formulas can tell."""


def answer_line(response: str) -> str | None:
    """A last line that is a letter, or an option with its letter; null where the response has a box, or none."""
    text = after_reasoning(response)[-_TAIL:].strip()
    if boxes.last(text)[0] is not None:
        return None
    line = text.rpartition("\n")[2].strip()
    return line if line and (letters.alone(line) or letters.labelled(line)) else None


def opening_line(response: str) -> str | None:
    """A first line that is a letter, or an option with its letter and no list of them; null where there is none."""
    lines = [line.strip() for line in after_reasoning(response).strip().splitlines()]
    if not lines or not (letters.alone(lines[0]) or letters.labelled(lines[0])):
        return None
    return None if any(letters.labelled(line) for line in lines[1:]) else lines[0]


def concludes_with(response: str, option: str) -> bool:
    """Whether the last sentence of a response, which is whole, has what an option says in it."""
    line = after_reasoning(response).strip().rpartition("\n")[2].strip()
    return line.endswith((".", "!", "。")) and _holds(line[-_TAIL:], option)


def read(answer: str, options: list[str], boxed: bool = True) -> Reading:
    """What an answer, freed from the text around it, names among the options.

    Outside of a box a letter with words behind it counts only where they are the option's: such a line may as well say
    why an option is wrong.
    """
    said = texts.matching(answer, options) or texts.matching(letters.unnamed(answer), options)
    if letter := letters.alone(answer):
        return _alone(letter, said, len(options))
    if letter := letters.labelled(answer):
        found = _labelled(letter, said, options) if boxed else _listed(letter, said, options)
        if found is not None:
            return found
    if said:
        return Reading(frozenset(said), "content")
    if places := letters.several(answer):
        if len(set(places)) == 1:
            return Reading(frozenset(places[:1]) & frozenset(range(len(options))), "letter")
        joint = [place for place, option in enumerate(options) if letters.several(option) == places]
        return Reading(frozenset(joint), "content" if joint else "several_options")
    return Reading(frozenset(), "no_option", open=True)


def _alone(letter: letters.Letter, said: list[int], count: int) -> Reading:
    there = frozenset({letter.place}) if letter.place < count else frozenset()
    if letter.marked and there:
        return Reading(there, "letter")
    # A bare `C` may be the letter, or what an option with another letter says.
    places = there | frozenset(said)
    if not places:
        return Reading(places, "no_option")
    return Reading(places, "letter" if places == there else "letter_or_content")


def _labelled(letter: letters.Letter, said: list[int], options: list[str]) -> Reading | None:
    behind = texts.matching(letter.content, options)
    if said and letter.place not in behind:  # `E. coli` is no option E
        return Reading(frozenset(said), "content")
    if letter.place >= len(options):
        return Reading(frozenset(behind), "content") if behind else None
    if _names_another(letter):
        return Reading(frozenset(), "several_options")
    if behind and letter.place not in behind:
        return Reading(frozenset({letter.place, *behind}), "letter_and_content_differ")
    return Reading(frozenset({letter.place}), "letter")


def _listed(letter: letters.Letter, said: list[int], options: list[str]) -> Reading | None:
    found = _labelled(letter, said, options)
    is_option = bool(said) or letter.place in texts.matching(letter.content, options)
    return found if is_option or (found is not None and len(found.places) > 1) else None


def _names_another(letter: letters.Letter) -> bool:
    """Whether behind a letter stands another option's, as in `(A) 12 or (B) 13`."""
    found = re.findall(r"[(\[]([A-Z])[)\]]\s*\S|\b(?:or|and)\s+[(\[]?([A-Z])\b", letter.content)
    return any(LETTERS.index(first or second) != letter.place for first, second in found)


def is_formula(text: str) -> bool:
    """Whether comparing a text as mathematics can tell anything; prose would be taken for products of letters."""
    return len(text) <= MATHEMATICAL_AT_MOST and _FORMULA.search(text) is not None


def may_mean(answer: str, place: int, options: list[str], around: str = "") -> bool:
    """Whether an answer that was read as no option may mean one all the same, in words or rounded.

    around: the response, where the answer stood in no box: a letter near its end may be meant, and prose that has the
        option in it, whatever else it has.
    """
    if _ORDINAL.search(answer) or place in letters.mentioned(around[-_END:]):
        return True
    found, wanted = _value(answer), _value(options[place])
    if found is not None and wanted and abs(found - wanted) * _NEAR <= abs(wanted):
        return True
    said = [at for at, option in enumerate(options) if _holds(answer, option)]
    if around:  # prose, which may as well deny an option as name it
        return place in said or (bool(said) and letters.denies(answer))
    return place in said and not any(at != place and not _holds(options[place], options[at]) for at in said)


def _value(text: str) -> Fraction | None:
    found = numbers.read(text) or quantities.read(text)
    return None if found is None else found.value


def _holds(text: str, option: str) -> bool:
    """Whether one of two texts stands in the other as a whole."""
    pair = sorted(map(texts.plain, (text, option)), key=len)
    if len(pair[0]) > 1:  # of single signs, as of vitamins and variables, the case is all there is
        pair = [each.casefold() for each in pair]
    return bool(pair[0]) and re.search(rf"(?<!\w){re.escape(pair[0])}(?!\w)", pair[1]) is not None
