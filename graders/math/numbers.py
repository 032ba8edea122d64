"""Plain numbers, read exactly: the answers that most problems have, without a computer algebra system."""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from hipo_data.graders.math import clean, units
from hipo_data.graders.math.units import Unit

MAX_DIGITS = 1000
_MIN_PLACES = 6
_MIN_SIGNIFICANT = 4

_UNSIGNED = r"\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d+(?:\.\d*)?|\.\d+"
_NUMBER = re.compile(
    rf"(?P<sign>[+-]?)(?:(?P<currency>\\?[$€£¥₹]|Rs\.?)(?P<sign2>-?))?"
    rf"(?:(?P<whole>\d+)?\\frac\{{(?P<numerator>-?\d+)\}}\{{(?P<denominator>-?\d+)\}}"
    rf"|(?P<top>{_UNSIGNED})/(?P<bottom>\d+)"
    rf"|(?P<fixed>\d*)\.(?P<start>\d*)(?:\\(?:overline|bar|dot)\{{?(?P<repeat>\d+)\}}?|\((?P<repeat2>\d+)\))"
    rf"|(?P<plain>{_UNSIGNED})(?:(?:[eE]|(?:\\times|\\cdot|\*|x)10\^)\{{?(?P<exponent>[+-]?\d{{1,3}})\}}?)?)"
)
_DOTS = re.compile(r"(\d*\.\d*?)(\d+?)\2{2,}(?:\.{3}|…|\\(?:[lc]?dots))")
_REPEATING = re.compile(r"(\d*\.\d*?)(\d+?)\2+\s*(?:\\text\s*\{\s*)?\(?(?:repeating|recurring)\)?\}?")
_CHANCE = re.compile(r"^(\d+)\s*(?:\\text\s*\{)?\s*(?:out of|in)\s*\}?\s*(\d+)$")
_SEPARATE = re.compile(r"(?<=\d)\s*,\s+(?=\d)|(?<=\d)\s+,\s*(?=\d)")
"""A comma beside a blank, which parts members of a list and no thousands."""
_GROUPS = re.compile(r"\d{1,3}(?: \d{3})+(?:\.\d+)?")
_CURRENCIES = {"$": units.DOLLAR, "\\$": units.DOLLAR, "€": units.unit("euro")}
"""Those that only one word names; yuan and yen have one sign."""
_TWO_DOTS = re.compile(r"(?<=\.)(\d*)\\dot\s*\{?(\d)\}?(\d*)\\dot\s*\{?(\d)\}?$")
_MINUTES = re.compile(r"(\d+)\^\s*\{?\s*\\circ\s*\}?\s*(\d+)\s*(?:'|\^\{?\\prime\}?)")
_MIXED = re.compile(r"^(-?\d+)\s+(\d+)/(\d+)(?![\d/])")
_PERCENT = re.compile(r"\\?%|percent|percentagepoints?")
_ORDINAL = re.compile(r"\^?\{?(?:st|nd|rd|th)\}?")
_DEGREE = re.compile(r"(?:\^\\circ|degrees?)\\?(?P<scale>[A-Z]|Celsius|Fahrenheit)?")
_SCALES = {
    "dozen": 12, "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "万": 10**4, "亿": 10**8,
}  # fmt: skip
_SCALE = re.compile(rf"({'|'.join(_SCALES)})s?(?![a-z]{{1,3}}$)")
_NO_UNITS = re.compile(r"[iexyznkabctrB]|pi|sqrt|sin|cos|tan|log|ln|mod|or|and|choose")


@dataclass(frozen=True)
class PlainNumber:
    """An exact value; the decimal places it was written with (None for an exact form); percent sign; unit.

    `doubtful`: the unit may as well be a variable, as in `3m`.
    """

    value: Fraction
    places: int | None = None
    percent: bool = False
    unit: Unit | None = None
    doubtful: bool = False


