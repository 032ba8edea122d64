"""Forms that math-verify refuses wrongly, written so that it reads them.

Each function takes (gold, answer) and gives the pairs that must all be equal; examples stand beside each.
"""

import re

from hipo_data.graders.math import clean, inequalities, numbers, units

_VECTOR = re.compile(r"\\begin\{([pb]?matrix|array)\}(?:\{[^{}]*\})?(.*?)\\end\{\1\}", re.S)
_LIST = re.compile(r"(\\?[(<]|\\langle)(.*)(\\?[)>]|\\rangle)", re.S)
_NAME = re.compile(r"[a-zA-Z](?:_\{?\w\}?)?")
_RELATION = re.compile(r"(?<![<>!:\\])=(?!=)")
_NAMES = re.compile(r"\\(?:frac|sqrt|pi|cdot|times|sin|cos|tan|log|ln|circ|left|right|binom|infty)\b")
_MATRIX = re.compile(r"\\begin\{[pb]?matrix\}.*\\end\{[pb]?matrix\}", re.S)
_COMPONENT = re.compile(r"\s*([+-]?)\s*([^+\-=,]*?)\\(?:mathbf|hat|vec|boldsymbol|textbf)\s*\{([ijk])\}\s*")
_SIGNS = re.compile(r"\\(pm|mp)(?![a-z])")
_DEGREES = re.compile(r"(\d+(?:\.\d+)?)\s*\^\s*(?:\\circ|\{\s*\\circ\s*\})")
_FACTORS = re.compile(r"(?:[\d}]|\\pi\s)\s*([a-z]{1,3})$")
_POWER_BEHIND = re.compile(
    r"(\\(?:arc)?(?:sin|cos|tan|cot|sec|csc|ln|log|lg)h?(?![a-z])(?:\s*_\s*(?:\w|\{[^{}]*\}))?)"
    r"\s*\{\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*\}\s*\^\s*(\d|\{\s*-?\w+\s*\})"
)
_INVERSE = re.compile(r"\\operatorname\s*\{\s*a(sin|cos|tan|cot)\s*\}")
_TRIGONOMETRY = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)(?![a-z])")
_LABEL = re.compile(r"^\s*(?:\\(?:text|textbf|mathrm|mathbf)\s*\{)?\([A-J]\)\}?(?:\\[ ,;:]|~|\s)+(?=\S)")

