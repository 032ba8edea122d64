"""Whether two expressions have the same value: exactly where they are rational, at many points elsewhere.

Equality at random points is the test of Schwartz (1980) and Zippel (1979); with exact arithmetic, a rational function
passes it by chance hardly ever. Symbols stand for positive numbers, unless their sign matters to one of the sides.
"""

import math
import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import mpmath

from hipo_data.graders.math.expressions.nodes import Node
from hipo_data.graders.math.expressions.value import (
    NotRationalError,
    NoValueError,
    Point,
    TooLargeError,
    exact,
    numeric,
)

_DIGITS = 50
_EQUAL = 30
"""Digits to which equal values agree."""
_NEEDED = 6
"""Points at which both sides have a real value."""
_TRIES = 24
_EXACT_POINTS = 8
_MAX_SYMBOLS = 12
_WHOLE_LETTERS = frozenset("kmn")


def same(first: Node, second: Node) -> bool | None:
    """Whether both are equal, wherever both have a value; None where that could not be told.

    `log` may have either base and degrees may be angles or numbers, as long as they are the same on both sides. Equal
    only where `f(x)` is a product is None.
    """
    if first == second:
        return True
    nodes = [*first.walk(), *second.walk()]
    said: bool | None = None
    for point in _readings(nodes):
        found = _same(first, second, nodes, point)
        if found:
            return True if point.functions else None
        said = found if said is None else said
    return said


def proportional(first: Node, second: Node) -> bool | None:
    """Whether one is the other times a number other than zero, so that both vanish at the same points."""
    nodes = [*first.walk(), *second.walk()]
    ratio: Any = None
    found = 0
    with mpmath.workdps(_DIGITS):
        for symbols in _points(nodes):
            point = Point(symbols)
            try:
                values = [numeric(node, point) for node in (first, second)]
            except (NoValueError, TooLargeError):
                continue
            if not all(values):
                if any(values):
                    return False
                continue
            if ratio is not None and not _close(values[0] / values[1], ratio):
                return False
            ratio, found = values[0] / values[1], found + 1
            if found >= _NEEDED:
                return True
    return None


def _readings(nodes: list[Node]) -> Iterator[Point]:
    calls = {node.name for node in nodes if node.kind == "call"}
    bases = (False, True) if any(n.name == "log" and len(n.parts) == 1 for n in nodes) else (False,)
    angles = (False, True) if "degrees" in calls else (False,)
    functions = (True, False) if "opaque" in calls else (True,)
    for base, radians, opaque in product(bases, angles, functions):
        yield Point({}, base, radians, opaque)


def _same(first: Node, second: Node, nodes: list[Node], reading: Point) -> bool | None:
    try:
        return _same_exactly(first, second, nodes, reading)
    except (NotRationalError, NoValueError):
        pass
    constant = not any(node.kind == "symbol" for node in nodes)
    imaginary = any(node.kind == "constant" and node.name == "i" for node in nodes)
    informative, bent = 0, _is_bent(nodes)
    for symbols in _points(nodes):
        point = Point(symbols, reading.decimal_logarithm, reading.radians, reading.functions)
        sizes = [_size(node, point) for node in (first, second)]
        if None in sizes:
            if constant:
                return None
            continue
        if TooLargeError in sizes:
            # Only where one of them is too large for a value are they certainly different.
            if constant and sizes.count(TooLargeError) == 1:
                return False
            if constant:
                return None
            continue
        equal = _agree(*sizes)
        if constant:
            return equal
        if not imaginary and any(abs(mpmath.im(size[0])) > abs(size[0]) * 1e-20 for size in sizes):
            # Not where these functions are real: branches may differ. If they agree all the same, good.
            continue
        if not equal:
            return False
        informative += 1
        if informative >= _NEEDED and not bent:
            return True
    return True if informative >= _NEEDED else None


def _same_exactly(first: Node, second: Node, nodes: list[Node], reading: Point) -> bool:
    checked, bent = 0, _is_bent(nodes)
    for symbols in _points(nodes):
        point = Point(symbols, reading.decimal_logarithm, reading.radians, reading.functions)
        try:
            pair = exact(first, point), exact(second, point)
        except NoValueError:
            if not symbols:
                raise
            continue
        if pair[0] != pair[1]:
            return False
        checked += 1
        if not symbols or (checked >= _EXACT_POINTS and not bent):
            return True
    if checked < _EXACT_POINTS:
        raise NoValueError("no points")
    return True


