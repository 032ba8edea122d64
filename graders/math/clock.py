"""Colons: times of day and ratios, which math-verify reads as divisions."""

import re
from fractions import Fraction

from hipo_data.graders.math import clean
from hipo_data.graders.math.rule import Rule

_TIME = re.compile(
    r"(?P<hour>\d{1,2})(?:(?P<colon>:)(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?)?(?P<half>[ap])\.?m\.?", re.I
)
_HALF_OF_DAY = (
    (re.compile(r"(?:12(?::00)?)?noon", re.I), "12:00pm"),
    (re.compile(r"(?:12(?::00)?)?midnight", re.I), "12:00am"),
)
_RATIO = re.compile(r"\d+(?:\.\d+)?(?::\d+(?:\.\d+)?)+")
_NAMES = re.compile(r"^(?=[^=]*[A-Za-z])[\w\\{}':/()]+=(?=\d)")
"""What is said to be in a ratio, or the name of a time."""
_NOON = 12


def _times(gold: str, answer: str, question: str) -> bool | None:
    pair = [_TIME.fullmatch(_key(text)) for text in (gold, answer)]
    if any(match and not match["colon"] and int(match["hour"]) > _NOON for match in pair):
        return None  # picometres
    if pair[0] and pair[1]:
        return _seconds(pair[0]) == _seconds(pair[1])
    marked = pair[0] or pair[1]
    bare = _RATIO.fullmatch(_key(answer if pair[0] else gold))
    if marked is None:
        return None
    if bare is None:
        return False if marked["colon"] else None
    parts = [int(float(part)) for part in bare.group().split(":")]
    said = [*parts, 0, 0][:3]
    written = [int(marked["hour"]), int(marked["minute"] or 0), int(marked["second"] or 0)]
    # Without "a.m." or "p.m." it is the time of a clock with 12 hours, or of one with 24.
    return said == written or (said[0] * 60 + said[1]) * 60 + said[2] == _seconds(marked)


def _seconds(time: re.Match[str]) -> int:
    hour = int(time["hour"]) % _NOON + (_NOON if time["half"].lower() == "p" else 0)
    return (hour * 60 + int(time["minute"] or 0)) * 60 + int(time["second"] or 0)


def _ratios(gold: str, answer: str, question: str) -> bool | None:
    pair = [_RATIO.fullmatch(_key(text)) for text in (gold, answer)]
    asked = re.search(r"\bratio\b", question, re.I) is not None
    if not any(pair):
        return None
    if not all(pair):
        return None if asked else False
    parts = [[Fraction(part) for part in match.group().split(":")] for match in pair if match]
    if len(parts[0]) != len(parts[1]):
        return False
    if asked:
        return all(a * parts[1][0] == b * parts[0][0] for a, b in zip(*parts, strict=True))
    return parts[0] == parts[1]


def _key(text: str) -> str:
    key = re.sub(r"(?<=\d)to(?=\d)", ":", clean.key(text)).replace(r"\colon", ":")
    key = _NAMES.sub("", key)
    for pattern, time in _HALF_OF_DAY:
        key = time if pattern.fullmatch(key) else key
    return key


RULES = (
    Rule(
        "times",
        _times,
        accepts=[
            ("3:45 p.m.", r"3:45\text{ PM}"),
            ("15:45", "3:45 p.m."),
            ("3:45 p.m.", "3:45"),
            ("12:10 a.m.", "0:10"),
            ("3:00 p.m.", "3 PM"),
            (r"12:00 \text{ noon}", "12:00"),
            ("noon", "12 p.m."),
            ("5 p.m.", "17:00"),
        ],
        refuses=[
            ("3:45 p.m.", "3:45 a.m."),
            ("3:45 p.m.", "3:54 p.m."),
            ("3:45 a.m.", "15:45"),
            ("3:45 p.m.", "3/45"),
            ("3 pm", "3 am"),
        ],
        leaves=[("3:45", "3:45"), ("3", "4"), ("12 pm", "12"), ("50 pm", "14 pm")],
    ),
    Rule(
        "ratios",
        _ratios,
        accepts=[
            ("2:4", "1:2", "What is the ratio?"),
            ("1:2:3", "2 : 4 : 6", "Find the ratio."),
            ("3:4", r"3 \text{ to } 4"),
            ("7:32", "S_{1}:S_{2}=7:32"),
            ("S_{1}:S_{2}=7:32", "7:32"),
            ("1:2", "1:2.0"),
        ],
        refuses=[
            ("11:30", r"\frac{11}{30}"),
            ("11/30", "11:30"),
            ("5:3", "5"),
            ("1:2", "2:1"),
            ("7:32", "S_{1}:S_{2}=32:7"),
            ("11:30", "11:31"),
            ("1:2:3", "1:2", "What is the ratio?"),
        ],
        leaves=[("1:2", r"\frac12", "Find the ratio of a to b."), ("1", "2")],
    ),
)