EQUAL_BY_REWRITING = (
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "(1,2)"),
    ("(3,-1,0)", r"\begin{pmatrix} 3 & -1 & 0 \end{pmatrix}"),
    ("5", "2+3=5"),
    ("x=5", "2+3=5"),
    ("x=5", "x=3+2=5"),
    (r"0.\overline{3} x", r"\frac{1}{3} x"),
    ("x > 3", r"(3,\infty)"),
    (r"(1,2)", "1<x<2"),
    ("1,2", r"2 \text{ and } 1"),
    (r"(-\infty,-2) \cup (2,\infty)", r"x < -2 \text{ or } x > 2"),
    ("-1 < x < 1", "|x| < 1"),
    (r"\begin{pmatrix} -1 \\ 2 \end{pmatrix}", r"\langle -1, 2 \rangle"),
    (r"\begin{pmatrix} -1 \\ 0 \\ 3 \end{pmatrix}", r"-\mathbf{i} + 3\mathbf{k}"),
    (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", "[[1,2],[3,4]]"),
    (r"\frac{-1 \pm \sqrt{5}}{2}", r"\frac{-1+\sqrt5}{2}, \frac{-1-\sqrt5}{2}"),
    (r"45^\circ", r"\frac{\pi}{4}"),
    (r"\sin 30^\circ", r"\frac12"),
    (r"\sum_{k=1}^{2} \operatorname{atan}{\left(k \right)}", r"\sum_{k=1}^{2} \arctan k"),
    (r"\sum_{k=1}^{2} \ln^2(k)", r"\sum_{k=1}^{2} \ln{\left(k \right)}^{2}"),
    ("(C) 12", "12"),
    ("6ab", "6ba"),
    (r"24\pi", r"24\pi\text{ cm}^2"),
    ("x=1, y=2", "(1,2)"),
    ("(1,2)", "y=2, x=1"),
)
NOT_EQUAL = (
    ("2", "x=1=2"),
    ("1", "7=1"),
    ("3", "x=2+2=3"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "(2,1)"),
    (r"(-\infty,-2) \cup (2,\infty)", r"x < -2 \text{ or } x \ge 2"),
    ("-1 < x < 1", r"|x| \le 1"),
    ("x > 3", "y > 3"),
    (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", "[[1,3],[2,4]]"),
    (r"\frac{-1 \pm \sqrt{5}}{2}", r"\frac{-1+\sqrt5}{2}"),
    (r"60^\circ", r"\frac{\pi}{4}"),
    (r"\sum_{k=1}^{2} \ln(k^2)", r"\sum_{k=1}^{2} \ln{\left(k \right)}^{2}"),
    ("(C) 12", "13"),
    ("6ab", "6"),
    ("x^2+2ab", "x^2+2"),
    (r"2\pi m", r"2\pi"),
    ("a=1, b=2, c=3", "(3,2,1)"),
)


def pairs(gold: str, answer: str) -> list[tuple[str, str]]:
    """The pairs that math-verify must find equal, all of them, for `answer` to be right."""
    gold = _LABEL.sub("", gold)
    if (wanted_range := _as_intervals(gold, answer)) and (got_range := _as_intervals(answer, gold)):
        return [(wanted_range, got_range)]
    wanted, got = (_factors(_of_algebra(_angles(_both_signs(_repeating(clean.tex(text)))))) for text in (gold, answer))
    wanted, got = _degrees(wanted, got)
    wanted, got = _vectors(wanted, got)
    wanted, got = _assigned(wanted, got)
    return _chain(wanted, got)


def _as_intervals(text: str, other: str) -> str | None:
    """`text` as intervals, where it and `other` are inequalities or intervals and not written alike."""
    found = [inequalities.intervals(side) for side in (text, other)]
    if found[0] is None:
        return clean.tex(text) if found[1] and inequalities.are_intervals(text) else None
    if found[1] is None:
        return found[0] if inequalities.are_intervals(other) else None
    return found[0] if _variables(text) == _variables(other) else None


def _variables(text: str) -> set[str]:
    return set(re.findall(r"(?<![a-zA-Z\\])[a-zA-Z](?![a-zA-Z])", clean.unwrapped(text).replace(" or ", " ")))


def _both_signs(text: str) -> str:
    """The two answers that a single `\\pm` inside of an expression stands for."""
    if len(_SIGNS.findall(text)) != 1 or not re.search(r"\{[^{}]*\\[pm]", text):
        return text
    text = re.sub(r"^[a-zA-Z]\s*=\s*", "", text)
    plus = _SIGNS.sub(lambda match: "+" if match[1] == "pm" else "-", text)
    minus = _SIGNS.sub(lambda match: "-" if match[1] == "pm" else "+", text)
    return f"{plus}, {minus}"


def _angles(text: str) -> str:
    """Degrees under trigonometric functions in radians; angle brackets as round ones."""
    text = re.sub(r"\\langle(?![a-z])(.*)\\rangle(?![a-z])", r"(\1)", text)
    return _DEGREES.sub(r"(\\frac{\1\\pi}{180})", text) if _TRIGONOMETRY.search(text) else text


def _factors(text: str) -> str:
    """Letters at the end in braces, or math-verify would drop some of them as units."""
    match = _FACTORS.search(text)
    return (
        f"{text[: match.start(1)]}{{{match[1]}}}"
        if match and (len(match[1]) == 1 or not units.is_known(match[1]))
        else text
    )


def _of_algebra(text: str) -> str:
    """Functions as sympy prints them: inverse ones by names of one's own, which math-verify does not know, and powers
    behind braces and brackets, which it takes for the argument's."""
    return _POWER_BEHIND.sub(r"(\1(\2))^\3", _INVERSE.sub(r"\\arc\1", text))


def _degrees(gold: str, answer: str) -> tuple[str, str]:
    """An angle in degrees in radians, where the other side has it so."""
    pair = [gold, answer]
    for place, text in enumerate(pair):
        if _DEGREES.fullmatch(text) and r"\pi" in pair[1 - place]:
            pair[place] = _DEGREES.sub(r"\\frac{\1\\pi}{180}", text)
    return pair[0], pair[1]


def _vectors(gold: str, answer: str) -> tuple[str, str]:
    """A matrix of one row or column becomes a tuple where the other side is one."""
    if _MATRIX.fullmatch(gold.strip()) or _MATRIX.fullmatch(answer.strip()):
        gold, answer = _as_matrix(gold), _as_matrix(answer)
    gold, answer = _components(gold), _components(answer)
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


def _as_matrix(text: str) -> str:
    match = re.fullmatch(r"\[\s*(\[[^\[\]]*\](?:\s*,\s*\[[^\[\]]*\])*)\s*\]", text.strip())
    if match is None:
        return text
    rows = [row.replace(",", " & ") for row in re.findall(r"\[([^\[\]]*)\]", match[1])]
    return rf"\begin{{pmatrix}} {(' ' + chr(92) * 2 + ' ').join(rows)} \end{{pmatrix}}"


def _components(text: str) -> str:
    """A sum of multiples of the unit vectors i, j and k as a tuple."""
    found = _COMPONENT.findall(text)
    if not found or _COMPONENT.sub("", text).strip() or len({name for _, _, name in found}) != len(found):
        return text
    by_name = {name: f"{sign}{size.strip() or '1'}" for sign, size, name in found}
    return f"({','.join(by_name.get(name, '0') for name in ('ijk' if 'k' in by_name else 'ij'))})"


def _assigned(gold: str, answer: str) -> tuple[str, str]:
    """Values of several names as a tuple in the order of the names, where the other side is a tuple."""
    pair = [gold, answer]
    for place, text in enumerate(pair):
        sides = [part.split("=") for part in text.split(",")]
        named = all(len(side) == 2 and _NAME.fullmatch(side[0].strip()) and side[1].strip() for side in sides)
        if (
            named
            and 1 < len({side[0].strip() for side in sides}) == len(sides)
            and _LIST.fullmatch(pair[1 - place].strip())
        ):
            values = [side[1].strip() for side in sorted(sides, key=lambda side: side[0].strip())]
            pair[place] = f"({','.join(values)})"
    return pair[0], pair[1]


def _chain(gold: str, answer: str) -> list[tuple[str, str]]:
    """Every closed side of `a = b = c` must equal the gold: neither `x=1=2` nor `7=1` says what its last side says."""
    sides = [side.strip() for side in _RELATION.split(answer)]
    if len(sides) < 2 or not all(sides) or "," in answer or re.search(r"\\(?:begin|le|ge|lt|gt|ne)\b|[<>]", answer):
        return [(gold, answer)]
    closed = [side for side in sides if _is_closed(side)]
    wanted = _RELATION.split(gold)
    if len(wanted) > 1 and (not _is_closed(wanted[-1]) or (len(sides) == 2 and len(closed) < len(sides))):
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
