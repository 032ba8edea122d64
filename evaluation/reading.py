"""What a response says: its mode, its answer, and whether it is in the model's format."""

from bisect import bisect_left
from dataclasses import dataclass

from hipo_data.evaluation.backend import Reply
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import FormatError, Segment, Span
from hipo_data.prompts.parsing import CLOSE, OPEN, split_reasoning
from hipo_data.schemas.records import Mode


@dataclass(frozen=True)
class Reading:
    """`mode` is null where the response shows none; `answer` is null where it ended before one."""

    mode: Mode | None
    answer: str | None
    well_formed: bool


def read_reply(reply: Reply, fmt: Format | None) -> Reading:
    """The reading of a response.

    The mode is what the longest readable start of the text tells, so that a later slip does not hide it. A text that is
    not in the format may hold an answer after its last `</think>`, unless another `<think>` opens there.
    """
    if fmt is None:
        _, answer = split_reasoning(reply.text, reply.starts_in_reasoning)
        return Reading(None, answer, well_formed=True)
    try:
        response = fmt.parse(reply.text)
        return Reading(response.mode, response.answer, well_formed=True)
    except FormatError:
        return _read_malformed(reply, fmt)


def _read_malformed(reply: Reply, fmt: Format) -> Reading:
    text = reply.text
    # `segments` refuses every text that goes on from one that it refuses.
    end = bisect_left(range(len(text) + 1), True, key=lambda size: _segments(fmt, text[:size]) is None) - 1
    readable = text[: max(end, 0)]
    spans = _segments(fmt, readable) or []
    mode = _mode(fmt, readable, spans)
    if readable == text:
        answer = next((text[span.start : span.end] for span in spans if span.segment is Segment.ANSWER), None)
        return Reading(mode, answer, well_formed=False)
    after = text.rpartition(CLOSE)[2]
    return Reading(mode, None if OPEN in after else after.strip(), well_formed=False)


def _segments(fmt: Format, text: str) -> list[Span] | None:
    try:
        return fmt.segments(text)
    except FormatError:
        return None


def _mode(fmt: Format, text: str, spans: list[Span]) -> Mode | None:
    if any(span.segment is Segment.REASONING for span in spans):
        return Mode.THINK_ON
    told = next((text[span.start : span.end] for span in spans if span.segment is Segment.MODE), None)
    return next((mode for mode in Mode if told and fmt.forced_prefix(mode).endswith(told)), None)
