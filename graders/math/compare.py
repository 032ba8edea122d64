"""Mathematical equality by math-verify. Imported in workers only: it brings sympy."""

import math
from typing import Any

import math_verify
import sympy

_POINTS = (0.7368, 1.3119, 2.1527)
"""Values for the first, second and third variable; further ones continue with the square root of the last."""
_CLEARLY = 1e-3


def parse(text: str) -> list[Any]:
    """What math-verify reads in an answer. The answer is boxed first, or a bare `-1,5` would be read as -1.5."""
    found: list[Any] = math_verify.parse(f"\\boxed{{{text}}}", parsing_timeout=None)
    return found


def equal(gold: list[Any], answer: list[Any]) -> bool:
    """Whether math-verify finds a parsed answer equal to a parsed gold; an inequality may stand for its interval."""
    if gold and answer and _clearly_different(gold[0], answer[0]) and not _same_text(gold, answer):
        return False
    return bool(math_verify.verify(gold, answer, timeout_seconds=None, allow_set_relation_comp=True))


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
    if expression.has(sympy.Integral, sympy.Sum, sympy.Product, sympy.Limit, sympy.Derivative):
        return None
    try:
        value = complex(expression.evalf(15, subs=at))
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return None
    return value if math.isfinite(value.real) and math.isfinite(value.imag) else None


def _same_text(gold: list[Any], answer: list[Any]) -> bool:
    texts = [{item for item in side if isinstance(item, str)} for side in (gold, answer)]
    return not texts[0].isdisjoint(texts[1])
