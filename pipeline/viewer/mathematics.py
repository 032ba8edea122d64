"""LaTeX as MathML that a page can hold whoever wrote it.

What the converter makes is read as XML and written anew from a list of known elements and attributes, so that nothing
of a formula comes into a page but text between those.
"""

import re
from functools import cache, lru_cache
from html.entities import html5
from xml.parsers import expat

from markupsafe import Markup, escape
from math_core import LatexError, LatexToMathML

LONGEST = 3_000
"""Signs of a formula; the converter calls itself for each level of nesting, and longer ones could go too deep."""
_DEEPEST = 100

_MACROS = {
    **dict.fromkeys(("dotsm", "dotsb", "dotsi"), r"\cdots"),
    **dict.fromkeys(("mbox", "textnormal"), r"\text{#1}"),
    **dict.fromkeys(("overarc", "wideparen"), r"\overparen{#1}"),
    "widetilde": r"\overset{\sim}{#1}",
    "degree": r"^\circ",
    "R": r"\mathbb{R}",
    "allowbreak": "{}",
}
_TEXT_WITH_MATHEMATICS = re.compile(r"\\(?:text|mbox|textnormal)\{([^{}]*\$[^{}]*)\}")
_ROW_HEIGHT = re.compile(r"\\renewcommand\{\\arraystretch\}\{[\d.]+\}")
_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|apos);)(\w+;)")
"""Names of characters that HTML knows and XML does not, as of the sign between a function and its argument."""
_ELEMENTS = re.compile(
    "math|m(row|i|n|o|s|text|space|frac|sqrt|root|style|error|padded|phantom|enclose|sub|sup|subsup|under|over|"
    "underover|multiscripts|prescripts|table|tr|td)"
)
_WORDS = re.compile(
    "display|displaystyle|scriptlevel|mathvariant|stretchy|symmetric|fence|separator|form|largeop|movablelimits|"
    "accent|accentunder|notation|columnspan|rowspan"
)
_LENGTHS = re.compile("lspace|rspace|linethickness|minsize|maxsize|width|height|depth|voffset")
_LENGTH = re.compile(r"-?(\d|1\d)?(\.\d+)?(em|ex|px|%)?")
"""Below 20 em: a formula stays where it stands."""
_ALIGNED = {"text-align: left": "left", "text-align: right": "right", "width: 50%": "rest"}
"""Of the styles that the converter gives cells, those that our own style sheet has as classes."""


@cache
def _converter() -> LatexToMathML:
    return LatexToMathML(macros=_MACROS, fancy_error=False)


@lru_cache(maxsize=4_096)
def mathml(latex: str, *, block: bool) -> Markup | None:
    """A formula without its delimiters as a `math` element; null where it is none that the converter knows."""
    if not latex.strip() or len(latex) > LONGEST or latex.count("{") > _DEEPEST * 10 or _depth(latex) > _DEEPEST:
        return None
    try:
        known = _TEXT_WITH_MATHEMATICS.sub(_taken_apart, _ROW_HEIGHT.sub("", latex))
        made = _converter().convert_with_local_state(known, displaystyle=block)
        return _Rewriter().written(_ENTITY.sub(lambda found: html5.get(found[1], found[0]), made))
    except (LatexError, expat.ExpatError):
        return None


def _taken_apart(text: re.Match[str]) -> str:
    """Text that holds formulas as texts and formulas in turn, which is what the converter reads."""
    inner = re.sub(r"\$([^$]*)\$", r"}\1\\text{", text[1])
    return rf"\text{{{inner}}}"


def _depth(latex: str) -> int:
    deepest = depth = 0
    for sign in latex:
        if sign == "{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign == "}":
            depth -= 1
    return deepest


class _Rewriter:
    """XML with all that is not known left out, without a call for each level."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def written(self, xml: str) -> Markup:
        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = lambda text: self._parts.append(str(escape(text)))
        parser.Parse(xml.encode(), True)
        return Markup("".join(self._parts))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not _ELEMENTS.fullmatch(name):
            return
        kept = {key: value for key, value in attributes.items() if _is_known(key, value)}
        if found := [short for style, short in _ALIGNED.items() if style in attributes.get("style", "")]:
            kept["class"] = " ".join(found)
        said = "".join(f' {key}="{escape(value)}"' for key, value in kept.items())
        self._parts.append(f"<{name}{said}>")

    def _end(self, name: str) -> None:
        if _ELEMENTS.fullmatch(name):
            self._parts.append(f"</{name}>")


def _is_known(attribute: str, value: str) -> bool:
    return bool(_WORDS.fullmatch(attribute)) or bool(_LENGTHS.fullmatch(attribute) and _LENGTH.fullmatch(value))
