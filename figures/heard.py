"""How much a command says on its way: `-v` and `-q`, the same for all commands that take a while."""

import logging
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hipo_data.figures.terminal import console, plain
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.without_secrets import shown_text

if TYPE_CHECKING:
    from rich.console import Console

VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Also what each piece of work does and what workers log.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors and the summary.")]


class _LogLines(logging.Handler):
    """Log records as lines on standard error, above the bars where there are any, without secrets."""

    def emit(self, record: logging.LogRecord) -> None:
        name = record.name.removeprefix("hipo_data.")
        sys.stderr.write(plain(shown_text(f"{record.levelname.lower()} {name}: {record.getMessage()}")) + "\n")


_LINES = _LogLines()


def heard(verbose: bool, quiet: bool) -> "Console":
    """Where a command says what it does on the way: standard output, or nowhere. Its log goes to standard error.

    Libraries that are imported after this say as much as is asked for. Raises `UserError` for both at once.
    """
    if verbose and quiet:
        raise UserError("-v and -q exclude each other; give one of them")
    log = logging.getLogger("hipo_data")
    log.setLevel(logging.DEBUG if verbose else logging.ERROR if quiet else logging.NOTSET)
    if verbose or quiet:
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "info" if verbose else "error")
    if quiet:
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    if _LINES not in log.handlers:
        log.addHandler(_LINES)
    return console(quiet=quiet)
