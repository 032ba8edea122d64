"""What an adapter returns, and how it refuses."""

from dataclasses import dataclass
from typing import Any

from schemas.records import Kind


class RefusedRowError(ValueError):
    """A row that does not become a problem: `reason` is a code in snake_case, `detail` a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Draft:
    """The parts of a problem that the row itself says. `gold` is raw, in one of the shapes of `graders.golds`."""

    kind: Kind
    question: str
    gold: Any
    domain: str | None = None
    difficulty: float | None = None
    licence: str | None = None


def is_number(value: Any) -> bool:
    """Whether a column's value is a number; true and false are none here."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def text_of(values: dict[str, Any], column: str) -> str:
    """A required text column. Raises `RefusedRowError` where it is missing or not text."""
    value = values.get(column)
    if not isinstance(value, str):
        found = "missing" if column not in values else type(value).__name__
        raise RefusedRowError("bad_column", f"column '{column}' must be text; it is {found}")
    return value
