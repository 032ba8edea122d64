"""How an answer is built: lists, tuples, intervals, sets, matrices, equations, down to texts of expressions."""

import re
from typing import NamedTuple

from hipo_data.graders.math import clean, numbers

_MATRIX = re.compile(
    r"\\begin\{([pbvBV]?matrix|array|cases|aligned)\}(?:\{[^{}]*\})?((?:(?!\\begin\{\1\}).)*)\\end\{\1\}", re.S
)
_BRACED = re.compile(
    r"\\\{\s*\\begin\{(array|cases|aligned)\}(?:\{[^{}]*\})?((?:(?!\\begin\{\1\}).)*?)\\end\{\1\}(?!\s*\\\})", re.S
)
"""A system or piecewise values behind a brace that nothing closes."""
_NAMED_MATRIX = re.compile(r"([^=]+)=\s*(\\begin\{.*)", re.S)
_SCALED = re.compile(r"([^=,;&]+?)\s*(?:\\(?:cdot|times)(?![a-zA-Z])\s*)?(\\begin\{[pb]matrix\}.*)", re.S)
_POINT = re.compile(r"([A-Z](?:_\{?\w+\}?|'+)?)\s*(\(.*\))", re.S)
_TRANSPOSED = re.compile(r"([(\[].*[)\]])\s*\^\s*\{?\s*(?:T|\\top|\\(?:mathrm|text)\s*\{T\})\s*\}?", re.S)
_CONDITION = re.compile(
    r"\s*[^\s<>=].*(?:[<>=]|\\(?:le|ge|leq|geq|lt|gt|ne|neq|leqslant|geqslant|in|equiv)(?![a-zA-Z]))"
    r"|.*\\(?:text|mbox|textrm)(?![a-zA-Z])|.*[a-z]{4}",
    re.S,
)
_ROWS = re.compile(r"\\\\(?:\[[^\]]*\])?")
_CUP = re.compile(r"\\cup(?![a-zA-Z])")
_DOTS = re.compile(r"\\(?:[lc]?dots|dotsc|dotsb|dotso)(?![a-zA-Z])|\.\.\.+")
_SPACES = re.compile(r"(?<!\\)\\(?:[ ,;:!]|quad(?![a-zA-Z])|qquad(?![a-zA-Z])|displaystyle(?![a-zA-Z]))")
_SIGN = re.compile(r"\\(?:approx|simeq|doteq|cong)(?![a-zA-Z])|(?<![<>!:\\=])=(?!=)")
_IN = re.compile(r"^\s*(?:\(?[a-zA-Z](?:\s*,\s*[a-zA-Z])*\)?)\s*\\in(?![a-zA-Z])\s*")
_RELATION = re.compile(
    r"[<>]|\\(?:le|ge|leq|geq|lt|gt|ne|neq|leqslant|geqslant|equiv|sim|parallel|perp)(?![a-zA-Z])|!="
)
_THOUSANDS = re.compile(r"[+-]?\\?\$?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_NAME = (
    r"(?:\\(?:vec|hat|bar|tilde|overline|mathbf|mathcal|mathrm|text|operatorname|boldsymbol|widehat|overrightarrow|dot)"
    r"\s*\{[^{}]*\}|\\(?:angle|triangle|Delta|m|ell)\s*[A-Z]*[A-Za-z]?|\\(?!sin|cos|tan|cot|sec|csc|log|ln|exp|sqrt|frac|arc)[a-zA-Z]+|[A-Z]{2,5}|[a-zA-Z])"
    r"(?:\s*_\s*(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\?[a-zA-Z]+|\d))?(?:'+|\^\{?(?:\\prime|\*|\\circ|-1)\}?)*"
)
_HEAD = re.compile(
    rf"\s*(?:m\s*)?(?:{_NAME}(?:\s*\([^()=]*(?:\([^()]*\))?[^()=]*\))?|\\?\|\s*{_NAME}\s*\\?\||\\text\s*\{{[^{{}}]*\}}"
    rf"|\(\s*{_NAME}(?:\s*,\s*{_NAME})+\s*\)|{_NAME}(?:\s*:\s*{_NAME})+|d{_NAME}/d{_NAME}|\\frac\{{d\s*{_NAME}\}}\{{d\s*{_NAME}\}}"
    rf"|\\(?:sin|cos|tan)\s*(?:\\angle\s*)?[A-Z]+|[A-Za-z ]{{2,40}}|\\lfloor.*\\rfloor|P\s*\(.*\)|[Ee]\s*\[.*\])\s*"
)  # fmt: skip
_NO_HEAD = re.compile(r"\s*\\(?:pi|infty|emptyset|varnothing|frac|sqrt)\s*|\s*[ei]\s*")
_PAIRS = {"(": ")", "[": "]", "{": "}"}


