"""Pieces of thinking, and what can become of them."""

from dataclasses import dataclass
from typing import Literal

Who = Literal["agreement", "repetition", "controller"]


@dataclass(frozen=True)
class Piece:
    """Text that one request brought, with the tokens that it took."""

    text: str
    tokens: int
    ids: tuple[int, ...] | None = None
    """Those, where the engine gives them."""
    reasoning_tokens: int | None = None
    """Of those, before a tag that ends reasoning; null where the engine does not know it."""
    trial: str | None = None
    """The answer that a trial behind it gave; null where none was asked for, or it gave none."""


@dataclass(frozen=True)
class Action:
    """`keep` is how many of the pieces stay where thinking is taken back: 0 begins it anew."""

    what: Literal["go on", "take back", "stop"]
    by: Who | None = None
    keep: int = 0


GO_ON = Action("go on")
