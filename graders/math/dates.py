"""Dates, whose hyphens and slashes math-verify reads as differences and quotients."""

import re
from typing import NamedTuple

from hipo_data.graders.math import clean, numbers
from hipo_data.graders.math.rule import Rule

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = r"(?P<month>[A-Za-z]{3,9})\.?"
_DAY = r"(?:the\s+)?(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:\s*,?\s*(?P<year>\d{4}))?"
_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day\s*,?\s*)?"
_NAMED = tuple(
    re.compile(_WEEKDAY + said + _YEAR, re.I) for said in (rf"{_MONTH}\s*{_DAY}", rf"{_DAY}\s*(?:of\s+)?{_MONTH}")
)
_NUMBERED = re.compile(
    r"(?P<year>\d{4})(?:(?P<mark>[-/.])(?P<month>\d{2})(?P=mark)|年(?P<m>\d{1,2})月)(?P<day>\d{1,2})日?"
)
_UNORDERED = re.compile(r"\d{1,2}/\d{1,2}/\d{4}")
"""Day and month in the order that the writer is used to."""


class _Date(NamedTuple):
    year: int | None
    month: int
    day: int


def _dates(gold: str, answer: str, question: str) -> bool | None:
    plain = [
        clean.outside(re.sub(r"\^\s*\{?\s*(st|nd|rd|th)\s*\}?", r"\1", clean.words_apart(text)))
        for text in (gold, answer)
    ]
    if all(map(_UNORDERED.fullmatch, plain)):
        return plain[0] == plain[1]
    pair = [_read(" ".join(text.split())) for text in plain]
    if pair[0] is None or pair[1] is None:
        written = [_NUMBERED.fullmatch(text) for text in plain]
        other = answer if written[0] else gold
        return False if any(written) and numbers.read(other) else None
    years = {date.year for date in pair if date and date.year is not None}
    return pair[0][1:] == pair[1][1:] and len(years) < 2


def _read(text: str) -> _Date | None:
    if match := _NUMBERED.fullmatch(text):
        return _Date(int(match["year"]), int(match["month"] or match["m"]), int(match["day"]))
    for pattern in _NAMED:
        if match := pattern.fullmatch(text):
            names = [place for place, name in enumerate(_MONTHS, start=1) if name.startswith(match["month"].lower())]
            if len(names) == 1:
                return _Date(int(match["year"]) if match["year"] else None, names[0], int(match["day"]))
    return None


RULES = (
    Rule(
        "dates",
        _dates,
        accepts=[
            (r"\text{March 5}", r"\text{March } 5^{\text{th}}"),
            ("March 5", "5 March"),
            ("March 5, 2024", "2024-03-05"),
            ("Sept. 3", "the 3rd of September"),
            ("March 5, 2024", "Tuesday, March 5th"),
            ("2024年3月5日", "2024-03-05"),
        ],
        refuses=[
            ("2024-03-05", "2024-05-03"),
            ("2024-03-05", "2016"),
            ("March 5", "March 6"),
            ("March 5", "May 5"),
            ("March 5, 2024", "March 5, 2023"),
            ("1/2/2020", "2/4/2020"),
        ],
        leaves=[("5", "March 5"), ("1/2", "2/4"), ("10-3-2", "5"), ("March", "March"), ("box 5", "box 6")],
    ),
)
