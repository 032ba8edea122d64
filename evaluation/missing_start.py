"""What a server kept of a response: the start that its chat template wrote, and reasoning that its parser took out.

A reply of chat completions shows neither. What is put back here has to be shown by the reply: a start that would fit
any text is never assumed, since with it a plain answer reads as reasoning that never ended.
"""

from collections.abc import Iterator

from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.reading import parsed, readable_start, shown_mode
from hipo_data.prompts.formats.tokens import own_tags
from hipo_data.schemas.records import Mode


def put_back(content: str, reasoning: str | None, forced: Mode | None, *, cut: bool) -> str:
    """The text with the reasoning that a server took out of it, back in its place.

    Reasoning alone, of a response that the model ended: parsers take a plain answer for it where they find no tag. It
    is the text, unless the response was to think.
    """
    if not reasoning or not reasoning.strip():
        return content
    thought, said = reasoning.strip("\n"), content.lstrip("\n")
    if said:
        return f"<think>\n{thought}\n</think>\n\n{said}"
    if forced is Mode.THINK_OFF or (forced is None and not cut):
        return thought
    return f"<think>\n{thought}"


def missing_start(fmt: Format, forced: Mode | None, text: str, *, cut: bool) -> str:
    """The start of the response that the server's chat template wrote, which the reply does not show.

    A start is put back where what follows shows it: a tag that closes what it opened, or a mode tag behind the
    justification that it opened. Without any tag, there is one in two cases: the server was asked for think-off by the
    switch of its template, which then writes the empty block; and the response was cut off in a format whose prompts
    end in a start, where it is no answer yet.

    Args:
        fmt: the format.
        forced: what the switch of the server's template was asked for, null where the model was to choose.
        text: the reply.
        cut: it ran into a limit of tokens.
    """
    if parsed(fmt, text) is not None:
        return ""
    first = min((tag for tag in own_tags(fmt) if tag in text), key=text.index, default=None)
    if first is None:
        if forced is Mode.THINK_OFF:
            return fmt.given(forced)
        return _prompts_end(fmt) if cut else ""
    starts = list(_shown_by(fmt, first))
    whole = (start for start in starts if parsed(fmt, start + text) is not None)
    begun = (start for start in ["", *starts] if readable_start(fmt, start + text)[0] == start + text)
    slipped = (
        start for start in sorted(starts, key=lambda each: -_reach(fmt, each, text)) if _tells(fmt, start + text)
    )
    return next((start for found in (whole, begun, slipped) for start in found), "")


def _prompts_end(fmt: Format) -> str:
    """What the chat template of a model in this format may end prompts in, where the model chooses or thinks."""
    return fmt.prompt_suffix or (fmt.forced_prefix(Mode.THINK_ON) if fmt.chat_template_kwargs(Mode.THINK_ON) else "")


def _shown_by(fmt: Format, first: str) -> Iterator[str]:
    """The starts that a text shows whose first tag is `first`. Templates end them in a line break or not."""
    if fmt.prompt_suffix:
        if first not in fmt.prompt_suffix:
            yield fmt.prompt_suffix
        return
    for mode in Mode:
        start = fmt.forced_prefix(mode)
        if first == f"</{start.strip().removeprefix('<')}":
            yield from dict.fromkeys((start, start.rstrip("\n"), start.rstrip("\n") + "\n"))


def _reach(fmt: Format, start: str, text: str) -> int:
    return len(readable_start(fmt, start + text)[0]) - len(start)


def _tells(fmt: Format, text: str) -> bool:
    return shown_mode(fmt, *readable_start(fmt, text)) is not None
