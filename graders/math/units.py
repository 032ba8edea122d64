"""Units of measurement: which of them measure the same, and how large they are."""

import re
from fractions import Fraction
from functools import lru_cache

Unit = tuple[str, Fraction]
"""What is measured, such as `m^2` or `m/s`, and how many of its basic units this unit is. A word that is no known unit
measures only itself."""

DEGREE: Unit = ("degree", Fraction(1))
DOLLAR: Unit = ("dollar", Fraction(1))

_TABLE = """
m: m meter metre 1, km kilometer kilometre 1000, cm centimeter centimetre 1/100, mm millimeter millimetre 1/1000
foot: foot feet ft 1, inch inche in 1/12, yard yd 3, mile mi 5280
g: g gram 1, kg kilogram kilo 1000, mg milligram 1/1000, tonne 1000000
pound: pound lb lbs 1, ounce oz 1/16
s: s sec second 1, min minute 60, h hr hour 3600, day 86400, week 604800
year: year yr 1, month 1/12
liter: liter litre l 1, ml milliliter millilitre 1/1000
gallon: gallon gal 1, quart qt 1/4, pint pt 1/8
dollar: dollar buck usd $ 1, cent ¢ 1/100
"""
_KNOWN: dict[str, Unit] = {
    name: (line.partition(":")[0], Fraction(entry.split()[-1]))
    for line in _TABLE.strip().splitlines()
    for entry in line.partition(":")[2].split(",")
    for name in entry.split()[:-1]
}
_COMPOUND = {"mph": "mile/h", "kph": "km/h", "kmh": "km/h", "kmph": "km/h", "fps": "ft/s", "mps": "m/s"}
_PER = re.compile(r"/|(?<=[a-z])per(?=[a-z])")
_PART = re.compile(
    r"(?P<before>square|sq\.?|cubic|cu\.?)?(?P<name>.+?)(?:\^\{?(?P<power>[23])\}?|(?P<after>squared|cubed))?"
)
_POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cu": 3, "cubed": 3}


@lru_cache(maxsize=4096)
def unit(word: str) -> Unit:
    """The unit that a word without white space names: `cm^2`, `squarecentimeters`, `milesperhour`, `apples`."""
    word = word.lower().rstrip(".")
    dimensions, scale = [], Fraction(1)
    for place, part in enumerate(_PER.split(_COMPOUND.get(word, word))):
        dimension, size = _part(part)
        dimensions.append(dimension)
        scale = scale / size if place else scale * size
    return "/".join(dimensions), scale


def is_known(word: str) -> bool:
    """Whether a word names a unit of the table."""
    return _singular(word.lower().rstrip(".")) in _KNOWN or word.lower() in _COMPOUND


def _part(text: str) -> Unit:
    match = _PART.fullmatch(text)
    if match is None:
        return text, Fraction(1)
    marked = (match["before"] or match["after"] or "").rstrip(".")
    power = int(match["power"] or _POWERS.get(marked, 1))
    name = _singular(match["name"])
    dimension, scale = _KNOWN.get(name, (name, Fraction(1)))
    return (dimension if power == 1 else f"{dimension}^{power}"), scale**power


def _singular(name: str) -> str:
    return name[:-1] if len(name) > 2 and name.endswith("s") and name not in _KNOWN else name
