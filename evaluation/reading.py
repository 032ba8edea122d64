"""What a response says: its mode, its answer, and whether it is in the model's format."""

from dataclasses import dataclass, replace

from hipo_data.evaluation.backend import Reply
from hipo_data.prompts.families.reading import DEFAULT, read
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import Segment
from hipo_data.prompts.formats.reading import parsed, readable_start, shown_mode
from hipo_data.prompts.formats.tokens import own_tags
from hipo_data.schemas.records import FinishReason, Mode


@dataclass(frozen=True)
class Reading:
    """`mode` is null where the response shows none; `answer` is null where it ended before one."""

    mode: Mode | None
    answer: str | None
    well_formed: bool


_THINK = (*DEFAULT.open, *DEFAULT.close)


def read_reply(reply: Reply, fmt: Format | None, forced: Mode | None = None) -> Reading:
    """The reading of a response.

    The mode is what the longest readable start of the text tells, so that a later slip does not hide it; where
    reasoning alone tells it, also whether any stands between tags in another shape. A text that is not in the format
    may hold an answer all the same: it is read as a teacher's is, and no `<think>` may stand in it.

    A response that was forced into a mode shows it only where what the model wrote does not take it back: a think-off
    response that reasons is think-on, and one that begins anew, or says the other mode, shows none.
    """
    reading = _read(reply, fmt)
    if fmt is None or forced is None or reading.well_formed or reading.mode is not forced:
        return reading
    return replace(reading, mode=_kept(reply, fmt, forced))


def _read(reply: Reply, fmt: Format | None) -> Reading:
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
    if mode is not Mode.THINK_OFF:
        mode = _mode_by_reasoning(fmt, text, cut) or mode
    if readable == text:
        answer = next((text[span.start : span.end] for span in spans if span.segment is Segment.ANSWER), None)
        return Reading(mode, answer, well_formed=False)
    found = read(text, mode=mode, cut=cut).answer
    hidden = found is None or any(tag in found for tag in DEFAULT.open)
    return Reading(mode, None if hidden else found, well_formed=False)


def _mode_by_reasoning(fmt: Format, text: str, cut: bool) -> Mode | None:
    """The mode of a text whose tags stand in another shape, such as `<think></think>`; null for formats whose think-on
    has a tag of its own, and where no tag of reasoning tells."""
    _, spans = readable_start(fmt, fmt.forced_prefix(Mode.THINK_ON) + "a thought")
    if any(span.segment is Segment.MODE for span in spans) or not any(tag in text for tag in _THINK):
        return None
    if read(text, cut=cut).reasoning is not None:
        return Mode.THINK_ON
    return Mode.THINK_OFF if any(tag in text for tag in DEFAULT.close) else None


def _kept(reply: Reply, fmt: Format, forced: Mode) -> Mode | None:
    """The mode of a response that is not in the format, whose start tells the forced one."""
    written = reply.text[reply.given :]
    # What a turn that begins anew repeats; reasoning is looked at for itself, as its tags may stand in a forced start.
    once = [tag for tag in own_tags(fmt) if tag in reply.text[: reply.given] and tag not in _THINK]
    other = [tag for tag in own_tags(fmt) if fmt.forced_prefix(forced.other).endswith(tag) and tag not in _THINK]
    if any(tag in written for tag in (*once, *other)):
        return None
    thinks = read(reply.text, cut=reply.finish_reason is FinishReason.LENGTH).reasoning is not None
    return Mode.THINK_ON if forced is Mode.THINK_OFF and thinks else forced
