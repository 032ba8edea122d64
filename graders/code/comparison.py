"""How strictly results are compared: exactly, unless the gold or the question says otherwise."""

import re
from dataclasses import dataclass
from typing import Any

from hipo_data.graders.inside.equality import ABSOLUTE, RELATIVE, same, same_unordered
from hipo_data.schemas.gold import CodeGold


@dataclass(frozen=True)
class Comparison:
    """`unordered`: the items of a result, or the lines of an output, come in any order. `any_case`: so do letters.

    `tolerance`: the absolute or relative error that the question allows; never less than evalplus's.
    """

    unordered: bool = False
    any_case: bool = False
    tolerance: float = 0.0

    @property
    def relative(self) -> float:
        """The relative error allowed."""
        return max(RELATIVE, self.tolerance)

    @property
    def absolute(self) -> float:
        """The absolute error allowed."""
        return max(ABSOLUTE, self.tolerance)

    def alike(self, expected: Any, got: Any, sequences: bool = False) -> bool:
        """Whether a returned value is as good as the expected one; `sequences` as in `same`."""
        return (same_unordered if self.unordered else same)(expected, got, sequences)


_OBJECT = r"(?:answers?|results?|outputs?|lists?|arrays?|solutions?|elements|values|numbers|pairs|strings|combinations)"
_UNORDERED = re.compile(
    rf"\b(?:return|print|output)\s+(?:them|it|(?:the|your|all|these)\s+(?:the\s+)?{_OBJECT})\s+in\s+any\s+order"
    rf"|\b{_OBJECT}\s+(?:can|may|could)\s+be\s+(?:returned|printed|output|given|in)\s+(?:in\s+)?any\s+order"
    rf"|\border\s+of\s+the\s+(?:output|result|answer|returned\s+\w+)\s+does\s+not\s+matter",
    re.I,
)
_ANY_CASE = re.compile(
    r"\b(?:print|output|display)\b[^.\n]{0,120}\b(?:in\s+any\s+(?:case|register)\b|case[- ]insensitive)"
    r"|\b(?:answer|output)\s+is\s+case[- ]insensitive",
    re.I,
)
_TOLERANCE = re.compile(
    r"(?:absolute|relative)(?:\s+or\s+(?:absolute|relative))?\s+error[^.\n]{0,60}?"
    r"(?:10\s*\^?\s*\{?\s*[-−–]\s*(?P<power>\d{1,2})|1e-(?P<exponent>\d{1,2})|(?P<decimal>0\.0*1\b))",
    re.I,
)
_LEAST, _MOST = 1e-12, 1e-2

STATED = (
    ("You may return the answer in any order.", Comparison(unordered=True)),
    ("The answer can be returned in any order.", Comparison(unordered=True)),
    ("Return all the pairs in any order.", Comparison(unordered=True)),
    ('You can output "YES" and "NO" in any case (for example, "yEs").', Comparison(any_case=True)),
    ("You may print every letter in any case you want.", Comparison(any_case=True)),
    ("Print YES (case-insensitive), if the farm is ideal.", Comparison(any_case=True)),
    ('The output is case insensitive (so "yEs" will be accepted).', Comparison(any_case=True)),
    ("It is accepted if its absolute or relative error does not exceed 10^{-4}.", Comparison(tolerance=1e-4)),
    ("The relative error must be less than 1e-3.", Comparison(tolerance=1e-3)),
    ("Operations may be performed in any order.", Comparison()),
    ("Return the least number of moves, made in any order.", Comparison()),
    ("Words are compared case-insensitively.", Comparison()),
    ("The vertices are given in any order.", Comparison()),
    ("Find the relative error.", Comparison()),
)
"""What a question says, and how its results are compared."""


def comparison(gold: CodeGold, question: str) -> Comparison:
    """How results of a problem are compared, by its gold and its question."""
    tolerance = 0.0
    if match := _TOLERANCE.search(question):
        power = match["power"] or match["exponent"]
        tolerance = min(_MOST, max(_LEAST, 10.0 ** -int(power) if power else float(match["decimal"])))
    unordered = gold.unordered or bool(_UNORDERED.search(question))
    return Comparison(unordered, bool(_ANY_CASE.search(question)), tolerance)