class Answer(NamedTuple):
    """`kind`: item, list, tuple, set, matrix (its parts are rows, which are tuples), union, dots.

    An item is one side or, as an equation or chain, several; `head` is what stands before them, or before another
    answer, that only names the value, such as `x`, `f(x)` or `S_{1}:S_{2}`. `brackets` are those of a tuple.
    """

    kind: str
    parts: tuple["Answer", ...] = ()
    sides: tuple[str, ...] = ()
    head: str = ""
    brackets: str = ""
    about: bool = False
    """Whether an approximate sign stands before the last side."""


def structure(text: str, thousands: bool = True, question: str = "") -> Answer:
    """How the answer `text` is built. With `thousands`, `512,729` is one number; without, a list of two.

    `question` is the question's `clean.key`: an equation's left side that stands there names what is asked for.
    """
    plain = _BRACED.sub(r"\\begin{cases}\2\\end{cases}", _SPACES.sub(" ", clean.tex(text)))
    return _structure(_IN.sub("", plain).strip(), thousands, question)


def _structure(text: str, thousands: bool, question: str) -> Answer:
    text = _unbraced(text.strip().removesuffix(".").strip())
    if match := _MATRIX.fullmatch(text):
        return _matrix(match, thousands, question)
    if (match := _NAMED_MATRIX.fullmatch(text)) and is_head(match[1], question):
        return _structure(match[2], thousands, question)._replace(head=match[1].strip())
    if (match := _SCALED.fullmatch(text)) and (rows := _MATRIX.fullmatch(match[2])):
        return _scaled(match[1], _matrix(rows, thousands, question))
    if not (thousands and _THOUSANDS.fullmatch(text)):
        pieces = _split(text, ",;")
        if len(pieces) > 1:
            return _list([_structure(piece, thousands, question) for piece in pieces if piece.strip()])
    if _CUP.search(text):
        return Answer("union", tuple(_structure(part, thousands, question) for part in _CUP.split(text)))
    if (match := _TRANSPOSED.fullmatch(text)) and (row := _structure(match[1], thousands, question)).kind == "tuple":
        return row
    if (match := _POINT.fullmatch(text)) and (point := _structure(match[2], thousands, question)).kind == "tuple":
        return point._replace(head=match[1])
    if bracketed := _bracketed(text):
        opening, inside, closing = bracketed
        if opening != "{" and (match := _MATRIX.fullmatch(inside)):
            return _matrix(match, thousands, question)
        pieces = [piece for piece in _split(inside, ",;") if piece.strip()]
        grouped = thousands and _THOUSANDS.fullmatch(inside.strip())
        if opening == "{" or (len(pieces) > 1 and not grouped):
            parts = _list([_structure(piece, thousands, question) for piece in pieces]).parts if pieces else ()
            return Answer("set" if opening == "{" else "tuple", parts, brackets=opening + closing)
    if _DOTS.fullmatch(text):
        return Answer("dots")
    return _item(text, thousands, question)


def _list(parts: list[Answer]) -> Answer:
    """A list, written out where dots stand between integers of an arithmetic progression."""
    for place, part in enumerate(parts):
        if part.kind != "dots" or not 2 <= place < len(parts) - 1:
            continue
        before, last = parts[place - 2 : place], parts[place + 1]
        found = [_whole(item) for item in (*before, last)]
        if None in found:
            break
        first, second, end = (int(value) for value in found if value is not None)
        step = second - first
        if step and 0 <= (end - second) / step <= 200 and (end - second) % step == 0:
            filled = [Answer("item", sides=(str(value),)) for value in range(second + step, end, step)]
            return _list([*parts[:place], *filled, *parts[place + 1 :]])
    members = (part.parts if part.kind == "list" else (part,) for part in parts)
    return Answer("list", tuple(member for several in members for member in several))


def _whole(item: Answer) -> int | None:
    number = numbers.read(item.sides[0]) if item.kind == "item" and len(item.sides) == 1 else None
    return int(number.value) if number and number.value.denominator == 1 else None


def _matrix(match: re.Match[str], thousands: bool, question: str) -> Answer:
    rows = [row for row in _ROWS.split(match[2]) if row.strip()]
    if match[1] in ("cases", "aligned"):
        return _cases(rows, thousands, question) or _list(
            [_structure(row.replace("&", "").strip().strip(","), thousands, question) for row in rows]
        )
    cells = [tuple(_structure(cell, thousands, question) for cell in row.split("&")) for row in rows]
    return Answer("matrix", tuple(Answer("tuple", row, brackets="()") for row in cells))


