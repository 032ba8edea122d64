"""Where figures are printed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_LOG_COLUMNS = 200


def console() -> "Console":
    """Standard output; wide where no terminal says how wide it is, so that logs hold whole lines."""
    from rich.console import Console

    found = Console()
    return found if found.is_terminal else Console(width=_LOG_COLUMNS)
