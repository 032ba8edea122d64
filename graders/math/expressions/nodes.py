"""What an expression is made of."""

from fractions import Fraction
from typing import NamedTuple

SEVERAL = frozenset(("max", "min", "gcd", "lcm"))
"""Functions of several arguments."""


class Node(NamedTuple):
    """An operation on parts, or a leaf.

    `kind`: number (`value`) · symbol (`name`) · constant (`name`: pi, e, i, infinity) · sum, product (of `parts`) ·
    quotient, power (two parts) · call (`name` of the function) · signs (the part times +1 or -1;
    `name` is `pm` or `mp`).
    """

    kind: str
    parts: tuple["Node", ...] = ()
    name: str = ""
    value: Fraction = Fraction(0)

    def walk(self) -> list["Node"]:
        """This node and all below it, from the top."""
        found = [self]
        for node in found:
            found.extend(node.parts)
        return found


class UnreadableError(ValueError):
    """The text is no expression that is understood without doubt."""


def number(value: int | Fraction) -> Node:
    """A rational number as a leaf."""
    return Node("number", value=Fraction(value))


def call(name: str, *parts: Node) -> Node:
    """A function of some arguments."""
    return Node("call", parts, name)
