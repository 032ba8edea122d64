"""Training data for models that decide when to think: from public problems to graded, explained hybrid data."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hipo_data.pipeline.from_python.opened import Run
    from hipo_data.pipeline.from_python.opened import open_path as open
    from hipo_data.pipeline.from_python.start import run
    from hipo_data.schemas.errors import UserError

__all__ = ["Run", "UserError", "open", "run"]

_HOMES = {
    "Run": ("pipeline.from_python.opened", "Run"),
    "UserError": ("schemas.errors", "UserError"),
    "open": ("pipeline.from_python.opened", "open_path"),
    "run": ("pipeline.from_python.start", "run"),
}


def __getattr__(name: str) -> Any:
    # Only once asked for: the command line and every worker import this package, and help has to be quick.
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
