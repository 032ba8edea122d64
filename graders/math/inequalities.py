"""Inequalities in one variable as the intervals that they describe, which is how math-verify compares them."""

import re
from fractions import Fraction
from typing import NamedTuple

from hipo_data.graders.math import clean, numbers

_VARIABLE = r"(?P<variable>[a-zA-Z]|\\(?:theta|alpha|beta|lambda|mu))"
_BOUND = r"[^<>=,|&:]+?"
_SIGN = r"(?:<=?|>=?)"
_DOUBLE = re.compile(rf"(?P<low>{_BOUND})(?P<first>{_SIGN}){_VARIABLE}(?P<second>{_SIGN})(?P<high>{_BOUND})")
_RIGHT = re.compile(rf"{_VARIABLE}(?P<sign>{_SIGN}|!=)(?P<bound>{_BOUND})")
_LEFT = re.compile(rf"(?P<bound>{_BOUND})(?P<sign>{_SIGN}|!=){_VARIABLE}")
_ABSOLUTE = re.compile(rf"(?:\||\\vert|\\lvert){_VARIABLE}(?:\||\\vert|\\rvert)(?P<sign>{_SIGN})(?P<bound>{_BOUND})")
_MEMBER = re.compile(rf"{_VARIABLE}\\in(?![a-z])(?P<set>.+)")
_BUILDER = re.compile(
    r"\\?\{\s*[a-zA-Z]\s*(?:\\in\s*\\(?:mathbb|mathbf)\{?R\}?\s*)?(?:\\mid|\\vert|\||:|\\colon)(.+?)\\?\}", re.S
)
_OR = re.compile(r"(?:\\(?:text|mbox|textrm|mathrm)\s*\{[\s,]*or\s*\}|\bor\b|\\lor\b|\\vee\b|或)")
_AND = re.compile(r"(?:\\(?:text|mbox|textrm|mathrm)\s*\{[\s,]*and\s*\}|\band\b|\\land\b|\\wedge\b|且)")
_SIGNS = (
    (r"\\(?:leqslant|leqq|leq|le)(?![a-z])|≤", "<="),
    (r"\\(?:geqslant|geqq|geq|ge)(?![a-z])|≥", ">="),
    (r"\\(?:neq|ne)(?![a-z])|≠", "!="),
    (r"\\lt(?![a-z])", "<"),
    (r"\\gt(?![a-z])", ">"),
)
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!="}
_INTERVALS = re.compile(r"\s*(?:\\?[\[(].*[\])]|.*\\cup.*|.*\\infty.*)\s*", re.S)

AS_INTERVALS = (
    (r"x < -2 \text{ or } x > 2", r"(-\infty,-2)\cup(2,\infty)"),
    (r"|x| \ge 2", r"(-\infty,-(2)]\cup[2,\infty)"),
    ("|x|<1", "(-(1),1)"),
    (r"-1 < x \text{ and } x \le 1", "(-1,1]"),
    (r"1 \le x < 2", "[1,2)"),
    (r"\{x : x > 2\}", r"(2,\infty)"),
    (r"\{x \in \mathbb{R} \mid 1 < x < 2\}", "(1,2)"),
    (r"x \neq 3", r"(-\infty,3)\cup(3,\infty)"),
    (r"x \in [2,5]", "[2,5]"),
    (r"x < -1 或 x > 2", r"(-\infty,-1)\cup(2,\infty)"),
    (r"x > 0, x \neq 1", r"(0,1)\cup(1,\infty)"),
    (r"x \ge 1 \text{ and } x \neq 1", r"(1,\infty)"),
    (r"0 < x < 3 且 x \neq 5", "(0,3)"),
    (r"x \neq 0, x \neq 2", r"(-\infty,0)\cup(0,2)\cup(2,\infty)"),
)
NOT_INTERVALS = (
    "x = 3",
    "x > y > z > 1",
    "(1,2)",
    "5",
    "x < 1 and x > 2 or x > 3",
    r"x^2 + y^2 < 1",
    "x > 1, y > 2",
    r"x > a, x \ne 1",
)


class _Range(NamedTuple):
    variable: str
    low: str | None
    high: str | None
    low_closed: bool = False
    high_closed: bool = False

    def __str__(self) -> str:
        opening = f"{'[' if self.low_closed else '('}{self.low}" if self.low else r"(-\infty"
        closing = f"{self.high}{']' if self.high_closed else ')'}" if self.high else r"\infty)"
        return f"{opening},{closing}"


