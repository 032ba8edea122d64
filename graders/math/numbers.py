"""Plain numbers, read exactly: the answers that most problems have, without a computer algebra system."""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from graders.math import clean

MAX_DIGITS = 1000
_MIN_PLACES = 6
_MIN_SIGNIFICANT = 4

_UNSIGNED = r"\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d+(?:\.\d*)?|\.\d+"
_NUMBER = re.compile(
    rf"(?P<sign>[+-]?)(?P<currency>\\?[$€£¥])?(?P<sign2>-?)"
    rf"(?:(?P<whole>\d+)?\\frac\{{(?P<numerator>-?\d+)\}}\{{(?P<denominator>-?\d+)\}}"
    rf"|(?P<top>{_UNSIGNED})/(?P<bottom>\d+)"
    rf"|(?P<fixed>\d*)\.(?P<start>\d*)(?:\\(?:overline|bar|dot)\{{?(?P<repeat>\d+)\}}?|\((?P<repeat2>\d+)\))"
    rf"|(?P<plain>{_UNSIGNED})(?:(?:[eE]|(?:\\times|\\cdot|\*|x)10\^)\{{?(?P<exponent>[+-]?\d{{1,3}})\}}?)?)"
)
_UNIT = re.compile(
    r"(?P<percent>\\?%|percent|percentagepoints?)|(?P<degree>\^\\circ|degrees?)|(?P<word>[A-Za-z][A-Za-z/.]*(?:\^[23])?)"
)
_NO_UNITS = frozenset(
    [
        "i",
        "e",
        "x",
        "y",
        "z",
        "n",
        "k",
        "a",
        "b",
        "c",
        "t",
        "r",
        "pi",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "log",
        "ln",
        "mod",
        "or",
        "and",
        "choose",
    ]
)
_SCALES: dict[str, tuple[str, Fraction]] = {
    "mm": ("m", Fraction(1, 1000)), "cm": ("m", Fraction(1, 100)), "m": ("m", Fraction(1)), "km": ("m", Fraction(1000)),
    "g": ("g", Fraction(1)), "kg": ("g", Fraction(1000)), "mg": ("g", Fraction(1, 1000)),
    "s": ("s", Fraction(1)), "min": ("s", Fraction(60)), "h": ("s", Fraction(3600)),
    "cent": ("dollar", Fraction(1, 100)), "dollar": ("dollar", Fraction(1)),
}  # fmt: skip
_SAME_UNIT = {
    "sec": "s", "second": "s", "minute": "min", "hour": "h", "hr": "h", "meter": "m", "metre": "m", "gram": "g",
    "centimeter": "cm", "kilometer": "km", "millimeter": "mm", "kilogram": "kg", "inche": "inch", "in": "inch",
    "feet": "foot", "ft": "foot", "$": "dollar", "usd": "dollar",
}  # fmt: skip


@dataclass(frozen=True)
class PlainNumber:
    """An exact value; the decimal places it was written with (None for an exact form); percent sign; unit."""

    value: Fraction
    places: int | None = None
    percent: bool = False
    unit: str | None = None


@lru_cache(maxsize=4096)
def read(answer: str) -> PlainNumber | None:
    """The number that an answer is, or None: integers, decimals, fractions, mixed and repeating ones, powers of ten,
    with thousands separators, a currency or percent sign, degrees, or a unit.
    """
    text = clean.tex(answer)
    if len(text) > MAX_DIGITS:
        return None
    spaced = re.search(r"\d\s+\d", text) is not None
    text = re.sub(r"\{\s*,\s*\}", ",", text)
    text = re.sub(r"^(-?0),(\d+)$", r"\1.\2", text)
    match = _NUMBER.match(re.sub(r"(?<=\d),\s*(?=\d{3}\b)", ",", clean.key(text)))
    if match is None or (spaced and not re.fullmatch(r"-?\d+\s+\d+/\d+", text)):
        return None
    if spaced:
        whole, fraction = text.split()
        numerator, denominator = fraction.split("/")
        if int(denominator) == 0:
            return None
        size = abs(int(whole)) + Fraction(int(numerator), int(denominator))
        return PlainNumber(-size if whole.startswith("-") else size)
    value, places = _value(match)
    if value is None:
        return None
    if "-" in (match["sign"], match["sign2"]):
        value = -value
    rest = clean.key(text)[match.end() :] if "," not in match.group() else _after(clean.key(text), match.group())
    unit, percent = "dollar" if match["currency"] else None, False
    if rest:
        tail = _UNIT.fullmatch(rest)
        if tail is None or (tail["word"] and _is_factor(tail["word"], text)):
            return None
        percent = bool(tail["percent"])
        unit = "degree" if tail["degree"] else _unit(tail["word"]) if tail["word"] else unit
    return PlainNumber(value, places, percent, unit)


