"""How strictly results are compared: exactly, unless the gold or the question says otherwise."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from hipo_data.graders.code.several import takes_any
from hipo_data.graders.inside.equality import ABSOLUTE, RELATIVE, same, same_unordered
from hipo_data.schemas.gold import CodeGold


@dataclass(frozen=True)
class Comparison:
    """`unordered`: the items of a result, or the lines of an output, come in any order. `any_case`: so do letters.

    `tolerance`: the absolute or relative error that the question allows; never less than evalplus's. `several`: any one
    of several outputs is right, and which ones is not known.
    """

    unordered: bool = False
    any_case: bool = False
    tolerance: float = 0.0
    several: bool = False

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
        compare = same_unordered if self.unordered else same
        return compare(expected, got, sequences, self.relative, self.absolute)


EXACT = Comparison()


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
_POWER = (
    r"(?:10\s*(?:\^|\*\*)?\s*(?:\{|<sup>)?\s*[-−–]\s*(?P<power>\d{1,2})|10(?P<raised>⁻[⁰¹²³⁴-⁹]+)"
    r"|1(?:\.0)?e-0?(?P<exponent>\d{1,2})|(?P<decimal>0\.0*1\b))"
)
_GAP = r"[^.\n]{0,80}?"
_TOLERANCE = re.compile(
    rf"(?:(?:absolute|relative)\s+(?:or\s+(?:absolute|relative)\s+)?difference"
    rf"|\b(?:errors?|tolerances?|accura(?:cy|te)|(?:im)?precis(?:ion|e))\b"
    rf"|\b(?:answers?|results?|solutions?|outputs?)\b[^.\n]{{0,60}}?\b(?:within|off\s+by|differs?\s[^.\n]{{0,60}}?\bby)\b"
    rf"|\\max\s*(?:\(|\\left|\{{)\s*(?:1|\(1)\s*,[^\n]{{0,40}}?(?:\\leq?q?|≤|<=|<)"
    rf"|\bmax\s*\(\s*1\s*,[^\n]{{0,40}}?(?:≤|<=|<))"
    rf"{_GAP}{_POWER}",
    re.I,
)
_DIGITS = re.compile(
    r"\b(?:accura(?:cy|te)|precis(?:ion|e)|correct)\s+(?:of|to|up\s+to|within)\s+(?:at\s+least\s+)?(?P<digits>\d{1,2})\s+"
    r"(?:decimals?|digits?|places)",
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
    ("An absolute or relative error of at most $10^{-6}$ is accepted.", Comparison(tolerance=1e-6)),
    ("Answers within $10^{-5}$ of the actual value will be accepted.", Comparison(tolerance=1e-5)),
    ("Answers within 10-5 of the actual answer are accepted.", Comparison(tolerance=1e-5)),
    ("Print it with an error of at most 0.001.", Comparison(tolerance=1e-3)),
    ("The answer must be accurate to within 1e-4.", Comparison(tolerance=1e-4)),
    (r"It is right if $\frac{|a - b|}{\max(1, |b|)} \le 10^{-4}$.", Comparison(tolerance=1e-4)),
    ("The answer should be within 0.001 of the right one.", Comparison(tolerance=1e-3)),
    ("Answers that are off by at most 10^{-4} are accepted.", Comparison(tolerance=1e-4)),
    ("It will be accepted with tolerance 1e-6.", Comparison(tolerance=1e-6)),
    ("The absolute error may be 10⁻³.", Comparison(tolerance=1e-3)),
    ("The answer must be accurate to 4 decimal places.", Comparison(tolerance=1e-4)),
    ("If there are multiple answers, print any of them.", Comparison(several=True)),
    ("Print it with 3 digits after the point.", Comparison()),
    ("Values within 10 units of the centre count.", Comparison()),
    ("The difference of the values is at most 0.001.", Comparison()),
    ("Operations may be performed in any order.", Comparison()),
    ("Return the least number of moves, made in any order.", Comparison()),
    ("Words are compared case-insensitively.", Comparison()),
    ("The vertices are given in any order.", Comparison()),
    ("Find the relative error.", Comparison()),
)
"""What a question says, and how its results are compared."""


def comparison(gold: CodeGold, question: str) -> Comparison:
    """How results of a problem are compared, by its gold and its question."""
    unordered = gold.unordered or bool(_UNORDERED.search(question))
    several = gold.checker is None and takes_any(question)
    return Comparison(unordered, bool(_ANY_CASE.search(question)), _tolerance(question), several)


def _tolerance(question: str) -> float:
    """The error that the question allows, as far as a grader should go; 0 where it says none."""
    match = _TOLERANCE.search(question)
    if match is None:
        digits = _DIGITS.search(question)
        return min(_MOST, max(_LEAST, 10.0 ** -int(digits["digits"]))) if digits else 0.0
    if match["decimal"]:
        return min(_MOST, max(_LEAST, float(match["decimal"])))
    power = match["power"] or match["exponent"] or match["raised"].lstrip("⁻")
    return min(_MOST, max(_LEAST, 10.0 ** -int(unicodedata.normalize("NFKC", power))))
