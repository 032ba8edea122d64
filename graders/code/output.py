"""When printed output equals the expected one."""

import re

from graders.inside.equality import close

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_MAX_NUMBER = 400


def matches(expected: str, got: str) -> bool:
    """Whether two outputs agree line by line, white space at line ends and blank lines at the end aside.

    Lines that differ agree where their words do: equal, or both numbers of which one is written with a decimal point,
    equal within evalplus's tolerances.
    """
    wanted, printed = _lines(expected), _lines(got)
    return len(wanted) == len(printed) and all(map(_same_line, wanted, printed))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("\n")]


def _same_line(expected: str, got: str) -> bool:
    if expected == got:
        return True
    wanted, printed = expected.split(), got.split()
    return len(wanted) == len(printed) and all(map(_same_word, wanted, printed))


def _same_word(expected: str, got: str) -> bool:
    if expected == got:
        return True
    if max(len(expected), len(got)) > _MAX_NUMBER or expected.lstrip("+-").isdigit():
        return False
    if not (_NUMBER.fullmatch(expected) and _NUMBER.fullmatch(got)):
        return False
    return close(float(expected), float(got))