def equal(first: PlainNumber, second: PlainNumber) -> bool:
    """Whether two numbers are equal: exactly, or one being the other rounded (or cut) to the six or more decimal
    places that it shows. Units must agree where both have one; percent signs are the caller's business.
    """
    a, b = first.value, second.value
    if first.unit and second.unit and first.unit != second.unit:
        scales = [_SCALES.get(unit) for unit in (first.unit, second.unit)]
        if scales[0] is None or scales[1] is None or scales[0][0] != scales[1][0]:
            return False
        return a * scales[0][1] == b * scales[1][1]
    if a == b:
        return True
    if first.places is not None and second.places is not None and first.places == second.places:
        return False
    if first.places is None and second.places is None:
        return False
    if second.places is None or (first.places is not None and first.places < second.places):
        a, b, first, second = b, a, second, first
    assert second.places is not None
    return shows(b, second.places, a)


def shows(decimal: Fraction, places: int, exact: Fraction) -> bool:
    """Whether a decimal fraction with so many places is `exact` rounded or cut to them, with enough of them to say."""
    if places < _MIN_PLACES or abs(decimal) * 10**places < 10 ** (_MIN_SIGNIFICANT - 1):
        return False
    return round(exact, places) == decimal or Fraction(int(exact * 10**places), 10**places) == decimal


def _value(match: re.Match[str]) -> tuple[Fraction | None, int | None]:
    if match["denominator"]:
        if int(match["denominator"]) == 0:
            return None, None
        part = Fraction(int(match["numerator"]), int(match["denominator"]))
        return (int(match["whole"]) + part if match["whole"] else part), None
    if match["bottom"]:
        top = Fraction(Decimal(match["top"].replace(",", "").rstrip(".")))
        return (top / int(match["bottom"]) if int(match["bottom"]) else None), None
    if repeat := match["repeat"] or match["repeat2"]:
        start = match["start"] or ""
        cut = int((match["fixed"] or "0") + start) if (match["fixed"] or start) else 0
        return (cut + Fraction(int(repeat), 10 ** len(repeat) - 1)) / 10 ** len(start), None
    digits = match["plain"].replace(",", "").rstrip(".")
    exponent = int(match["exponent"] or 0)
    value = Fraction(Decimal(digits)) * Fraction(10) ** exponent
    return value, max(0, len(digits.partition(".")[2]) - exponent) if "." in digits else None


def _after(text: str, number: str) -> str:
    return text[len(number) :] if text.startswith(number) else text


def _is_factor(word: str, text: str) -> bool:
    """Whether letters after a number are a factor, as in `3x`, rather than a unit."""
    if word.lower() in _NO_UNITS and word not in ("m", "g", "s"):
        return True
    bare = re.search(r"[\d}]\s*" + re.escape(word) + r"\s*$", text) is not None
    known = _unit(word) in _SCALES or word.lower() in _SAME_UNIT
    touching = re.search(r"[\d}]" + re.escape(word) + r"\s*$", text) is not None
    return bare and not known and (touching or len(word) == 1)


def _unit(word: str) -> str:
    word = word.lower().rstrip(".")
    if len(word) > 2 and word.endswith("s"):
        word = word[:-1]
    return _SAME_UNIT.get(word, word)
