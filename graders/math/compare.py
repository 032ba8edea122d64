"""Mathematical equality by math-verify. Imported in workers only: it brings sympy."""

from typing import Any

import math_verify


def parse(text: str) -> list[Any]:
    """What math-verify reads in an answer. The answer is boxed first, or a bare `-1,5` would be read as -1.5."""
    found: list[Any] = math_verify.parse(f"\\boxed{{{text}}}", parsing_timeout=None)
    return found


def equal(gold: list[Any], answer: list[Any]) -> bool:
    """Whether math-verify finds a parsed answer equal to a parsed gold; an inequality may stand for its interval."""
    return bool(math_verify.verify(gold, answer, timeout_seconds=None, allow_set_relation_comp=True))
