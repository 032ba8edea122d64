"""What a response says: its mode, its answer, and whether it is in the model's format."""

from dataclasses import dataclass

from hipo_data.evaluation.backend import Reply
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import Segment
from hipo_data.prompts.formats.reading import parsed, readable_start, shown_mode
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
    response = parsed(fmt, reply.text)
    if response is not None:
        return Reading(response.mode, response.answer, well_formed=True)
    text = reply.text
    readable, spans = readable_start(fmt, text)
    mode = shown_mode(fmt, readable, spans)
    if readable == text:
        answer = next((text[span.start : span.end] for span in spans if span.segment is Segment.ANSWER), None)
        return Reading(mode, answer, well_formed=False)
    after = text.rpartition(CLOSE)[2]
    return Reading(mode, None if OPEN in after else after.strip(), well_formed=False)
