"""Mathematical equality: as expressions, and by math-verify where that cannot tell. Imported in workers only: it brings
sympy."""

import math
import re
from fractions import Fraction
from functools import lru_cache
from typing import Any

import math_verify
import sympy

from hipo_data.graders.math import domains, integer_families, numbers, rewrite
from hipo_data.graders.math.expressions import answers

_POINTS = (0.7368, 1.3119, 2.1527)
"""Values for the first, second and third variable; further ones continue with the square root of the last."""
_CLEARLY = 1e-3
_MAX_EXPONENT = 10_000
_DECIMAL = re.compile(r"-?\d*\.\d+")
_HALF_READ = re.compile(
    r"\\begin\{(?:array|cases|aligned|align|gathered)\*?\}|\\(?:forall|exists)(?![a-zA-Z])|\\pm.*\\pmod"
    r"|(?<!_)(?<!_\{)\\(?:gcd|lcm|max|min)(?![a-zA-Z])|\{(?:gcd|lcm)\}"
)
"""What math-verify leaves out, or takes the last number of."""
_BINDING = (sympy.Integral, sympy.Sum, sympy.Product, sympy.Limit, sympy.Derivative)


def decide(gold: str, answer: str, question: str) -> bool | None:
    """Whether an answer is equal to the gold, as far as anything here can tell; None where nothing here reads one."""
    said = integer_families.decide(gold, answer, question)
    if said is None:
        gold, answer = domains.without_domains(gold, answer)
        said = answers.decide(gold, answer, question)
    if said is not None:
        return said
    found = list(map(_decide_pair, rewrite.pairs(gold, answer)))
    return False if False in found else None if None in found else True


def _decide_pair(pair: tuple[str, str]) -> bool | None:
    said = answers.decide(*pair)
    if said is not None or any(map(_HALF_READ.search, pair)):
        return said
    return equal(parse(pair[0]), parse(pair[1]))


@lru_cache(maxsize=2048)
def parse(text: str) -> list[Any]:
    """What math-verify reads in an answer. The answer is boxed first, or a bare `-1,5` would be read as -1.5."""
    found: list[Any] = math_verify.parse(f"\\boxed{{{text}}}", parsing_timeout=None)
    return found


def equal(gold: list[Any], answer: list[Any]) -> bool:
    """Whether math-verify finds a parsed answer equal to a parsed gold; an inequality may stand for its interval."""
    gold, answer = _settled(gold), _settled(answer)
    exact = [_exact(side[0]) if side else None for side in (gold, answer)]
    if exact[0] is not None and exact[1] is not None:
        return bool(exact[0] == exact[1])
    if gold and answer and _is_value_beside_intervals(gold[0], answer[0]):
        return False
    if gold and answer and _clearly_different(gold[0], answer[0]) and not _same_text(gold, answer):
        return False
    return _rounds_well(gold, answer) and bool(
        math_verify.verify(gold, answer, timeout_seconds=None, allow_set_relation_comp=True)
    )


def _is_value_beside_intervals(*pair: Any) -> bool:
    """Whether one side is an expression and the other one a range: math-verify would be long in saying no."""
    ranges = [isinstance(item, (sympy.Interval, sympy.Union)) for item in pair]
    return any(ranges) and any(isinstance(item, sympy.Expr) for item in pair)


def _rounds_well(gold: list[Any], answer: list[Any]) -> bool:
    """False where one side is a decimal fraction, and the other an exact number that it is no rounding of."""
    for (_, *texts), (exact, *_) in ((gold, answer), (answer, gold)) if gold and answer else ():
        text = next((text for text in texts if isinstance(text, str) and _DECIMAL.fullmatch(text)), None)
        if text and isinstance(exact, sympy.Expr) and exact.is_number and not exact.has(sympy.Float):
            value = exact.evalf(len(text) + 10)
            if isinstance(value, sympy.Float) and not exact.is_rational:
                return numbers.shows(Fraction(text), len(text.partition(".")[2]), Fraction(str(value)))
    return True


def _exact(expression: Any) -> Any:
    """The rational number that an expression of integers and their powers is; None for any other expression."""
    if not isinstance(expression, sympy.Expr) or not all(
        isinstance(atom, sympy.Rational) for atom in expression.atoms()
    ):
        return None
    powers = expression.atoms(sympy.Pow)
    if expression.atoms(sympy.Function) or not all(
        isinstance(power.exp, sympy.Integer) and abs(power.exp) <= _MAX_EXPONENT for power in powers
    ):
        return None
    value = expression.doit()
    return value if isinstance(value, sympy.Rational) and value.is_finite else None


def _settled(parsed: list[Any]) -> list[Any]:
    """A parsed answer with `i` as the imaginary unit, and real odd roots of negative numbers."""
    if not parsed or not isinstance(parsed[0], sympy.Basic) or parsed[0].has(*_BINDING):
        return parsed
    found = parsed[0]
    if units := {symbol: sympy.I for symbol in found.free_symbols if symbol.name == "i"}:
        found = found.subs(units)
    if any(map(_odd_root_of_a_negative, sympy.preorder_traversal(found))):
        found = found.replace(_odd_root_of_a_negative, lambda root: -((-root.base) ** root.exp))
    return [found, *parsed[1:]]


def _odd_root_of_a_negative(node: Any) -> bool:
    return bool(
        isinstance(node, sympy.Pow)
        and isinstance(node.exp, sympy.Rational)
        and node.exp.p == 1
        and node.exp.q % 2 == 1 < node.exp.q
        and node.base.is_number
        and node.base.is_negative
    )


def _clearly_different(gold: Any, answer: Any) -> bool:
    """Whether two expressions differ by much at some point: simplifying them could take seconds only to say so too."""
    if not (isinstance(gold, sympy.Expr) and isinstance(answer, sympy.Expr)) or gold.is_Symbol or answer.is_Symbol:
        return False
    points = list(_POINTS)
    symbols = sorted(gold.free_symbols | answer.free_symbols, key=str)
    while len(points) < len(symbols):
        points.append(math.sqrt(points[-1]) + 0.1)
    at = dict(zip(symbols, points, strict=False))
    first, second = _value(gold, at), _value(answer, at)
    if first is None or second is None:
        return False
    return abs(first - second) > _CLEARLY * max(1.0, abs(first), abs(second))


def _value(expression: Any, at: dict[Any, float]) -> complex | None:
    if expression.has(*_BINDING):
        return None
    try:
        value = complex(expression.evalf(15, subs=at))
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return None
    return value if math.isfinite(value.real) and math.isfinite(value.imag) else None


def _same_text(gold: list[Any], answer: list[Any]) -> bool:
    texts = [{item for item in side if isinstance(item, str)} for side in (gold, answer)]
    return not texts[0].isdisjoint(texts[1])
