"""From the tokens of a completion to the mode that it chose and the segment that each token belongs to.

One behaviour for each case:

- A well-formed response has the mode and the segments that its format says.
- A truncated response has the segments that it reached, and a mode once its tag is whole or its reasoning has begun.
- A malformed one has those of its longest beginning that is in the format; the rest counts to the segment in which it
  went wrong. So a response that chose a mode and then lost its way is still a response of that mode.
- The format's other tags count as judge before the mode tag, to the part that they open right after it, and to the
  part that they close later on. The token that ends the turn counts to the last part.
- Where nothing but the presence of reasoning tells the mode, as in AdaptThink, the first token is the mode tag.
- A tag that the tokenizer splits has several mode tokens; a token across a border belongs to the earlier segment.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import FormatError, HybridResponse, Span
from hipo_data.prompts.formats.parts import Segment as Part
from hipo_data.prompts.formats.tokens import decoded_offsets, token_segments
from hipo_data.schemas.records import Mode
from hipo_data.trainer.algorithms.rollouts import Segment

_CODES = {
    Part.JUDGE: Segment.JUDGE,
    Part.MODE: Segment.MODE,
    Part.REASONING: Segment.REASONING,
    Part.ANSWER: Segment.ANSWER,
}


@dataclass(frozen=True)
class Reading:
    """What a completion says. `response` is null unless it is well-formed; `text` is the whole turn."""

    text: str
    mode: Mode | None
    response: HybridResponse | None
    segments: list[Segment]
    """One code a token, that of the end of the turn included."""


def read_completion(style: Format, tokenizer: Any, ids: Sequence[int], end_ids: frozenset[int]) -> Reading:
    """Reads sampled tokens, prompt excluded. end_ids: the tokens that end a turn; without one it was truncated."""
    finished = bool(ids) and ids[-1] in end_ids
    said = list(ids[:-1] if finished else ids)
    continued, offsets = decoded_offsets(tokenizer.backend_tokenizer, said)
    text = style.prompt_suffix + continued
    response = _parsed(style, text) if finished else None
    spans = style.segments(text) if response else _spans(style, text)
    mode = response.mode if response else _mode(style, text, spans)
    owners = token_segments(spans, offsets, start=-len(style.prompt_suffix))
    return Reading(text, mode, response, _codes(owners, mode, finished))


def segment_tensor(readings: Sequence[Reading], length: int) -> torch.Tensor:
    """(B, length) int64 codes of `Segment`, `NONE` on padding."""
    rows = torch.zeros((len(readings), length), dtype=torch.int64)
    for row, reading in zip(rows, readings, strict=True):
        row[: len(reading.segments)] = torch.tensor([int(code) for code in reading.segments], dtype=torch.int64)
    return rows


def _parsed(style: Format, text: str) -> HybridResponse | None:
    try:
        return style.parse(text)
    except FormatError:
        return None


def _spans(style: Format, text: str) -> list[Span]:
    """The spans of the longest beginning that is in the format."""

    def refused(length: int) -> bool:
        try:
            style.segments(text[:length])
        except FormatError:
            return True
        return False

    # What starts with something outside of the format is outside of it, so a bisection finds the border.
    border = bisect_left(range(1, len(text) + 1), True, key=refused)
    return style.segments(text[:border])


def _mode(style: Format, text: str, spans: list[Span]) -> Mode | None:
    parts = {span.segment for span in spans if span.end > span.start}
    if Part.REASONING in parts:
        return Mode.THINK_ON
    tag = next((text[span.start : span.end] for span in spans if span.segment is Part.MODE), "")
    told = [mode for mode in Mode if tag and style.forced_prefix(mode).endswith(tag)]
    if len(told) == 1:
        return told[0]
    return Mode.THINK_OFF if Part.ANSWER in parts else None


def _codes(owners: Sequence[Part | None], mode: Mode | None, finished: bool) -> list[Segment]:
    told = Part.MODE in owners
    opened = Segment.REASONING if mode is Mode.THINK_ON else Segment.ANSWER
    codes: list[Segment] = []
    for owner in owners:
        if owner in _CODES:
            codes.append(_CODES[owner])
        elif not codes:
            codes.append(Segment.JUDGE)
        else:
            codes.append(opened if codes[-1] is Segment.MODE else codes[-1])
    if mode is not None and not told:
        codes = [opened if code is Segment.JUDGE else code for code in codes]
        codes[:1] = [Segment.MODE] * bool(codes)
    if finished:
        last = codes[-1] if codes else Segment.JUDGE
        codes.append(opened if last is Segment.MODE else last)
    return codes
