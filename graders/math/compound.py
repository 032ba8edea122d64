"""Measures in several units: `2 hours 30 minutes`, `5 ft 6 in`."""

import re
from fractions import Fraction

from hipo_data.graders.math import clean, units
from hipo_data.graders.math.rule import Rule

_PART = r"\d+(?:\.\d+)?\s*[A-Za-z]{1,8}\.?"
_PARTS = re.compile(rf"{_PART}(?:\s*(?:,|and|,\s*and)?\s*{_PART})*")
_LONGEST = 100


def _compound(gold: str, answer: str, question: str) -> bool | None:
    pair = [_read(text) for text in (gold, answer)]
    wanted, got = pair
    if wanted is None or got is None or wanted[0] + got[0] < 3:
        return None
    return wanted[1:] == got[1:]


def _read(text: str) -> tuple[int, str, Fraction] | None:
    """How many units, what they measure, and how much; null for any other answer."""
    plain = clean.outside(clean.words_apart(text)).strip()
    if len(plain) > _LONGEST or not _PARTS.fullmatch(plain):
        return None
    parts = [re.fullmatch(r"([\d.]+)\s*([A-Za-z]+)\.?", part) for part in re.findall(_PART, plain)]
    found = [(Fraction(part[1]), units.read(part[2])) for part in parts if part and units.is_known(part[2])]
    known = [(number, unit) for number, unit in found if unit is not None]
    sizes = [unit[1] for _, unit in known]
    if len(known) < len(parts) or len({unit[0] for _, unit in known}) != 1 or sizes != sorted(sizes, reverse=True):
        return None
    return len(known), known[0][1][0], sum((number * unit[1] for number, unit in known), Fraction(0))


RULES = (
    Rule(
        "compound units",
        _compound,
        accepts=[
            (r"2 \text{ hours } 30 \text{ minutes}", r"150\text{ min}"),
            ("4 hours and 30 minutes", r"4.5\text{ hours}"),
            (r"5\text{ ft }6\text{ in}", "66 inches"),
            ("1 h 1 min 1 s", "3661 s"),
        ],
        refuses=[("2 hours 30 minutes", "2.3 hours"), ("2 hours 30 minutes", "150 s"), ("5 ft 6 in", "5.6 ft")],
        leaves=[("150 min", "2.5 hours"), ("2 hours 30 minutes", "150"), ("2 apples 3 pears", "5 apples"), ("3", "4")],
    ),
)
