"""Where formulas are in a text, and which dollar signs are money."""

import re
from typing import NamedTuple

_OPENINGS = re.compile(r"(?<!\\)\$\$|(?<!\\)\$|\\\[|\\\(|\\begin\{(?:align|equation|gather|multline)\*?\}")
_CLOSINGS = {r"\[": r"\]", r"\(": r"\)", "$$": "$$"}
_INLINE_END = re.compile(r"(?<!\\)\$|\n")
_MOST = 20_000


class Formula(NamedTuple):
    """A formula, and where it stands with its delimiters."""

    start: int
    end: int
    text: str


def formulas(text: str) -> list[Formula]:
    """The formulas of `text` in their order. Dollar signs as in `$400 - $150 = $250` are money and delimit nothing."""
    found, at = [], 0
    missing: set[str] = set()
    while match := _OPENINGS.search(text, at):
        opening = match.group()
        if opening == "$":
            at, formula = _inline(text, match.start())
            if formula:
                found.append(formula)
            continue
        closing = _CLOSINGS.get(opening) or opening.replace("begin", "end")
        end = -1 if closing in missing else text.find(closing, match.end())
        if end < 0 or end - match.end() > _MOST:
            if end < 0:
                missing.add(closing)
            at = match.end()
            continue
        content = text[match.end() : end].strip()
        at = end + len(closing)
        if content:
            found.append(Formula(match.start(), at, content))
    return found


def _inline(text: str, start: int) -> tuple[int, Formula | None]:
    """Where to go on behind a single dollar sign, and the formula that it opens."""
    end = _INLINE_END.search(text, start + 1)
    if end is None or end.group() == "\n":
        return start + 1, None
    content = text[start + 1 : end.start()]
    if not content.strip() or _is_money(content, text[end.end() : end.end() + 1]):
        return start + 1, None
    return end.end(), Formula(start, end.end(), content.strip())


def _is_money(content: str, behind: str) -> bool:
    """Whether a dollar sign before `content` is a currency: then it stands before a number, and the next dollar sign,
    behind `content`, does so too."""
    if not re.match(r"\s?\d", content):
        return False
    if behind.isdigit():
        return True
    whole = re.fullmatch(r"\s*[\d.,]+\s*", content)
    return content[-1].isspace() and not whole and (content[0] != " " or not re.search(r"[\\^_{]", content))
