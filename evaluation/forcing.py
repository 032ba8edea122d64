"""Forced modes of formats that justify them: the model writes its own justification, then gets the wanted tag.

An empty justification is nothing that such a model was trained on, and what follows it says little of the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from hipo_data.evaluation.backend import Ask, Reply, Sampling
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import FormatError
from hipo_data.prompts.formats.tokens import own_tags
from hipo_data.schemas.records import FinishReason, Mode

_PROBE = "because 8fa1"


def in_two_steps(
    fmt: Format | None,
    asks: Sequence[Ask],
    sampling: Sampling,
    generate: Callable[[Sequence[Ask], Sampling], list[Reply]],
) -> list[Reply]:
    """A reply to each ask, in order: justifications first where a mode is forced after one, then all that is left."""
    if fmt is None or not any(wants_justification(ask, fmt) for ask in asks):
        return generate(asks, sampling)
    first = [place for place, ask in enumerate(asks) if wants_justification(ask, fmt)]
    opened = dict(zip(first, generate(*opening([asks[place] for place in first], sampling, fmt)), strict=True))
    plan = [going_on(ask, opened[place], sampling, fmt) if place in opened else ask for place, ask in enumerate(asks)]
    replies = {place: each for place, each in enumerate(plan) if isinstance(each, Reply)}
    left = {place: each for place, each in enumerate(plan) if isinstance(each, Ask)}
    for place, reply in zip(left, generate(list(left.values()), sampling), strict=True):
        replies[place] = whole(opened[place], reply) if place in opened else reply
    return [replies[place] for place in range(len(asks))]


def wants_justification(ask: Ask, fmt: Format | None) -> bool:
    """Whether the model has to justify a forced mode that it has not justified yet."""
    return fmt is not None and fmt.justifies and ask.forced is not None and ask.justification is None


def opening(asks: Sequence[Ask], sampling: Sampling, fmt: Format) -> tuple[list[Ask], Sampling]:
    """What asks for the justifications alone: as if the model chose, up to the tag that ends a justification."""
    return [replace(ask, forced=None) for ask in asks], replace(sampling, until=end_of_justification(fmt))


def going_on(ask: Ask, opened: Reply, sampling: Sampling, fmt: Format) -> Ask | Reply:
    """The ask that goes on from the justification and the wanted tag.

    The reply itself where the model came to no end of a justification, or used up its tokens on it: no mode is forced.
    """
    justification, ended, _ = opened.text.removeprefix(fmt.prompt_suffix).partition(end_of_justification(fmt))
    if opened.tokens is None or not ended or ask.forced is None:
        return opened
    if opened.tokens >= sampling.max_tokens:
        return replace(opened, finish_reason=FinishReason.LENGTH)
    justification = justification.removesuffix("\n")
    try:
        fmt.forced_prefix(ask.forced, justification)
    except FormatError:  # it holds a tag
        return opened
    return replace(ask, justification=justification, spent=opened.tokens)


def whole(opened: Reply, rest: Reply) -> Reply:
    """The reply as one: `rest` has all of its text, and the tokens of both were written."""
    return rest if rest.tokens is None else replace(rest, tokens=rest.tokens + (opened.tokens or 0))


def end_of_justification(fmt: Format) -> str:
    """The tag that ends the justification in a format that has one."""
    behind = fmt.forced_prefix(Mode.THINK_ON, _PROBE).partition(_PROBE)[2]
    return min((tag for tag in own_tags(fmt) if tag in behind), key=behind.index)
