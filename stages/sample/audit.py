"""The audit of modes as reports, cards and lines of progress show it."""

from collections.abc import Mapping

from hipo_data.figures.text import NOTHING, percent
from hipo_data.schemas.check_config import CheckConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.sample.shown import Shown, complaint, name_of, nothing_usable

_SHARED_OUT = {
    "whole, with reasoning": "reasoned",
    "whole, without": "plain",
    "cut off": "cut",
    "malformed: no answer": "malformed",
    "failed requests": "failed",
}
_LEAKS = {"of those without, think aloud": "open", "of those without, out of proportion in length": "long"}


def table(by_mode: Mapping[Mode, Shown]) -> list[tuple[str, list[str]]]:
    """Lines of the audit: a label, and a cell for each of `by_mode`, mostly a count with its share of what was asked.

    The five lines after the first share out what was asked. Think-on has no cells on leaks.
    """

    def line(name: str, *modes: Mode) -> list[str]:
        return [
            _cell(getattr(seen, name), seen.rollouts) if mode in modes else NOTHING for mode, seen in by_mode.items()
        ]

    return [
        ("asked", [f"{seen.rollouts:,}" for seen in by_mode.values()]),
        *((label, line(name, *Mode)) for label, name in _SHARED_OUT.items()),
        *((label, line(name, Mode.THINK_OFF)) for label, name in _LEAKS.items()),
        ("median tokens of an answer", [_about(seen.typical_tokens) for seen in by_mode.values()]),
    ]


def over_limits(by_mode: Mapping[Mode, Shown], limits: CheckConfig) -> list[str]:
    """A sentence for each mode that is not what it says."""
    said = (complaint(mode, seen, limits) or nothing_usable(mode, seen) for mode, seen in by_mode.items())
    return [f"{clause[0].upper()}{clause[1:]}." for clause in said if clause]


def in_short(mode: Mode, seen: Shown) -> str:
    """What a mode shows so far, for a line of progress: how many were asked, and what is not as it should be."""
    if mode is Mode.THINK_ON:
        astray = {"do not reason": seen.plain}
    else:
        astray = {"reason": seen.reasoning, "think aloud": seen.open}
    astray |= {"cut off": seen.cut, "without answer": seen.malformed}
    said = [f"{percent(count / seen.rollouts)} {what}" for what, count in astray.items() if count]
    failed = [f"{seen.failed:,} failed"] if seen.failed else []
    return " · ".join([f"{name_of(mode)} {seen.rollouts:,} asked", *said, *failed])


def _cell(count: int, asked: int) -> str:
    return f"{count:,} ({percent(count / asked)})" if count else "0"


def _about(tokens: int | None) -> str:
    return NOTHING if tokens is None else f"about {tokens:,}"
