"""What a rule is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Pair = tuple[str, str] | tuple[str, str, str]


@dataclass(frozen=True)
class Rule:
    """A named rule with its examples: (gold, answer) or (gold, answer, question)."""

    name: str
    decide: Callable[[str, str, str], bool | None]
    accepts: Sequence[Pair] = ()
    refuses: Sequence[Pair] = ()
    leaves: Sequence[Pair] = ()
