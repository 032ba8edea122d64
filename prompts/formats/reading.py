"""What a text shows of a response, also where it was cut off or lost its way."""

from bisect import bisect_left

from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import FormatError, HybridResponse, Segment, Span
from hipo_data.schemas.records import Mode


def parsed(style: Format, text: str) -> HybridResponse | None:
    """The response, null where the text is not one in the format."""
    try:
        return style.parse(text)
    except FormatError:
        return None


def readable_start(style: Format, text: str) -> tuple[str, list[Span]]:
    """The longest beginning of a text that is in the format, and its spans."""
    whole = _spans(style, text)
    if whole is not None:
        return text, whole
    # What starts with something outside of the format is outside of it, so a bisection finds the border.
    border = bisect_left(range(1, len(text) + 1), True, key=lambda size: _spans(style, text[:size]) is None)
    return text[:border], _spans(style, text[:border]) or []


def shown_mode(style: Format, text: str, spans: list[Span]) -> Mode | None:
    """The mode that a readable text has told, null before that: its tag is whole, or its reasoning has begun."""
    if any(span.segment is Segment.REASONING for span in spans):
        return Mode.THINK_ON
    told = next((text[span.start : span.end] for span in spans if span.segment is Segment.MODE), None)
    return next((mode for mode in Mode if told and style.forced_prefix(mode).endswith(told)), None)


def _spans(style: Format, text: str) -> list[Span] | None:
    try:
        return style.segments(text)
    except FormatError:
        return None
