"""The parts of a hybrid response, common to all formats."""

from dataclasses import dataclass

from schemas.records import Mode


class FormatError(ValueError):
    """A response that cannot be rendered so that it parses back, or a text that is not in the format."""


@dataclass(frozen=True)
class HybridResponse:
    """What a format renders and parses. `reasoning` is null in think-off responses and only there."""

    mode: Mode
    justification: str
    reasoning: str | None
    answer: str