@lru_cache(maxsize=4096)
def read(answer: str) -> PlainNumber | None:
    """The number that an answer is, or None: integers, decimals, fractions, mixed and repeating ones, powers of ten,
    with thousands separators, a currency or percent sign, degrees and minutes, or a unit.
    """
    text = clean.tex(answer)
    if len(text) > MAX_DIGITS:
        return None
    text = re.sub(r"^(-?0),(\d+)$", r"\1.\2", text)
    text = _MIXED.sub(r"\1\\frac{\2}{\3}", text)
    text = _CHANCE.sub(r"\1/\2", text)
    text = _TWO_DOTS.sub(r"\1\\overline{\2\3\4}", text)
    if minutes := _MINUTES.fullmatch(text):
        return PlainNumber(int(minutes[1]) + Fraction(int(minutes[2]), 60), unit=units.DEGREE)
    text = _DOTS.sub(r"\1\\overline{\2}", text)
    text = _REPEATING.sub(r"\1\\overline{\2}", text)
    if _GROUPS.fullmatch(text.lstrip("-")):
        text = text.replace(" ", "")
    plain = clean.key(_SEPARATE.sub(";", text))
    match = _NUMBER.match(plain)
    if match is None:
        return None
    value, places = _value(match)
    if value is None:
        return None
    if "-" in (match["sign"], match["sign2"]):
        value = -value
    rest = plain[match.end() :]
    if scale := _SCALE.match(rest):
        value, places, rest = value * _SCALES[scale[1]], None, rest[scale.end() :]
    found = PlainNumber(value, places, unit=_CURRENCIES.get(match["currency"] or ""))
    if not rest:
        return found
    if units.changes_the_number(clean.unwrapped(text)):
        return None
    if _PERCENT.fullmatch(rest):
        return replace(found, percent=True)
    if _ORDINAL.fullmatch(rest):
        return found
    if degree := _DEGREE.fullmatch(rest):
        return replace(found, unit=(f"degree{(degree['scale'] or '')[:1]}", Fraction(1)))
    if re.search(r"\d(?<![\^{-]\d)", rest) or _is_factor(rest, answer):
        return None
    unit = units.read(_last(clean.spaced_key(text), len(rest)))
    return None if unit is None else replace(found, unit=unit, doubtful=_is_doubtful(rest, answer))


def _last(text: str, letters: int) -> str:
    """The end of `text` that has so many characters other than blanks."""
    at = len(text)
    while letters and at:
        at -= 1
        letters -= not text[at].isspace()
    return text[at:]


def equal(first: PlainNumber, second: PlainNumber) -> bool:
    """Whether two numbers are equal: exactly, or one being the other rounded (or cut) to the six or more decimal
    places that it shows. Units must agree where both have one; percent signs are the caller's business.
    """
    a, b = first.value, second.value
    if first.unit and second.unit and first.unit != second.unit:
        names = {first.unit[0], second.unit[0]}
        if units.agree(first.unit, second.unit):
            return a * first.unit[1] == b * second.unit[1]
        return a == b and "degree" in names and all(name.startswith("degree") for name in names)
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


def agree(wanted: PlainNumber, got: PlainNumber, percent_said: bool = False) -> bool:
    """Whether an answer says the number that is wanted, percent signs and units included.

    Where the gold has a percent sign, or the question says percent (`percent_said`), an answer may leave the sign out,
    or repeat it. A unit may be on one side alone, unless the gold's may as well be a variable.
    """
    if wanted.doubtful and got.unit is None:
        return False
    if wanted.percent == got.percent:
        return equal(wanted, got)
    shares = [n.value / 100 if n.percent else n.value for n in (wanted, got)]
    return shares[0] == shares[1] or ((wanted.percent or percent_said) and wanted.value == got.value)


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


def _is_factor(word: str, answer: str) -> bool:
    """Whether letters after a number are a factor, as in `3x`, rather than a unit."""
    if _NO_UNITS.fullmatch(word):
        return not _is_set_as_unit(word, answer)
    if not re.fullmatch("[A-Za-z]+", word) or _is_set_as_unit(word, answer):
        return False
    return not units.is_known(word) and (len(word) == 1 or _touches(word, answer))


def _is_set_as_unit(word: str, answer: str) -> bool:
    """Whether letters are set upright, as units are and variables are not."""
    face = r"\\(?:text|mathrm|textrm|rm|mbox|textbf|operatorname)"
    return re.search(face + r"\s*\{[\s~\\,]*" + re.escape(word) + r"[\s.]*\}[\s$.]*$", answer) is not None


def _touches(word: str, answer: str) -> bool:
    return re.search(r"[\d}]" + re.escape(word) + r"[\s$.]*$", answer) is not None


def _is_doubtful(word: str, answer: str) -> bool:
    return re.fullmatch("[A-Za-z]", word) is not None and _touches(word, answer)
