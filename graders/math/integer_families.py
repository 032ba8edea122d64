r"""Families of values: `\frac{\pi}{4} + k\pi` for every integer k, whatever its letter and wherever it begins counting.

The general solution of a trigonometric equation is written in many ways that are one set: `-\frac{\pi}{4} + n\pi` and
`\frac{3\pi}{4} + k\pi`, `\pm\frac{\pi}{3} + 2k\pi` and two families. Sets that repeat are compared by what is in one
period of both. Imported in workers only: it brings mpmath.
"""

import re
from collections.abc import Collection, Iterator
from fractions import Fraction
from math import gcd, lcm
from typing import Any, NamedTuple

import mpmath

from hipo_data.graders.math import clean, inequalities
from hipo_data.graders.math.expressions.nodes import Node, UnreadableError
from hipo_data.graders.math.expressions.read import expression
from hipo_data.graders.math.expressions.value import NoValueError, Point, TooLargeError, numeric

_LETTERS = frozenset("klmn")
"""Of integers that nobody introduced."""
_INTEGERS = r"(?:\\(?:mathbb|mathbf|Bbb)\s*\{?\s*Z\s*\}?|ℤ|Z(?![A-Za-z])|(?:the\s+)?integers)"
_WORDS = r"(?:\b(?:where|for|with|and)\b|[,;:(])*\s*"
_DECLARED = tuple(
    re.compile(rf"{_WORDS}\s*{said}\s*[)]?\s*[.]?\s*$")
    for said in (
        rf"(?P<name>[a-zA-Z])\s*\\in\s*{_INTEGERS}",
        r"(?P<name>[a-zA-Z])\s+is\s+(?:an|any|some)\s+integer",
        r"(?:any|all|every|each|an|some)\s+integers?\s+(?P<name>[a-zA-Z])",
        r"integers?\s+(?P<name>[a-zA-Z])",
    )
)
_SIZING = re.compile(r"\\(?:left|right)(?![A-Za-z])|\$")
_BETWEEN = re.compile(r",|;|\bor\b|\band\b|\\(?:lor|vee|cup)(?![A-Za-z])")
_HEAD = re.compile(r"^\s*\\?[a-zA-Z]+\s*(?:=|\\in(?![A-Za-z]))\s*")
_NOT = re.compile(r"^\s*[a-zA-Z]\s*(?:\\neq?(?![a-zA-Z])|!=)\s*")
_PLACES = re.compile(r"\s*([\[(])([^,;]+)[,;]([^,;]+)([\])])\s*", re.S)
_RESIDUES = re.compile(
    r"(?:[a-zA-Z]\s*\\equiv\s*)?(?P<residues>(?:\\pm\s*)?-?\d+(?:(?:\s*,\s*|\s*(?:,\s*)?\bor\b\s*)-?\d+)*)"
    r"\s*\(?\s*\\(?:pmod|bmod|mod)\s*\{?\s*(?P<modulus>\d+)\s*\}?\s*\)?\s*(?:,?\s*\bor\b|[,;]|$)\s*"
)
_SET = re.compile(r"^\s*\\\{(?:\s*\\?[a-zA-Z]+\s*(?:\\mid|\\colon|[|:]))?(.*)\\\}\s*$", re.S)
_ANGLE = re.compile(r"\\pi(?![A-Za-z])|π|\\circ|°")
_DIGITS = 40
_AGREE = mpmath.mpf(10) ** -25
_COUNTED = range(-2, 4)
_MOST = 400
"""Members of a period."""


class _Class(NamedTuple):
    """All values `first + j · step` for integers j."""

    first: Any
    step: Any


def decide(gold: str, answer: str, question: str = "") -> bool | None:
    """Whether two families are one set of numbers; None where one of them is no family, or is not read.

    A letter is an integer's where its side says so. Where only the other side does, or none but both are angles, it is
    one of k, l, m, n that the question does not name.
    """
    if not _may_be(gold) or not _may_be(answer):
        return None
    sides = [_declared(text) for text in (gold, answer)]
    told = any(name or _residues(text) for name, text in sides)
    if not told and not all(_ANGLE.search(text) for text in (gold, answer)):
        return None
    excluded = [_NOT.match(text) is not None for _, text in sides]
    if excluded[0] != excluded[1]:
        return None
    free = frozenset(letter for letter in _LETTERS if not re.search(rf"(?<![A-Za-z\\]){letter}(?![A-Za-z])", question))
    with mpmath.workdps(_DIGITS):
        owned = [(_NOT.sub("", text), {name} if name else free) for name, text in sides]
        lines = [_line(text, names) for text, names in owned]
        if lines[0] and lines[1]:
            return _same_line(lines[0], lines[1])
        found = [_residues(text) or _classes(text, names) for text, names in owned]
        return None if found[0] is None or found[1] is None else _same(found[0], found[1])


def _may_be(text: str) -> bool:
    return len(text) < 300 and re.search(r"[kKlmMnN]|\\in(?![a-z])|integer|\\equiv|mod", text) is not None


def _declared(text: str) -> tuple[str | None, str]:
    """The letter that a text says is an integer, if it does, and the text without that."""
    text = _SIZING.sub(" ", clean.words_apart(text)).replace("π", r"\pi ")
    if match := _SET.match(text):
        text = match[1]
    for pattern in _DECLARED:
        if match := pattern.search(text):
            return match["name"], text[: match.start()]
    return None, text


