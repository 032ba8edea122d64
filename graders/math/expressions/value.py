"""The value of an expression at a point: exact where it is rational, to many digits elsewhere."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import mpmath

from hipo_data.graders.math.expressions.nodes import SEVERAL, Node

_MOST_BITS = 200_000
"""Of a value, whether in front of or behind the point; what is longer is too large."""
_MOST_EXACT_BITS = 20_000
_MOST_FACTORIAL = 5_000


class NotRationalError(ValueError):
    """The value is no rational number, or none that is found without a root or a function."""


class NoValueError(ValueError):
    """There is no value: a division by zero, an unknown form, or an infinity."""


class TooLargeError(ValueError):
    """The value is finite, and larger than anything that is computed here."""


@dataclass(frozen=True)
class Point:
    """Where and how to evaluate: values of the symbols; the base of `log`; whether degrees are angles or mere numbers;
    whether letters such as f are functions; the sign that `\\pm` stands for."""

    symbols: Mapping[str, Fraction] = field(default_factory=dict)
    decimal_logarithm: bool = False
    radians: bool = False
    functions: bool = True
    plus: bool = True


def exact(node: Node, point: Point) -> Fraction:
    """The rational value of `node`. Raises `NotRationalError`, `NoValueError` or `TooLargeError`."""
    kind, parts = node.kind, node.parts
    if kind == "number":
        return node.value
    if kind == "symbol":
        return point.symbols[node.name]
    if kind == "sum":
        return sum((exact(part, point) for part in parts), Fraction(0))
    if kind == "product":
        return exact(parts[0], point) * exact(parts[1], point)
    if kind == "quotient":
        top, bottom = exact(parts[0], point), exact(parts[1], point)
        if not bottom:
            raise NoValueError("division by zero")
        return top / bottom
    if kind == "signs":
        return exact(parts[0], point) * _sign(node, point)
    if kind == "power":
        return _exact_power(exact(parts[0], point), exact(parts[1], point))
    if kind == "call":
        return _exact_call(node, point)
    raise NotRationalError(kind)


def _exact_power(base: Fraction, power: Fraction) -> Fraction:
    if power.denominator != 1:
        raise NotRationalError("a root")
    if not base and power <= 0:
        raise NoValueError("a power of zero")
    bits = max(abs(base.numerator).bit_length(), base.denominator.bit_length())
    if abs(base) != 1 and base and bits * abs(power) > _MOST_EXACT_BITS:
        raise NotRationalError("long")
    return base ** int(power if abs(base) != 1 else power % 2)


def _exact_call(node: Node, point: Point) -> Fraction:
    if node.name == "abs":
        return abs(exact(node.parts[0], point))
    if node.name in ("floor", "ceiling"):
        value = exact(node.parts[0], point)
        return Fraction(math.floor(value) if node.name == "floor" else math.ceil(value))
    if node.name == "degrees" and not point.radians:
        return exact(node.parts[0], point)
    if node.name == "factorial":
        value = exact(node.parts[0], point)
        if value.denominator == 1 and 0 <= value <= 500:
            return Fraction(math.factorial(int(value)))
    if node.name == "binomial":
        top, bottom = (exact(part, point) for part in node.parts)
        if top.denominator == bottom.denominator == 1 and 0 <= top <= 2000 and bottom >= 0:
            return Fraction(math.comb(int(top), int(bottom)))
    if node.name in SEVERAL:
        return _exact_of_several(node.name, [exact(part, point) for part in node.parts])
    raise NotRationalError(node.name)


def _exact_of_several(name: str, values: Sequence[Fraction]) -> Fraction:
    if name in ("max", "min"):
        return max(values) if name == "max" else min(values)
    if any(value.denominator != 1 for value in values):
        raise NoValueError("a divisor of numbers that are not whole")
    whole = [int(value) for value in values]
    return Fraction(math.gcd(*whole) if name == "gcd" else math.lcm(*whole))


def numeric(node: Node, point: Point) -> Any:
    """The complex value of `node`, an `mpmath.mpc`, to the digits that mpmath is set to.

    Raises `NoValueError` or `TooLargeError`. Roots and logarithms have their principal values, but odd roots of
    negative real numbers are real.
    """
    try:
        value = _numeric(node, point)
    except (ZeroDivisionError, OverflowError, ArithmeticError, ValueError, TypeError) as error:
        if isinstance(error, NoValueError | TooLargeError):
            raise
        raise NoValueError(str(error)) from error
    return value


def _numeric(node: Node, point: Point) -> Any:
    kind, parts = node.kind, node.parts
    if kind == "number":
        return mpmath.mpf(node.value.numerator) / node.value.denominator
    if kind == "symbol":
        value = point.symbols[node.name]
        return mpmath.mpf(value.numerator) / value.denominator
    if kind == "constant":
        if node.name == "infinity":
            raise NoValueError("infinity")
        return {"pi": +mpmath.pi, "e": +mpmath.e, "i": mpmath.mpc(0, 1)}[node.name]
    if kind == "call":
        return _bounded(_call(node, point))
    values = [_numeric(part, point) for part in parts]
    if kind == "sum":
        return mpmath.fsum(values)
    if kind == "product":
        return _bounded(values[0] * values[1])
    if kind == "quotient":
        return _bounded(values[0] / values[1])
    if kind == "signs":
        return values[0] * _sign(node, point)
    return _power(values[0], values[1])


def _bounded(value: Any) -> Any:
    if not mpmath.isfinite(value):
        raise NoValueError("not finite")
    size = abs(value)
    if size and abs(mpmath.mag(size)) > _MOST_BITS:
        raise TooLargeError
    return value


def _power(base: Any, power: Any) -> Any:
    if base and abs(mpmath.mag(base)) * abs(power) > 2 * _MOST_BITS:
        raise TooLargeError
    if not base:
        if mpmath.re(power) <= 0:
            raise NoValueError("a power of zero")
        return mpmath.mpf(0)
    if _is_real(base) and _is_real(power) and mpmath.re(base) < 0:
        # An exponent such as 1/3 comes as a number with many digits.
        base, power = mpmath.re(base), mpmath.re(power)
        for degree in (3, 5, 7, 9):
            whole = mpmath.nint(power * degree)
            if abs(whole - power * degree) < mpmath.mpf(10) ** (5 - mpmath.mp.dps) and int(whole) % degree:
                root = -(mpmath.mpf(-base) ** (mpmath.mpf(1) / degree))
                return _bounded(root ** int(whole))
    return _bounded(base**power)


def _call(node: Node, point: Point) -> Any:
    name = node.name
    if name == "opaque":
        return _opaque(node, point)
    if name in ("gcd", "lcm"):
        return mpmath.mpf(int(exact(node, point)))
    values = [_numeric(part, point) for part in node.parts]
    first = values[0]
    if name in ("max", "min"):
        if not all(map(_is_real, values)):
            raise NoValueError("an order of complex numbers")
        return (max if name == "max" else min)(values, key=mpmath.re)
    if name == "root":
        if values[1] == 2:
            return mpmath.sqrt(first)
        return _power(first, 1 / values[1])
    if name == "degrees":
        return first * mpmath.pi / 180 if point.radians else first
    if name == "abs":
        return abs(first)
    if name in ("floor", "ceiling"):
        return mpmath.floor(first) if name == "floor" else mpmath.ceil(first)
    if name == "factorial":
        return _factorial(first)
    if name == "binomial":
        if max(abs(value) for value in values) > _MOST_FACTORIAL:
            raise NoValueError("a large binomial")
        return mpmath.binomial(*values)
    if name in ("ln", "log", "lg"):
        return _logarithm(name, values, point)
    if name in ("exp", "sinh", "cosh") and abs(first) > _MOST_BITS:
        raise TooLargeError
    functions = {
        "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "cot": mpmath.cot, "sec": mpmath.sec,
        "csc": mpmath.csc, "arcsin": mpmath.asin, "arccos": mpmath.acos, "arctan": mpmath.atan,
        "arccot": mpmath.acot, "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh, "exp": mpmath.exp,
    }  # fmt: skip
    if name not in functions or abs(first) > _MOST_BITS:
        raise NoValueError(name)
    return functions[name](first)


def _factorial(value: Any) -> Any:
    if not _is_real(value):
        raise NoValueError("a complex factorial")
    value = mpmath.re(value)
    if value > _MOST_FACTORIAL:
        raise TooLargeError
    if value < 0 and value == mpmath.nint(value):
        raise NoValueError("a factorial of a negative number")
    return mpmath.factorial(value)


def _logarithm(name: str, values: list[Any], point: Point) -> Any:
    if not values[0]:
        raise NoValueError("the logarithm of zero")
    found = mpmath.log(values[0])
    if len(values) > 1:
        return found / mpmath.log(values[1])
    return found / mpmath.log(10) if name == "lg" or (name == "log" and point.decimal_logarithm) else found


def _opaque(node: Node, point: Point) -> Any:
    """An unknown function: some smooth function of its own for each name, or a factor."""
    symbol, inside = node.parts
    value = _numeric(inside, point)
    if not point.functions:
        return point.symbols.get(symbol.name, Fraction(7, 3)) * value
    seed = sum(ord(letter) * (place + 3) for place, letter in enumerate(symbol.name))
    return mpmath.cos(value * (1 + mpmath.mpf(seed % 97) / 89) + seed) + mpmath.mpf(seed % 13) / 7


def _sign(node: Node, point: Point) -> int:
    return 1 if (node.name == "pm") == point.plus else -1


def _is_real(value: Any) -> bool:
    return not mpmath.im(value)
