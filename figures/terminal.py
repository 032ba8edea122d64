"""Where figures are printed: all that a terminal is sent goes through here, whoever wrote it."""

import errno
import functools
import json
import re
import signal
import sys
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.console import Console

_LOG_COLUMNS = 200
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff"
"""C0 but tab and line feed, DEL, C1, separators of lines, what turns the direction of writing, and what is no text."""
_UNSAFE = re.compile(f"[{_CONTROLS}]")


def plain(text: str) -> str:
    """A text without what a terminal would obey: of an escape sequence, the harmless rest stays to be seen."""
    return _UNSAFE.sub("", text.replace("\r\n", "\n"))


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON, by default in one line, that a terminal obeys in nothing and a program reads as it was."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def console(*, stderr: bool = False, soft_wrap: bool = False, quiet: bool = False) -> "Console":
    """Standard output or error, which takes all it is given as plain text: no markup, no emoji, no control characters.

    Wide where no terminal says how wide it is, so that logs hold whole lines.

    Args:
        stderr: standard error instead.
        soft_wrap: lines as they are given, whatever the width.
        quiet: nothing is printed at all.
    """
    make = functools.partial(_class(), soft_wrap=soft_wrap, quiet=quiet, markup=False, emoji=False, highlight=False)
    file = cast(IO[str], _MayGo(sys.stderr if stderr else sys.stdout))
    found = make(file=file)
    return found if found.is_terminal or soft_wrap else make(file=file, width=_LOG_COLUMNS)


class _MayGo:
    """A stream to a terminal that may be closed. Writing fails then, moments before SIGHUP arrives: it arrives now."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """As that of the stream."""
        try:
            return self._stream.write(text)
        except OSError as error:
            return _gone(error)

    def flush(self) -> None:
        """As that of the stream."""
        try:
            self._stream.flush()
        except OSError as error:
            _gone(error)


def _gone(error: OSError) -> int:
    if error.errno != errno.EIO:
        raise error
    signal.raise_signal(signal.SIGHUP)
    return 0


@functools.cache
def _class() -> "type[Console]":
    """Made when it is first needed: rich takes a while to import, and most commands' help needs none of it."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class _Plain(Console):
        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            # Segments with control codes are rich's own: they never come from a text.
            for segment in super().render(renderable, options):
                own = segment.control or not _UNSAFE.search(segment.text)
                yield segment if own else Segment(plain(segment.text), segment.style)

    return _Plain
