"""The audit of modes as reports, cards and lines of progress show it."""

from collections.abc import Mapping
from dataclasses import dataclass

from hipo_data.figures.text import NOTHING, percent
from hipo_data.schemas.check_config import CheckConfig
from hipo_data.schemas.length_unit import Unit
from hipo_data.schemas.records import Mode
from hipo_data.stages.sample.shown import Shown, complaint, name_of, nothing_usable

_CAPPED = "cut off at a cap, once the mode was settled"
_EMPTY = "empty responses"
_SOMETIMES = (_CAPPED, _EMPTY)
"""Lines that are there where sampling had any."""
_SHARED_OUT = {
    "whole, with reasoning": "reasoned",
    "whole, without": "plain",
    "cut off": "cut",
    _CAPPED: "capped",
    "malformed: no answer": "malformed",
    "failed requests": "failed",
    _EMPTY: "empty",
}
_HIDDEN = "of all, with reasoning that the server counts and hides"
_LEAKS = {"of those without, think aloud": "open", "of those without, out of proportion in length": "long"}


@dataclass(frozen=True)
class Audit:
    """What rollouts show of their modes, for a page."""

    modes: list[str]
    """The columns of `lines`; empty where nothing was counted."""
    lines: list[tuple[str, list[str]]]
    over: list[str]
    """A sentence for each mode that is over a limit of `check`, or has nothing to be used."""
    refused: int | None
    """Think-off responses that the selection took for unknown since they think; null where it refuses none."""


def audit(
    by_mode: Mapping[Mode, Shown],
    limits: CheckConfig | None,
    refused: int | None = None,
    lengths_in: Unit = Unit.TOKENS,
) -> Audit:
    """The audit of modes by what their rollouts show. A run that checks nothing is held against the default limits."""
    limits = limits or CheckConfig()
    counted = {mode: seen for mode, seen in by_mode.items() if seen.rollouts}
    said = [complaint(mode, seen, limits) or nothing_usable(mode, seen) for mode, seen in counted.items()]
    over = [f"{clause[0].upper()}{clause[1:]}." for clause in said if clause]
    return Audit([name_of(mode) for mode in counted], _table(counted, lengths_in), over, refused)


def _table(by_mode: Mapping[Mode, Shown], lengths_in: Unit) -> list[tuple[str, list[str]]]:
    """Lines: a label, and a cell for each of `by_mode`, mostly a count with its share of what was asked.

    The lines after the first share out what was asked. Think-on has no cells on leaks.
    """

    def line(name: str, off_alone: bool = False) -> list[str]:
        return [
            NOTHING if off_alone and mode.thinks else _cell(getattr(seen, name), seen.rollouts)
            for mode, seen in by_mode.items()
        ]

    return [
        ("asked", [f"{seen.rollouts:,}" for seen in by_mode.values()]),
        *(
            (label, line(name))
            for label, name in _SHARED_OUT.items()
            if label not in _SOMETIMES or any(getattr(seen, name) for seen in by_mode.values())
        ),
        *([(_HIDDEN, line("hidden"))] if any(seen.hidden for seen in by_mode.values()) else []),
        *((label, line(name, off_alone=True)) for label, name in _LEAKS.items()),
        (f"median {lengths_in} of an answer", [_about(seen.typical_length) for seen in by_mode.values()]),
    ]


def in_short(mode: Mode, seen: Shown) -> str:
    """What a mode shows so far, for a line of progress: how many were asked, and what is not as it should be."""
    astray = {"do not reason": seen.plain} if mode.thinks else {"reason": seen.reasoning, "think aloud": seen.open}
    astray |= {"cut off": seen.cut, "without answer": seen.malformed}
    said = [f"{percent(count / seen.rollouts)} {what}" for what, count in astray.items() if count]
    failed = [f"{count:,} {what}" for what, count in {"failed": seen.failed, "empty": seen.empty}.items() if count]
    return " · ".join([f"{name_of(mode)} {seen.rollouts:,} asked", *said, *failed])


def _cell(count: int, asked: int) -> str:
    return f"{count:,} ({percent(count / asked)})" if count else "0"


def _about(length: int | None) -> str:
    return NOTHING if length is None else f"about {length:,}"
