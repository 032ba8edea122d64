"""Texts of rows as HTML: mathematics as MathML, fenced code highlighted, all else as it was written.

The texts are anybody's. Nothing of them reaches a page unescaped, characters that turn the direction of writing or that
nobody sees are shown by their numbers, and work on a text is linear in its length.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from hipo_data.pipeline.viewer.mathematics import LONGEST, mathml

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\uffff"
    "\ud800-\udfff]"
)
"""Control characters but tab and line feed, what turns the direction of writing, and what takes no room."""
_OPEN = re.compile(
    r"^```(?P<language>[\w+#-]*)[^\n`]*\n|\\\[|\\\(|(?<!\\)\$\$?|\\boxed\{|"
    r"\\begin\{(?P<name>(?:align|aligned|equation|gather|gathered|cases|array|[pbvBV]?matrix)\*?)\}",
    re.MULTILINE,
)
_LASTING = re.compile(r"\\[\[(]|\$\$|\\boxed\{|\\begin\{")
"""What opens a formula for certain; a dollar sign may be money."""
_HEAD = 240
"""Signs of a question in a list, about three lines of it."""
_CLOSE = {
    "\\[": re.compile(r"\\\]"),
    "\\(": re.compile(r"\\\)"),
    "$$": re.compile(r"(?<!\\)\$\$"),
    "$": re.compile(r"(?<!\\)\$"),
}
_MONEY = r"\$"
"""The formula in `$\\$$5`, as MATH writes five dollars."""
_MOST_FORMULAS = 2_000
_MOST_FAILURES = 50
"""Opened and never closed; after so many a text is none of formulas."""
_MOST_CODE = 20_000
"""Signs that are highlighted; longer code is shown plain."""
_LANGUAGES = {
    **dict.fromkeys(("python", "py", "python3"), "python"),
    **dict.fromkeys(("cpp", "c++", "cc"), "cpp"),
    **dict.fromkeys(("js", "javascript"), "javascript"),
    **dict.fromkeys(("bash", "sh", "shell"), "bash"),
    **{name: name for name in ("c", "java", "rust", "go", "json", "sql", "haskell", "kotlin", "ruby", "csharp")},
}


class _Piece(NamedTuple):
    """A part of a text: `plain`, `inline` or `block` mathematics, or `code`."""

    kind: str
    text: str
    """As it was written, delimiters and all."""
    inner: str = ""
    language: str = ""


def shown(text: str) -> Markup:
    """A text escaped, its hidden characters as marks."""
    text = text.replace("\r\n", "\n")
    parts: list[str] = []
    end = 0
    for found in _HIDDEN.finditer(text):
        parts += [str(escape(text[end : found.start()])), f'<span class="hidden">U+{ord(found[0]):04X}</span>']
        end = found.end()
    return Markup("".join([*parts, str(escape(text[end:]))]))


def rich(text: str) -> Markup:
    """A text with its mathematics and its code."""
    return Markup("").join(_html(piece) for piece in _pieces(text.replace("\r\n", "\n")))


def head(text: str, *, goes_on: bool) -> Markup:
    """What a list shows of a question: the formulas that begin in its first signs, whole, and no part of any.

    text: its beginning, longer than what is shown, so that what is opened there is closed there too.
    goes_on: the question is longer than that.
    """
    parts: list[Markup | str] = []
    left = _HEAD
    for piece in _pieces(text.replace("\r\n", "\n")):
        if left <= 0:
            return Markup("").join([*parts, "…"])
        if piece.kind == "plain" and (end := _cut(piece.text, left, goes_on, bool(parts))) < len(piece.text):
            return Markup("").join([*parts, shown(piece.text[:end].rstrip()), "…"])
        parts.append(_html(piece))
        left -= len(piece.text)
    return Markup("").join([*parts, "…"] if goes_on else parts)


def _cut(text: str, room: int, goes_on: bool, follows: bool) -> int:
    """Where plain text ends that is to take no more than `room`: between two words, before what it opens for good."""
    opened = _LASTING.search(text, 0, room) if goes_on else None
    if opened and (follows or opened.start()):
        return opened.start()
    return len(text) if len(text) <= room else max(text.rfind(" ", 0, room + 1), 0) or room


def answer(text: str) -> Markup:
    """A short answer such as a gold or what a grader extracted: mathematics where it has signs of LaTeX."""
    if _OPEN.search(text):
        return rich(text)
    made = mathml(text, block=False) if re.search(r"[\\^_]", text) and not _HIDDEN.search(text) else None
    return shown(text) if made is None else made


def code(text: str, language: str = "python") -> Markup:
    """A program, highlighted where its language is known and it is not too long."""
    known = _LANGUAGES.get(language.lower())
    if known is None or len(text) > _MOST_CODE or _HIDDEN.search(text):
        return shown(text)
    return Markup(highlight(text, _lexer(known), HtmlFormatter(nowrap=True)))


@cache
def _lexer(name: str) -> Any:
    return get_lexer_by_name(name, stripnl=False, ensurenl=False)


def _html(piece: _Piece) -> Markup:
    if piece.kind == "code":
        return Markup('<code class="block">{}</code>').format(code(piece.inner, piece.language or "text"))
    if piece.kind != "plain" and not _HIDDEN.search(piece.inner):
        made = mathml(piece.inner, block=piece.kind == "block")
        if made is not None:
            return made
    return shown(piece.text)


def _pieces(text: str) -> Iterator[_Piece]:
    end = at = formulas = failures = 0
    while formulas < _MOST_FORMULAS and failures < _MOST_FAILURES and (found := _OPEN.search(text, at)):
        piece = _piece(text, found)
        if piece is None:
            at = found.end()
            failures += found[0] not in ("$", "$$")  # of money there may be much
            continue
        if found.start() > end:
            yield _Piece("plain", text[end : found.start()])
        yield piece
        formulas += 1
        end = at = found.start() + len(piece.text)
    if end < len(text):
        yield _Piece("plain", text[end:])


def _piece(text: str, found: re.Match[str]) -> _Piece | None:
    """What is opened there, null where nothing closes it."""
    start, sign = found.end(), found[0]
    if sign.startswith("```"):
        close = text.find("\n```", start - 1)
        inner = text[start:] if close < 0 else text[start : close + 1]  # a response that was cut off is code to its end
        stop = len(text) if close < 0 else close + 4
        return _Piece("code", text[found.start() : stop], inner, found["language"])
    if sign == "\\boxed{":
        whole = text[found.start() : _balanced(text, start)]
        return _Piece("inline", whole, whole) if whole else None
    if found["name"] is not None:
        closing = f"\\end{{{found['name']}}}"
        close = text.find(closing, start, start + LONGEST)
        whole = text[found.start() : close + len(closing)]
        return None if close < 0 else _Piece("block", whole, whole)
    closed = _CLOSE[sign].search(text, start, start + LONGEST)
    if closed is None or (sign == "$" and not _is_mathematics(text, start, closed.start())):
        return None
    kind = "block" if sign in ("\\[", "$$") else "inline"
    return _Piece(kind, text[found.start() : closed.end()], text[start : closed.start()])


def _is_mathematics(text: str, start: int, close: int) -> bool:
    """Whether two dollar signs are a formula's and not two sums of money, by Pandoc's rule."""
    inner = text[start:close]
    after = text[close + 1 : close + 2]
    return inner == inner.strip() != "" and (not after.isdigit() or inner == _MONEY) and "\n\n" not in inner


def _balanced(text: str, start: int) -> int:
    """Behind the brace that closes one opened before `start`; 0 where none does near by."""
    depth = 1
    for found in re.compile(r"\\.|[{}]", re.DOTALL).finditer(text, start, start + LONGEST):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    return 0
