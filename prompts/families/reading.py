"""A response of any family, taken apart into reasoning and answer: the same for engines here and for endpoints."""

import re
from dataclasses import dataclass
from functools import lru_cache

from hipo_data.prompts.doubt import doubts
from hipo_data.schemas.family import Reading
from hipo_data.schemas.records import Mode

DEFAULT = Reading()
"""Of a role that names no family: `<think>` tags."""

_TURNS = (
    "<|im_end|>",
    "<|im_start|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|start_header_id|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<start_of_turn>",
)
"""Control tokens of widespread models, which leak where a model's configuration does not name them as its ends."""
_AT_THE_END = "</s>"  # elsewhere it may be HTML
_NEXT_TURN = r"\n\s*Human:"
_WRAPPED = re.compile(r"\s*<(answer|response)>(.*?)(?:</\1>\s*)?\Z", re.DOTALL)


@dataclass(frozen=True)
class Parts:
    """What a response holds. `reasoning` is null where there is none; `answer` where the response ended before it."""

    reasoning: str | None
    answer: str | None


def read(
    text: str,
    reading: Reading = DEFAULT,
    *,
    mode: Mode | None = None,
    opened: bool = False,
    cut: bool = False,
    field: str | None = None,
    hidden: bool = False,
) -> Parts:
    """The parts of a response, without white space at their ends.

    The last closing tag counts, so that text which only looks like an answer stays part of the reasoning. One that
    follows an answer by mistake, with nothing behind it, does not. An answer ends where its turn does, whatever the
    model wrote beyond, and loses what the family wraps answers in. What looked like an answer is reasoning as well
    where a further block of it begins there and is never closed.

    Args:
        text: as generated, what the request began the response with in front of it.
        reading: of the family.
        mode: that was asked for, where the request was of one. A think-on response that was cut off outside of any tags
            never reached an answer. Text of a think-off response that stands in `field` alone is the answer, which a
            server's parser took for reasoning.
        opened: the prompt opened the reasoning, so the response begins inside it.
        cut: the response ran into a limit of tokens.
        field: reasoning that the engine keeps apart from the text.
        hidden: the engine counts tokens of reasoning that it does not show.
    """
    parts = _split_apart(text, reading, mode, opened, cut, field, hidden)
    if parts.answer is None or not _reopens(parts.answer, reading):
        return parts
    return Parts("\n\n".join(part for part in (parts.reasoning, parts.answer) if part), None)


def _split_apart(
    text: str, reading: Reading, mode: Mode | None, opened: bool, cut: bool, field: str | None, hidden: bool
) -> Parts:
    if field is not None and field.strip():
        return _beside(text, field, reading, mode, cut)
    text = text if opened else _first_turn(text, reading)
    text = text if cut else _without_stray_end(text, reading)
    before, after = _split(text, reading)
    if after is not None:
        return Parts(_reasoning(before, reading), _answer(after, reading))
    inside = (opened and not hidden) or _begins(text, reading)
    if inside or (cut and mode is not None and mode.thinks):
        return Parts(_reasoning(text, reading), None)
    return Parts(None, _answer(text, reading))


def _without_stray_end(text: str, reading: Reading) -> str:
    """`text` without the closing tags that it ends in, where an answer stands between them and an earlier one."""
    left = _before_ends(text, reading)
    between = _split(left, reading)[1]
    return text if between is None or not _is_answer(between, reading) else left


def _before_ends(text: str, reading: Reading) -> str:
    """`text` without the closing tags that have nothing behind them."""
    before, behind = _split(text, reading)
    while behind is not None and not _answer(behind, reading):
        text = before
        before, behind = _split(text, reading)
    return text


def _is_answer(text: str, reading: Reading) -> bool:
    """Whether text in front of a closing tag with nothing behind it is an answer: no reasoning opens in it, and it does
    not doubt itself. Reasoning that goes on behind a closing tag and is closed again must not be published."""
    return not any(tag in text for tag in reading.open) and not doubts(text)


def _reopens(answer: str, reading: Reading) -> bool:
    """Whether a line begins with a tag that opens reasoning, which nothing closes; words that open it do not count, as
    answers begin lines with words."""
    tags = [tag.strip() for tag in reading.open if tag.startswith(("<", "["))]
    return any(line.lstrip().startswith(tag) for line in answer.splitlines() for tag in tags)