def intervals(answer: str) -> str | None:
    """The union of intervals that an answer of inequalities describes; None for any other answer."""
    text = clean.undelimited(answer)
    if builder := _BUILDER.fullmatch(text):
        text = builder[1]
    for pattern, sign in _SIGNS:
        text = re.sub(pattern, sign, text)
    if member := _MEMBER.fullmatch(re.sub(r"\s+", "", text)):
        return member["set"] if _INTERVALS.fullmatch(member["set"]) else None
    if _OR.search(text) and _AND.search(text):
        return None
    found = [_ranges(re.sub(r"[\s.]+$|\s+", "", part)) for part in _OR.split(text)]
    # A comma before what is excluded can only mean "and".
    between = _AND if _AND.search(text) else re.compile(",") if "!=" in text else None
    if len(found) == 1 and between is not None and between.search(text):
        found = [_together([re.sub(r"[\s.]+$|\s+", "", part) for part in between.split(text)])]
    ranges = [item for part in found for item in part or ()]
    if not all(found) or len({item.variable for item in ranges}) != 1:
        return None
    return r"\cup".join(map(str, ranges))


def are_intervals(answer: str) -> bool:
    """Whether an answer is written with brackets, as intervals are."""
    return bool(_INTERVALS.fullmatch(clean.tex(answer))) and not re.search(r"[<>]|\\(?:le|ge|lt|gt|ne)", answer)


def _ranges(text: str) -> list[_Range] | None:
    if match := _DOUBLE.fullmatch(text):
        signs = {match["first"][0], match["second"][0]}
        if len(signs) != 1:
            return None
        made = _Range(match["variable"], match["low"], match["high"], "=" in match["first"], "=" in match["second"])
        return [
            made if signs == {"<"} else _Range(made.variable, made.high, made.low, made.high_closed, made.low_closed)
        ]
    if match := _ABSOLUTE.fullmatch(text):
        bound, closed = match["bound"], "=" in match["sign"]
        if match["sign"][0] == "<":
            return [_Range(match["variable"], f"-({bound})", bound, closed, closed)]
        low = _Range(match["variable"], None, f"-({bound})", high_closed=closed)
        return [low, _Range(match["variable"], bound, None, closed)]
    if match := _RIGHT.fullmatch(text):
        return _one_sided(match["variable"], match["sign"], match["bound"])
    if match := _LEFT.fullmatch(text):
        return _one_sided(match["variable"], _TURNED[match["sign"]], match["bound"])
    return None


def _one_sided(variable: str, sign: str, bound: str) -> list[_Range]:
    closed = "=" in sign
    if sign == "!=":
        return [_Range(variable, None, bound), _Range(variable, bound, None)]
    return [_Range(variable, None, bound, False, closed) if sign[0] == "<" else _Range(variable, bound, None, closed)]


def _together(parts: list[str]) -> list[_Range] | None:
    """Where all of these hold, of which some may only take a number out."""
    points = [match for part in parts if (match := _RIGHT.fullmatch(part)) and match["sign"] == "!="]
    rest = [_ranges(part) for part in parts if not any(match.string == part for match in points)]
    if not rest:
        rest = [[_Range(points[0]["variable"], None, None)]]
    found = _both(rest) if len(rest) > 1 else rest[0]
    for match in points:
        if not found or found[0].variable != match["variable"]:
            return None
        found = _without(found, match["bound"])
    return found


def _without(ranges: list[_Range], bound: str) -> list[_Range] | None:
    """Ranges without a number; None where it is not told in which of them it is."""
    point, found = _number(bound), []
    for item in ranges:
        low, high = (None if end is None else _number(end) for end in (item.low, item.high))
        if point is None or (low is None and item.low is not None) or (high is None and item.high is not None):
            return None
        if (low is not None and point < low) or (high is not None and point > high):
            found.append(item)
            continue
        if point != low:
            found.append(item._replace(high=bound, high_closed=False))
        if point != high:
            found.append(item._replace(low=bound, low_closed=False))
    return found


def _number(text: str) -> Fraction | None:
    number = numbers.read(text)
    return None if number is None or number.percent or number.unit else number.value


def _both(parts: list[list[_Range] | None]) -> list[_Range] | None:
    """Where a lower and an upper bound hold together."""
    sides = [part[0] for part in parts if part and len(part) == 1]
    if len(parts) != 2 or len(sides) != 2 or sides[0].variable != sides[1].variable:
        return None
    low, high = sorted(sides, key=lambda side: side.low is None)
    if low.low is None or low.high is not None or high.low is not None:
        return None
    return [_Range(low.variable, low.low, high.high, low.low_closed, high.high_closed)]
