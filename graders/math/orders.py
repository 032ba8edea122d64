"""Chains such as `a < b < c`, which say the same from either end."""

import re
from collections import Counter

from hipo_data.graders.math import clean
from hipo_data.graders.math.rule import Rule

_SIGN = re.compile(r"(<=|>=|[<>=]|\\(?:leqslant|geqslant|leq|geq|le|ge|lt|gt)(?![a-zA-Z]))")
_PLAIN = {
    r"\leqslant": "<=", r"\leq": "<=", r"\le": "<=", r"\lt": "<", r"\geqslant": ">=", r"\geq": ">=", r"\ge": ">=",
    r"\gt": ">",
}  # fmt: skip
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


def _orders(gold: str, answer: str, question: str) -> bool | None:
    pair = [_chain(text) for text in (gold, answer)]
    if pair[0] is None or pair[1] is None:
        return None
    if pair[0] == pair[1]:
        return True
    # The same names in another order, or with other signs.
    names = [pair[0][0], pair[1][0]]
    return False if Counter(names[0]) == Counter(names[1]) and sum(map(str.isalpha, names[0])) > 1 else None


def _chain(text: str) -> tuple[list[str], list[str]] | None:
    """The terms of a chain from its smallest, and the signs between them; None for any other answer."""
    parts = _SIGN.split(clean.tex(text))
    terms, signs = [clean.key(part) for part in parts[::2]], [_PLAIN.get(sign, sign) for sign in parts[1::2]]
    directions = {sign[0] for sign in signs} - {"="}
    if not all(terms) or len(directions) != 1 or re.search(r"[,;|{}]|\\(?:text|in|mid)", "".join(terms)):
        return None
    if directions == {">"}:
        return terms[::-1], [_TURNED[sign] for sign in signs[::-1]]
    return terms, signs


RULES = (
    Rule(
        "orders",
        _orders,
        accepts=[("a<b<c", "c > b > a"), ("a > b", "b < a"), (r"a \le b < c", r"c>b\geq a"), ("x > 5", "5 < x")],
        refuses=[("a<b<c", "b<a<c"), ("a > b", "a < b"), ("a<b", r"a \le b"), ("c<a<b", "b<a<c")],
        leaves=[("1<x<2", "(1,2)"), ("x > 5", "x > 6"), ("a = b", "b = a"), ("1 < x", "x < 1"), ("5", "5")],
    ),
)