def _scaled(factor: str, matrix: Answer) -> Answer:
    """A matrix with a factor in front, which is each cell's."""
    factor = "-1" if factor.strip() == "-" else factor
    rows = [
        row._replace(
            parts=tuple(
                cell._replace(sides=(f"({factor})({cell.sides[0]})",)) if len(cell.sides) == 1 else cell
                for cell in row.parts
            )
        )
        for row in matrix.parts
    ]
    return matrix._replace(parts=tuple(rows))


def _cases(rows: list[str], thousands: bool, question: str) -> Answer | None:
    """Values with their conditions; None for rows that are no such pairs, as those of a system of equations."""
    found = []
    for row in rows:
        value, mark, condition = row.partition("&")
        if not mark:
            value, *rest = _split(row, ",;")
            condition = ",".join(rest)
        if not value.strip() or _RELATION.search(value) or "=" in value or not _CONDITION.match(condition):
            return None
        inside = _structure(value.strip().rstrip(",;"), thousands, question)
        said = Answer("condition", sides=(condition.replace("&", "").strip().rstrip(",;."),))
        found.append(Answer("tuple", (inside, said), brackets="()"))
    return Answer("cases", tuple(found))


def _item(text: str, thousands: bool, question: str) -> Answer:
    if ":" in text and (found := re.fullmatch(r"\s*(\([a-zA-Z, ]+\))\s*:\s*(\(.*)", text)):
        return _structure(found[2], thousands, question)
    sides = [side.strip() for side in _SIGN.split(text)]
    if len(sides) == 1 or not all(sides) or _RELATION.search(text):
        return Answer("item", sides=(text,))
    about = bool(re.search(r"\\(?:approx|simeq|doteq|cong)(?![a-zA-Z])\s*[^=]*$", text))
    head = ""
    while len(sides) > 1 and is_head(sides[0], question):
        head, sides = head or sides[0], sides[1:]
    if len(sides) == 1:
        inner = _structure(sides[0], thousands, question)
        return inner._replace(head=head, about=about and inner.kind == "item")
    return Answer("item", sides=tuple(sides), head=head, about=about)


def is_head(text: str, question: str = "") -> bool:
    """Whether the left side of an equation only names a value, as `x`, `f(x)` and `AB` do, and `2x+z` does not."""
    if _HEAD.fullmatch(text) and not _NO_HEAD.fullmatch(text):
        return True
    if re.search(r"\\text\s*\{[^{}]*[A-Za-z]{3}", text):
        return True
    key = clean.key(text)
    return len(key) > 1 and not re.fullmatch(r"[\d.]*", key) and key in question


def _split(text: str, marks: str) -> list[str]:
    """`text` at the marks that are outside of all brackets."""
    found, depth, start, at = [], 0, 0, 0
    while at < len(text):
        character = text[at]
        if character == "\\":
            if text.startswith((r"\langle", r"\begin", r"\lbrace"), at):
                depth += 1
            elif text.startswith((r"\rangle", r"\end", r"\rbrace"), at):
                depth -= 1
            elif at + 1 < len(text) and text[at + 1] in "{}":
                depth += 1 if text[at + 1] == "{" else -1
            at += 2
            continue
        depth += (character in "([{") - (character in ")]}")
        if character in marks and depth == 0:
            found.append(text[start:at])
            start = at + 1
        at += 1
    found.append(text[start:])
    return found


def _bracketed(text: str) -> tuple[str, str, str] | None:
    r"""The opening bracket, the inside and the closing bracket of `(…)`, `[…)`, `\{…\}`, `\langle…\rangle`."""
    text = text.replace(r"\langle", "(").replace(r"\rangle", ")").replace(r"\lbrace", r"\{").replace(r"\rbrace", r"\}")
    if text.startswith(r"\{") and text.endswith(r"\}"):
        opening, inside, closing = "{", text[2:-2], "}"
    elif text[:1] in ("(", "[") and text[-1:] in (")", "]"):
        opening, inside, closing = text[0], text[1:-1], text[-1]
    else:
        return None
    depth = 0
    for character in re.sub(r"\\[{}]", "", inside):
        depth += (character in "([") - (character in ")]")
        if depth < 0:
            return None
    return (opening, inside.strip(), closing) if depth == 0 else None


def _unbraced(text: str) -> str:
    """Without braces around everything, which group and mean nothing; with a comma inside they are meant as a set's."""
    while text.startswith("{") and text.endswith("}") and _closes_at_end(text):
        if len(_split(text[1:-1], ",")) > 1:
            return rf"\{{{text[1:-1]}\}}"
        text = text[1:-1].strip()
    return text


def _closes_at_end(text: str) -> bool:
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return place == len(text) - 1
    return False
