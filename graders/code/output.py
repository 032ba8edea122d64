"""When printed output equals the expected one."""

import re

from hipo_data.graders.code.comparison import Comparison
from hipo_data.graders.inside.equality import close

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_MAX_NUMBER = 400


def matches(expected: str, got: str, rules: Comparison) -> bool:
    """Whether two outputs agree line by line, white space at line ends and blank lines at the end aside.

    Lines that differ agree where their words do: equal, or both numbers, the expected one written with a decimal point,
    equal within the tolerances. Where the question allows an error, the expected number may lack the point, but then
    the printed one has it: a count that is off by one is no rounding error. Without order, either the lines or the
    words of each line may be exchanged.
    """
    if rules.any_case:
        expected, got = expected.casefold(), got.casefold()
    wanted, printed = _lines(expected), _lines(got)
    if _same_lines(wanted, printed, rules):
        return True
    if not rules.unordered or len(wanted) != len(printed):
        return False
    words = [[sorted(line.split()) for line in side] for side in (wanted, printed)]
    return words[0] == words[1] or sorted(wanted) == sorted(printed)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("\n")]


def _same_lines(wanted: list[str], printed: list[str], rules: Comparison) -> bool:
    return len(wanted) == len(printed) and all(_same_line(*pair, rules) for pair in zip(wanted, printed, strict=True))


def _same_line(expected: str, got: str, rules: Comparison) -> bool:
    if expected == got:
        return True
    wanted, printed = expected.split(), got.split()
    return len(wanted) == len(printed) and all(_same_word(*pair, rules) for pair in zip(wanted, printed, strict=True))


def _same_word(expected: str, got: str, rules: Comparison) -> bool:
    if expected == got:
        return True
    whole = [word.lstrip("+-").isdigit() for word in (expected, got)]
    if max(len(expected), len(got)) > _MAX_NUMBER or (whole[0] and (whole[1] or not rules.tolerance)):
        return False
    if not (_NUMBER.fullmatch(expected) and _NUMBER.fullmatch(got)):
        return False
    return close(float(expected), float(got), rules.relative, rules.absolute)