def _size(node: Node, point: Point) -> Any:
    """The value to many digits, and to more; None where there is none, `TooLargeError` where it is too large."""
    try:
        found = []
        for digits in (_DIGITS, _DIGITS + 20):
            with mpmath.workdps(digits):
                found.append(numeric(node, point))
        return tuple(found)
    except TooLargeError:
        return TooLargeError
    except NoValueError:
        return None


def _agree(first: tuple[Any, Any], second: tuple[Any, Any]) -> bool:
    with mpmath.workdps(_DIGITS + 20):
        values = [_noiseless(*pair) for pair in (first, second)]
        return _close(values[0], values[1])


def _noiseless(few: Any, more: Any) -> Any:
    """The value; zero where more digits change it: what is left of a sum that cancels out."""
    return more if abs(few - more) <= abs(more) * mpmath.mpf(10) ** -10 else mpmath.mpf(0)


def _close(first: Any, second: Any) -> bool:
    return bool(abs(first - second) <= max(abs(first), abs(second)) * mpmath.mpf(10) ** -_EQUAL)


def value(node: Node) -> Fraction | None:
    """The value of an expression without symbols, real and finite, to many digits; None for any other."""
    if any(part.kind == "symbol" for part in node.walk()):
        return None
    try:
        return exact(node, Point())
    except (NotRationalError, NoValueError):
        pass
    size = _size(node, Point())
    if size is None or size is TooLargeError:
        return None
    number = _noiseless(*size)
    if abs(mpmath.im(number)) > abs(number) * mpmath.mpf(10) ** -_EQUAL or abs(mpmath.mag(number or 1)) > 4000:
        return None
    sign, digits, power, _ = mpmath.mpf(mpmath.re(number))._mpf_
    return Fraction(int(digits)) * Fraction(2) ** int(power) * (-1 if sign else 1)


def _points(nodes: list[Node]) -> Iterator[dict[str, Fraction]]:
    """Points at which to compare: positive numbers of all sizes and orders; whole ones where they have to be.

    Where a function has a corner or steps, on both sides of zero and of the numbers that are written there.
    """
    symbols = sorted({node.name for node in nodes if node.kind == "symbol"})
    if not symbols:
        yield {}
        return
    if len(symbols) > _MAX_SYMBOLS:
        return
    whole = _whole(nodes)
    bent = _is_bent(nodes)
    largest = max((math.ceil(abs(node.value)) for node in nodes if node.kind == "number"), default=1) if bent else 1
    scales = (2, 1, 8, 3 * largest, 30, largest + 1) if bent else (2, 1, 8, 3, 30, 1)
    rng = random.Random(2509)
    for number in range(_TRIES * 4 if bent else _TRIES):
        scale = scales[number % 6]
        chosen = {}
        for symbol in symbols:
            if symbol in whole:
                chosen[symbol] = Fraction(rng.randrange(1, max(9, scale) if bent else 9))
            else:
                size = Fraction(rng.randrange(1, 9973), 9973) * scale
                chosen[symbol] = -size if bent and rng.random() < 0.5 else size
        yield chosen


def _is_bent(nodes: list[Node]) -> bool:
    """Whether a function is other expressions in other places, so that few points say little."""
    return any(node.kind == "call" and node.name in ("abs", "floor", "ceiling", "max", "min") for node in nodes)


def _whole(nodes: list[Node]) -> set[str]:
    """The symbols in factorials, binomials, common divisors and multiples, and exponents of negative numbers; those
    that steps are made of, by their letters."""
    found: set[str] = set()
    for node in nodes:
        inside: tuple[Node, ...] = ()
        if node.kind == "call" and node.name in ("floor", "ceiling"):
            found |= {part.name for part in node.walk() if part.kind == "symbol" and part.name in _WHOLE_LETTERS}
        if node.kind == "call" and node.name in ("factorial", "binomial", "gcd", "lcm"):
            inside = node.parts
        elif node.kind == "power" and not any(part.kind == "symbol" for part in node.parts[0].walk()):
            base = value(node.parts[0])
            inside = node.parts[1:] if base is not None and base < 0 else ()
        found |= {part.name for top in inside for part in top.walk() if part.kind == "symbol"}
    return found
