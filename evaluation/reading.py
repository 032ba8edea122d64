"""What a response says: its mode, its answer, and whether it is in the model's format."""

from dataclasses import dataclass

from hipo_data.evaluation.backend import Reply
from hipo_data.prompts.families.reading import DEFAULT, read
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import Segment
from hipo_data.prompts.formats.reading import parsed, readable_start, shown_mode
from hipo_data.schemas.records import FinishReason, Mode


@dataclass(frozen=True)
class Reading:
    """`mode` is null where the response shows none; `answer` is null where it ended before one."""

    mode: Mode | None
    answer: str | None
    well_formed: bool


def read_reply(reply: Reply, fmt: Format | None) -> Reading:
    """The reading of a response.

    The mode is what the longest readable start of the text tells, so that a later slip does not hide it. A text that is
    not in the format may hold an answer all the same: it is read as a teacher's is, and no `<think>` may stand in it.
    """
    cut = reply.finish_reason is FinishReason.LENGTH
    if fmt is None:
        answer = read(reply.text, opened=reply.starts_in_reasoning, cut=cut).answer
        return Reading(None, answer, well_formed=True)
    response = parsed(fmt, reply.text)
    if response is not None:
        return Reading(response.mode, response.answer, well_formed=True)
    text = reply.text
    readable, spans = readable_start(fmt, text)
    mode = shown_mode(fmt, readable, spans)
    if readable == text:
        answer = next((text[span.start : span.end] for span in spans if span.segment is Segment.ANSWER), None)
        return Reading(mode, answer, well_formed=False)
    found = read(text, mode=mode, cut=cut).answer
    hidden = found is None or any(tag in found for tag in DEFAULT.open)
    return Reading(mode, None if hidden else found, well_formed=False)
