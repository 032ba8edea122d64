"""What options say, in forms in which two of them are the same or not."""

import re
import unicodedata
from fractions import Fraction

from hipo_data.graders.math import clean, numbers

Measure = tuple[Fraction, str, bool]
"""Value in basic units, what it measures, whether it is a percentage."""


def plain(text: str) -> str:
    """The text without delimiters, faces, final punctuation and surplus blanks. Case stays: TT is not Tt."""
    unicode = unicodedata.normalize("NFKC", clean.unwrapped(text)) if not text.isascii() else clean.unwrapped(text)
    return " ".join(unicode.split()).rstrip(".,;:")


def measure(text: str) -> Measure | None:
    """The number that an option is; null for any other."""
    found = numbers.read(text)
    if found is None:
        return None
    unit, size = found.unit or ("", Fraction(1))
    return found.value * size, unit, found.percent


def same(first: str, second: str) -> bool:
    """Whether two options say the same, letter by letter or as numbers."""
    if plain(first) == plain(second) or clean.key(first) == clean.key(second):
        return True
    measures = measure(first), measure(second)
    return measures[0] is not None and measures[0] == measures[1]


def matching(text: str, options: list[str]) -> list[int]:
    """Places of the options that `text` says, without regard to case where none agrees in it."""
    wanted = plain(text)
    if not wanted:
        return []
    found = [place for place, option in enumerate(options) if plain(option) == wanted or _joined(option, text)]
    if found:
        return found
    return [place for place, option in enumerate(options) if plain(option).casefold() == wanted.casefold()]


def _joined(option: str, text: str) -> bool:
    """Whether two formulas differ by blanks alone, which prose may not: `in side` is not `inside`."""
    return clean.key(option) == clean.key(text) and re.search(r"[\d\\^_=]", option) is not None
