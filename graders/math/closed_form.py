r"""Numbers in closed form, such as `\frac{3\sqrt{2}}{4} - \pi`, to a float: good to tell two apart, not to equate."""

import math
import re
from functools import lru_cache

from hipo_data.graders.math import clean

MAX_CHARS = 200
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|(\\(?:frac|sqrt|pi|cdot|times|div)(?![A-Za-z]))|([-+*/^(){}\[\]]))")
_MAX_POWER = 64
_APART = 1e-6
"""Relative; math-verify rounds at the sixth decimal."""


class _OtherFormError(ValueError):
    pass


@lru_cache(maxsize=4096)
def value(answer: str) -> float | None:
    """The value of a real number in closed form; None for all else, also for what is not finite or not certain."""
    text = clean.tex(answer)
    if len(text) > MAX_CHARS:
        return None
    try:
        found = _Reader(_tokens(text)).read()
    except (_OtherFormError, ArithmeticError, ValueError, RecursionError):
        return None
    return found if math.isfinite(found) else None


def apart(first: float, second: float) -> bool:
    """Whether two values differ by more than any rounding could explain."""
    return abs(first - second) > _APART * max(1.0, abs(first), abs(second)) * 10


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _OtherFormError
        at = match.end()
        found.append(match[1] or match[2] or match[3])
    return found


class _Reader:
    """Recursive descent: sums of products of powers; what stands side by side is multiplied."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def read(self) -> float:
        found = self._sum()
        if self._at < len(self._tokens):
            raise _OtherFormError
        return found

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        token = self._next()
        if wanted and token not in wanted:
            raise _OtherFormError
        self._at += 1
        return token

    def _sum(self) -> float:
        found = self._signed()
        while self._next() in ("+", "-"):
            found = found + self._product() if self._take() == "+" else found - self._product()
        return found

    def _signed(self) -> float:
        if self._next() in ("+", "-"):
            return self._product() if self._take() == "+" else -self._product()
        return self._product()

    def _product(self) -> float:
        found, before = self._power(), self._tokens[self._at - 1]
        while (token := self._next()) and token not in ("+", "-", ")", "}", "]"):
            if token in ("*", r"\cdot", r"\times"):
                self._take()
                found *= self._power()
            elif token in ("/", r"\div"):
                self._take()
                found /= self._power()
                if self._next() not in ("", "+", "-", "*", ")", "}", "]"):
                    raise _OtherFormError  # nobody knows whether the second factor of `1/2\pi` is below the bar
            elif before[0].isdigit() and (token[0].isdigit() or token.endswith("frac")):
                raise _OtherFormError  # `1 2` and `1\frac{1}{2}` are no products
            else:
                found *= self._power()
            before = self._tokens[self._at - 1]
        return found

    def _power(self) -> float:
        base = self._atom()
        if self._next() != "^":
            return base
        self._take()
        power = self._braced() if self._next() == "{" else self._atom()
        if abs(power) > _MAX_POWER:
            raise _OtherFormError
        raised = base**power
        if isinstance(raised, complex):
            raise _OtherFormError
        return float(raised)

    def _atom(self) -> float:
        token = self._take()
        if token == r"\pi":
            return math.pi
        if token.endswith("frac"):
            return self._argument() / self._argument()
        if token == r"\sqrt":
            return self._root()
        if token in ("(", "{"):
            found = self._sum()
            self._take(")" if token == "(" else "}")
            return found
        return float(token) if token and (token[0].isdigit() or token[0] == ".") else self._fail()

    def _root(self) -> float:
        degree = 2.0
        if self._next() == "[":
            self._take()
            degree = self._sum()
            self._take("]")
        radicand = self._argument()
        if radicand < 0 or degree < 1:
            raise _OtherFormError
        return float(radicand ** (1 / degree))

    def _argument(self) -> float:
        """What a command takes: braces, or one character."""
        if self._next() == "{":
            return self._braced()
        token = self._next()
        if token[:1].isdigit() and len(token) > 1:
            self._tokens[self._at : self._at + 1] = [token[0], token[1:]]
        return self._atom()

    def _braced(self) -> float:
        self._take("{")
        found = self._sum()
        self._take("}")
        return found

    def _fail(self) -> float:
        raise _OtherFormError