def _classes(text: str, names: Collection[str]) -> list[_Class] | None:
    """The classes that a list of expressions in one integer stands for, which has one of these names."""
    found: list[_Class] = []
    for item in filter(str.strip, _BETWEEN.split(text)):
        try:
            node = expression(clean.tex(_HEAD.sub("", item)))
        except UnreadableError:
            return None
        symbols = {each.name for each in node.walk() if each.kind == "symbol"}
        if len(symbols) != 1 or not symbols <= set(names):
            return None
        names = symbols
        (name,) = symbols
        signs = (True, False) if any(each.kind == "signs" for each in node.walk()) else (True,)
        for plus in signs:
            classes = _of_expression(node, name, plus)
            if classes is None:
                return None
            found += classes
    return found or None


def _residues(text: str) -> list[_Class] | None:
    """The classes that congruences name, of which one has to hold; None where anything else is said."""
    found: list[_Class] = []
    text, at = text.strip().rstrip(".").strip(), 0
    while at < len(text):
        match = _RESIDUES.match(text, at)
        if match is None or not int(match["modulus"]):
            return None
        at = match.end()
        numbers = [int(number) for number in re.findall(r"-?\d+", match["residues"])]
        if "pm" in match["residues"]:
            numbers.append(-numbers[0])
        found += [_Class(mpmath.mpf(number), mpmath.mpf(match["modulus"])) for number in numbers]
    return found or None


class _Line(NamedTuple):
    """Intervals or points `first + k · step` for integers k, two numbers each, and their brackets."""

    brackets: str
    first: tuple[Any, Any]
    step: tuple[Any, Any]


def _line(text: str, names: Collection[str]) -> _Line | None:
    """The intervals between two expressions in an integer, or the points that have them as coordinates."""
    text = inequalities.intervals(text) or clean.tex(_HEAD.sub("", text))
    match = _PLACES.fullmatch(text)
    if match is None:
        return None
    try:
        nodes = [expression(match[2]), expression(match[3])]
        letters = {each.name for node in nodes for each in node.walk() if each.kind == "symbol"}
        if len(letters) != 1 or not letters <= set(names):
            return None
        values = [[numeric(node, Point({name: Fraction(k) for name in letters})) for k in range(3)] for node in nodes]
    except (UnreadableError, NoValueError, TooLargeError):
        return None
    if any(abs(mpmath.im(value)) > _AGREE for side in values for value in side):
        return None
    if any(abs(value[2] - 2 * value[1] + value[0]) > _AGREE for value in values):
        return None
    first, step = ((values[0][0], values[1][0]), (values[0][1] - values[0][0], values[1][1] - values[1][0]))
    return _Line(match[1] + match[4], first, step)


def _same_line(gold: _Line, answer: _Line) -> bool:
    """Whether both go on by the same step, in either direction, and meet."""
    if gold.brackets != answer.brackets:
        return False
    along = [b / a for a, b in zip(gold.step, answer.step, strict=True) if abs(a) > _AGREE]
    if any(abs(abs(share) - 1) > _AGREE or abs(share - along[0]) > _AGREE for share in along):
        return False
    if any(abs(a) < _AGREE < abs(b) for a, b in zip(gold.step, answer.step, strict=True)):
        return False
    apart = [b - a for a, b in zip(gold.first, answer.first, strict=True)]
    count = next(mpmath.nint(mpmath.re(d / a)) for d, a in zip(apart, gold.step, strict=True) if abs(a) > _AGREE)
    return all(abs(d - count * a) < _AGREE for d, a in zip(apart, gold.step, strict=True))


def _of_expression(node: Node, name: str, plus: bool) -> list[_Class] | None:
    """An expression that grows by the same with every second integer, as `(-1)^k \\frac{\\pi}{6} + k\\pi` does too."""
    try:
        values = [numeric(node, Point({name: Fraction(k)}, plus=plus)) for k in _COUNTED]
    except (NoValueError, TooLargeError):
        return None
    if any(abs(mpmath.im(value)) > _AGREE for value in values):
        return None
    real = [mpmath.re(value) for value in values]
    steps = [later - value for value, later in zip(real, real[2:], strict=False)]
    if abs(steps[0]) < _AGREE or any(abs(step - steps[0]) > _AGREE * abs(steps[0]) for step in steps):
        return None
    return [_Class(real[0], abs(steps[0])), _Class(real[1], abs(steps[0]))]


def _same(gold: list[_Class], answer: list[_Class]) -> bool | None:
    unit = gold[0].step
    parts = [Fraction(str(each.step / unit)).limit_denominator(_MOST) for each in (*gold, *answer)]
    if any(
        not part or abs(each.step / unit * part.denominator / part.numerator - 1) > _AGREE
        for part, each in zip(parts, (*gold, *answer), strict=True)
    ):
        return False  # no number is a period of both
    whole = Fraction(lcm(*(part.numerator for part in parts)), gcd(*(part.denominator for part in parts)))
    if any(whole / part > _MOST for part in parts):
        return None
    period = unit * whole.numerator / whole.denominator
    wanted, got = (
        [place for each, part in zip(side, own, strict=True) for place in _members(each, period, int(whole / part))]
        for side, own in ((gold, parts[: len(gold)]), (answer, parts[len(gold) :]))
    )
    return all(_is_among(place, got) for place in wanted) and all(_is_among(place, wanted) for place in got)


def _members(each: _Class, period: Any, count: int) -> Iterator[Any]:
    """Those in one period, as shares of it."""
    for j in range(count):
        share = (each.first + j * each.step) / period
        yield share - mpmath.floor(share)


def _is_among(place: Any, others: list[Any]) -> bool:
    return any(min(abs(place - other), 1 - abs(place - other)) < _AGREE for other in others)