def _beside(text: str, field: str, reading: Reading, mode: Mode | None, cut: bool) -> Parts:
    text = text if cut else _without_stray_end(text, reading)
    before, after = _split(text, reading)
    reasoning = _reasoning(_split(field, reading)[0] if after is not None else field, reading)
    if after is not None:
        if not cut and not _answer(after, reading) and _is_apart(text, reasoning, reading):
            return Parts(reasoning, _answer(_before_ends(text, reading), reading))
        return Parts(reasoning or _reasoning(before, reading), _answer(after, reading))
    rest = _bare(text, reading)
    if not rest:
        if mode is Mode.THINK_OFF:
            return read(field, reading, mode=mode, cut=cut)
        return Parts(reasoning, None)
    if _begins(text, reading) and reasoning is not None and _repeats(rest, reasoning):
        rest = rest.removeprefix(reasoning).strip() if len(rest) > len(reasoning) else ""
        return Parts(reasoning, _answer(rest, reading) if rest else None)
    return Parts(reasoning, _answer(rest, reading))


def _is_apart(text: str, reasoning: str | None, reading: Reading) -> bool:
    """Whether what stands in front of closing tags is an answer beside reasoning that a server has taken out."""
    left = _before_ends(text, reading)
    apart = left.strip() and _split(left, reading)[1] is None and not _repeats(left.strip(), reasoning or "")
    return bool(apart) and _is_answer(left, reading)


def _repeats(text: str, reasoning: str) -> bool:
    return bool(reasoning) and (reasoning.startswith(text) or text.startswith(reasoning))


def _first_turn(text: str, reading: Reading) -> str:
    """Without the turns that a model wrote after an answer that no reasoning came before: they may hold tags."""
    ended = _turn(tuple(reading.turns)).search(text)
    tags = [place for tag in (*reading.open, *reading.close) if (place := text.find(tag)) >= 0]
    return text[: ended.start()] if ended and ended.start() < min(tags, default=len(text)) else text


def _split(text: str, reading: Reading) -> tuple[str, str | None]:
    """What stands before the last closing tag and after it; all and null where there is none."""
    ends = [(place + len(tag), -place) for tag in reading.close if (place := text.rfind(tag)) >= 0]
    if not ends:
        return text, None
    end, negative_start = max(ends)  # of alternatives that end alike, the longest
    return text[:-negative_start], text[end:]


def _begins(text: str, reading: Reading) -> bool:
    return any(text.lstrip().startswith(tag) for tag in reading.open)


def _bare(text: str, reading: Reading) -> str:
    """Without the opening tags in front, of which a server that echoes its prompt leaves more than one."""
    text = text.strip()
    while found := next((tag for tag in reading.open if text.startswith(tag.strip())), None):
        text = text.removeprefix(found.strip()).strip()
    return text


def _reasoning(text: str, reading: Reading) -> str | None:
    for tag in reading.skip:
        text = text.partition(tag)[2] if tag in text else text
    bare = _bare(text, reading)
    for joint in reading.joints:
        bare = bare.replace(joint, "\n\n")
    return bare or None


def _answer(text: str, reading: Reading) -> str:
    ended = _turn(tuple(reading.turns)).search(text)
    text = (text[: ended.start()] if ended else text).strip()
    if "<s>" not in text:
        text = text.removesuffix(_AT_THE_END).strip()
    for start, end in reading.answers:
        if start in text or end in text:
            return _unwrapped(text, start, end)
    whole = _WRAPPED.match(text)
    return whole[2].strip() if whole else text


def _unwrapped(text: str, start: str, end: str) -> str:
    _, opening, inside = text.partition(start)
    inside = inside if opening else text
    before, closing, _ = inside.rpartition(end)
    return (before if closing else inside).strip()


@lru_cache(maxsize=64)
def _turn(own: tuple[str, ...]) -> re.Pattern[str]:
    """Where a turn ends. A token in quotation marks is one that the answer talks about."""
    tokens = [token for token in dict.fromkeys((*own, *_TURNS)) if token != _AT_THE_END]
    return re.compile(rf"(?<![\"'`])(?:{'|'.join(map(re.escape, tokens))})|{_NEXT_TURN}")
