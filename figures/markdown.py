"""Texts of others in Markdown: shown as they are, obeyed in nothing."""

import re

from hipo_data.figures.terminal import plain

_MARKS = re.compile(r"[\\`*\[\]|~$]|(?<!\w)_|_(?!\w)")
_ENTITY = re.compile(r"&(?=#?\w+;)")


def markdown(text: str) -> str:
    """A text as part of a line, a heading or a cell of a table: no mark-up, no HTML, no line of its own."""
    line = _ENTITY.sub("&amp;", " ".join(plain(text).split())).replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub(r"\\\g<0>", line)


def code(text: str) -> str:
    """A text as code in a line or a cell, where nothing but its own end and the cell's has a meaning."""
    line = " ".join(plain(text).split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line.replace('|', chr(92) + '|')}{space}{fence}"
