r"""Reads one expression, such as `\frac{3\sqrt{2}}{4} - \pi x^2`, by recursive descent.

What stands side by side is multiplied: `2(3)` is 6, `15(5)` is 75. What people read in different ways is not read.
"""

import re
from fractions import Fraction
from functools import lru_cache

from hipo_data.graders.math.expressions.nodes import SEVERAL, Node, UnreadableError, call, number
from hipo_data.graders.math.expressions.tokens import Token, tokens

_SCIENTIFIC = re.compile(r"\s*([+-]?(?:\d+(?:\.\d+)?|\.\d+))[eE]([+-]?\d{1,4})\s*")
_MAX_DEPTH = 80
OPAQUE = frozenset("fghFGH")
"""Letters before a bracket that may be a function or a factor."""
_CONSTANTS = {"e": "e", "i": "i"}
_INVERSE = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}


@lru_cache(maxsize=2048)
def expression(text: str) -> Node:
    """The expression that `text` is. Raises `UnreadableError` where it is anything else."""
    if match := _SCIENTIFIC.fullmatch(text):
        return number(Fraction(match[1]) * Fraction(10) ** int(match[2]))
    try:
        return _Reader(tokens(text)).read()
    except RecursionError as error:
        raise UnreadableError("too deep") from error


class _Reader:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0
        self._bars = 0

    def read(self) -> Node:
        found = self._sum()
        if self._at < len(self._tokens):
            raise UnreadableError(self._tokens[self._at].text)
        return found

    def _next(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _kind(self) -> str:
        return self._tokens[self._at].kind if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        text = self._next()
        if not text or (wanted and text not in wanted):
            raise UnreadableError(text or "end")
        self._at += 1
        return text

    def _sum(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise UnreadableError("too deep")
        parts = []
        sign = self._take() if self._next() in ("+", "-", "pm", "mp") else "+"
        parts.append(_signed(sign, self._product()))
        while self._next() in ("+", "-", "pm", "mp"):
            sign = self._take()
            parts.append(_signed(sign, self._product()))
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Node("sum", tuple(parts))

    def _product(self) -> Node:
        found = self._power()
        divided = False
        while True:
            text, kind = self._next(), self._kind()
            if kind == "mark" and text in ("*", "/"):
                self._take()
                negative = False
                while self._next() in ("+", "-"):
                    negative ^= self._take() == "-"
                part = self._power()
                part = _signed("-", part) if negative else part
                found = Node("product", (found, part)) if text == "*" else Node("quotient", (found, part))
                divided = text == "/"
            elif self._begins_factor():
                if kind == "number" and self._tokens[self._at - 1].text not in (")", "]", "}"):
                    raise UnreadableError("a number after a factor")
                if divided:
                    # Nobody knows whether the second factor of `1/2\pi` is below the bar.
                    raise UnreadableError("a factor after a quotient")
                found = self._mixed(found)
            else:
                return found

    def _mixed(self, found: Node) -> Node:
        """A whole number before a fraction of numbers is added to it; every other factor is multiplied."""
        touching = self._next() == "frac" and found.kind == "number" and self._tokens[self._at - 1].kind == "number"
        part = self._power()
        if touching and part.kind == "quotient" and all(side.kind == "number" for side in part.parts):
            if found.value.denominator != 1 or part.parts[0].value >= part.parts[1].value:
                raise UnreadableError("a number before a fraction")
            return Node("sum", (found, part))
        return Node("product", (found, part))

    def _begins_factor(self) -> bool:
        text, kind = self._next(), self._kind()
        if kind in ("number", "name", "function"):
            return True
        if kind == "command":
            return text in ("frac", "sqrt", "binom", "pi", "infty", "lfloor", "lceil")
        return text in ("(", "[", "{") or (text == "|" and not self._bars)

    def _power(self) -> Node:
        base = self._atom()
        while self._next() in ("^", "!", "'"):
            mark = self._take()
            if mark == "!":
                if self._next() == "!":
                    raise UnreadableError("!!")
                base = call("factorial", base)
            elif mark == "'":
                raise UnreadableError("a prime")
            elif degrees := self._degrees():
                base = call(degrees, base)
            else:
                base = Node("power", (base, self._exponent()))
        return base

    def _degrees(self) -> str:
        ahead = [token.text for token in self._tokens[self._at : self._at + 3]]
        if ahead[:1] == ["circ"]:
            self._at += 1
            return "degrees"
        if ahead == ["{", "circ", "}"]:
            self._at += 3
            return "degrees"
        return ""

    def _exponent(self) -> Node:
        if self._next() in ("+", "-"):
            return _signed(self._take(), self._argument())
        return self._argument()

    def _atom(self) -> Node:
        kind, text = self._kind(), self._take()
        if kind == "number":
            return number(Fraction(text))
        if kind == "name":
            return self._named(text)
        if kind == "function":
            return self._function(text)
        if kind == "command":
            return self._command(text)
        if text in ("(", "[", "{"):
            found = self._sum()
            self._take({"(": ")", "[": "]", "{": "}"}[text])
            return found
        if text == "|":
            self._bars += 1
            found = self._sum()
            self._take("|")
            self._bars -= 1
            return call("abs", found)
        raise UnreadableError(text)

    def _named(self, text: str) -> Node:
        if text in _CONSTANTS:
            return Node("constant", name=_CONSTANTS[text])
        if text.rstrip("'") in OPAQUE and self._next() == "(":
            self._take("(")
            inside = self._sum()
            self._take(")")
            return call("opaque", Node("symbol", name=text), inside)
        return Node("symbol", name=text)

    def _command(self, text: str) -> Node:
        if text == "pi":
            return Node("constant", name="pi")
        if text == "infty":
            return Node("constant", name="infinity")
        if text == "frac":
            return Node("quotient", (self._argument(), self._argument()))
        if text == "binom":
            return call("binomial", self._argument(), self._argument())
        if text == "sqrt":
            return self._root()
        if text in ("lfloor", "lceil"):
            found = self._sum()
            self._take("rfloor" if text == "lfloor" else "rceil")
            return call("floor" if text == "lfloor" else "ceiling", found)
        raise UnreadableError(text)

    def _root(self) -> Node:
        degree = number(2)
        if self._next() == "[":
            self._take()
            degree = self._sum()
            self._take("]")
        return call("root", self._argument(), degree)

    def _function(self, name: str) -> Node:
        if name == "sqrt":
            return self._root()
        power: Node | None = None
        base: Node | None = None
        if name == "log" and self._next() == "_":
            self._take("_")
            base = self._argument()
        if self._next() == "^":
            self._take()
            power = self._exponent()
        if power is not None and power == _signed("-", number(1)):
            if name not in _INVERSE:
                raise UnreadableError(name)
            name, power = _INVERSE[name], None
        if name in SEVERAL:
            if power is not None:
                raise UnreadableError(name)
            return self._of_several(name)
        argument = self._argument_of_function()
        found = call(name, argument) if base is None else call("log", argument, base)
        return found if power is None else Node("power", (found, power))

    def _of_several(self, name: str) -> Node:
        """A function of as many arguments as are in its brackets."""
        self._take("(")
        found = [self._sum()]
        while self._next() == ",":
            self._take()
            found.append(self._sum())
        self._take(")")
        if len(found) < 2:
            raise UnreadableError(name)
        return call(name, *found)

    def _argument_of_function(self) -> Node:
        r"""A bracket right behind the name, or the factors up to a sign, a bar or another function.

        A power behind a round bracket is left to the function: `\ln(x)^2` is the square of a logarithm, as computer
        algebra prints it. Degrees are the argument's.
        """
        if self._in_round_brackets():
            found = self._atom()
            while self._next() == "^":
                self._take()
                if not (degrees := self._degrees()):
                    self._at -= 1
                    break
                found = call(degrees, found)
            return found
        if self._next() in ("(", "{", "|", "["):
            return self._power()
        found = self._power()
        while self._begins_factor() and self._kind() != "function" and self._next() not in ("(", "[", "|"):
            found = self._mixed(found)
        return found

    def _in_round_brackets(self) -> bool:
        """Whether the next group is in round brackets or, as braces are not seen, is no more than one that is."""
        at, braces, depth = self._at, 0, 0
        while at < len(self._tokens) and self._tokens[at].text == "{":
            at, braces = at + 1, braces + 1
        if at == len(self._tokens) or self._tokens[at].text != "(":
            return False
        while at < len(self._tokens):
            depth += {"(": 1, ")": -1}.get(self._tokens[at].text, 0)
            at += 1
            if not depth:
                break
        return [token.text for token in self._tokens[at : at + braces]] == ["}"] * braces

    def _argument(self) -> Node:
        """What a command takes: a group in braces or brackets, or one character."""
        if self._next() == "{":
            self._take()
            found = self._sum()
            self._take("}")
            return found
        token = self._tokens[self._at] if self._at < len(self._tokens) else Token("", "")
        if token.kind == "number" and len(token.text) > 1 and self._tokens[self._at - 1].text not in ("^", "sqrt", "]"):
            if not token.text.isdigit():
                raise UnreadableError(token.text)
            self._tokens[self._at : self._at + 1] = [Token("number", token.text[0]), Token("number", token.text[1:])]
        if token.text in ("+", "-", ")", "]", "}"):
            raise UnreadableError(token.text)
        return self._atom()


def _signed(sign: str, part: Node) -> Node:
    if sign == "+":
        return part
    if sign in ("pm", "mp"):
        return Node("signs", (part,), sign)
    return number(-part.value) if part.kind == "number" else Node("product", (number(-1), part))
