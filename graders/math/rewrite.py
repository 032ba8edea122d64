"""Forms that math-verify refuses wrongly, written so that it reads them.

Each function takes (gold, answer) and gives the pairs that must all be equal; examples stand beside each.
"""

import re

from graders.math import clean, numbers

_VECTOR = re.compile(r"\\begin\{([pb]?matrix|array)\}(?:\{[^{}]*\})?(.*?)\\end\{\1\}", re.S)
_LIST = re.compile(r"(\\?[(<]|\\langle)(.*)(\\?[)>]|\\rangle)", re.S)
_RELATION = re.compile(r"(?<![<>!:\\])=(?!=)")
_NAMES = re.compile(r"\\(?:frac|sqrt|pi|cdot|times|sin|cos|tan|log|ln|circ|left|right|binom|infty)\b")

EQUAL_BY_REWRITING = (
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "(1,2)"),
    ("(3,-1,0)", r"\begin{pmatrix} 3 & -1 & 0 \end{pmatrix}"),
    ("5", "2+3=5"),
    ("x=5", "x=3+2=5"),
    (r"0.\overline{3} x", r"\frac{1}{3} x"),
    ("x > 3", r"(3,\infty)"),
    (r"(1,2)", "1<x<2"),
    ("1,2", r"2 \text{ and } 1"),
)
NOT_EQUAL = (("2", "x=1=2"), ("1", "7=1"), ("3", "x=2+2=3"), (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "(2,1)"))


def pairs(gold: str, answer: str) -> list[tuple[str, str]]:
    """The pairs that math-verify must find equal, all of them, for `answer` to be right."""
    wanted, got = _repeating(clean.tex(gold)), _repeating(clean.tex(answer))
    wanted, got = _vectors(wanted, got)
    return _chain(wanted, got)


def _vectors(gold: str, answer: str) -> tuple[str, str]:
    """A matrix of one row or column becomes a tuple where the other side is one."""
    first, second = _as_tuple(gold), _as_tuple(answer)
    if first and not second and _LIST.fullmatch(answer.strip()):
        return first, answer
    if second and not first and _LIST.fullmatch(gold.strip()):
        return gold, second
    return gold, answer


def _as_tuple(text: str) -> str | None:
    match = _VECTOR.fullmatch(text.strip())
    if match is None:
        return None
    rows = [row.strip() for row in re.split(r"\\\\(?:\[[^\]]*\])?", match[2]) if row.strip()]
    if len(rows) == 1:
        rows = [cell.strip() for cell in rows[0].split("&")]
    return f"({','.join(rows)})" if len(rows) > 1 and not any("&" in row for row in rows) else None


def _chain(gold: str, answer: str) -> list[tuple[str, str]]:
    """Every closed side of `a = b = c` must equal the gold: neither `x=1=2` nor `7=1` says what its last side says."""
    sides = [side.strip() for side in _RELATION.split(answer)]
    if len(sides) < 2 or not all(sides) or "," in answer or re.search(r"\\(?:begin|le|ge|lt|gt|ne)\b|[<>]", answer):
        return [(gold, answer)]
    closed = [side for side in sides if _is_closed(side)]
    wanted = _RELATION.split(gold)
    if len(wanted) > 1 and (len(sides) == 2 or not _is_closed(wanted[-1])):
        return [(gold, answer)]
    if not closed or (len(closed) == 1 and len(sides) == 2 and closed[0] == sides[-1]):
        return [(gold, answer)]
    return [(wanted[-1].strip(), side) for side in closed]


def _is_closed(text: str) -> bool:
    return not re.search(r"[A-Za-z]", _NAMES.sub("", text))


def _repeating(text: str) -> str:
    def exact(match: re.Match[str]) -> str:
        number = numbers.read(match.group())
        return rf"\frac{{{number.value.numerator}}}{{{number.value.denominator}}}" if number else match.group()

    return re.sub(r"\d*\.\d*\\(?:overline|bar|dot)\{?\d+\}?", exact, text)
