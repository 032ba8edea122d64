"""What a notebook shows: texts of anybody's, which never become markup."""

import html
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING

from hipo_data.figures.terminal import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

_COLUMNS = 120
_PRE = "white-space: pre; overflow-x: auto; text-align: left; line-height: 1.25"
_CELL = "text-align: left; vertical-align: top"


def escaped(text: object) -> str:
    """A text as it can stand in a page."""
    return html.escape(plain(str(text)))


def facts(title: str, rows: Mapping[str, str], below: Sequence[str] = ()) -> str:
    """Names with what is said of them, as a table."""
    cells = "".join(
        f'<tr><th style="{_CELL}">{escaped(name)}</th><td style="{_CELL}">{escaped(text)}</td></tr>'
        for name, text in rows.items()
    )
    return f"<div><b>{escaped(title)}</b><table>{cells}</table>{paragraphs(below)}</div>"


def paragraphs(texts: Sequence[str]) -> str:
    """A paragraph each."""
    return "".join(f"<p>{escaped(text)}</p>" for text in texts)


def as_printed(text: str) -> str:
    """A text with its lines and columns as they are."""
    return f'<pre style="{_PRE}">{escaped(text)}</pre>'


def printed(show: "Callable[[Console], None]") -> str:
    """What would be printed, as text."""
    from rich.console import Console

    out = StringIO()
    show(Console(file=out, width=_COLUMNS, markup=False, emoji=False, highlight=False, color_system=None))
    return plain("\n".join(line.rstrip() for line in out.getvalue().splitlines()))
