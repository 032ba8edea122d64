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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import HybridResponse, Segment
from hipo_data.prompts.formats.reading import parsed, readable_start, shown_mode
from hipo_data.prompts.formats.tokens import decoded_offsets, token_segments
from hipo_data.schemas.records import Mode


@dataclass(frozen=True)
class Reading:
    """What a completion says. `response` is null unless it is well-formed; `text` is the whole turn."""

    text: str
    mode: Mode | None
    response: HybridResponse | None
    segments: list[Segment]
    """One a token, that of the end of the turn included; none is `tags`."""


def read_completion(
    style: Format, tokenizer: Any, ids: Sequence[int], end_ids: frozenset[int], given: str | None = None
) -> Reading:
    """Reads sampled tokens, prompt excluded. end_ids: the tokens that end a turn; without one it was truncated.

    given: what the prompt ended in after the bare generation prompt; null for the format's `prompt_suffix`. Where it
    tells the mode, no token of the completion is a mode tag.
    """
    start = style.prompt_suffix if given is None else given
    finished = bool(ids) and ids[-1] in end_ids
    said = list(ids[:-1] if finished else ids)
    continued, offsets = decoded_offsets(tokenizer.backend_tokenizer, said)
    text = start + continued
    response = parsed(style, text) if finished else None
    readable, spans = readable_start(style, text)
    mode = response.mode if response else shown_mode(style, readable, spans)
    owners = token_segments(spans, offsets, start=-len(start))
    asked = any(span.segment is Segment.MODE and span.end <= len(start) for span in spans)
    return Reading(text, mode, response, _by_token(owners, mode, asked, finished))


def _by_token(owners: Sequence[Segment | None], mode: Mode | None, asked: bool, finished: bool) -> list[Segment]:
    told = asked or Segment.MODE in owners
    opened = Segment.REASONING if mode is Mode.THINK_ON else Segment.ANSWER
    before = opened if asked else Segment.JUDGE
    found: list[Segment] = []
    for owner in owners:
        if owner is not None and owner is not Segment.TAGS:
            found.append(owner)
        elif not found:
            found.append(before)
        else:
            found.append(opened if found[-1] is Segment.MODE else found[-1])
    if mode is not None and not told:
        found = [opened if segment is Segment.JUDGE else segment for segment in found]
        found[:1] = [Segment.MODE] * bool(found)
    if finished:
        last = found[-1] if found else before
        found.append(opened if last is Segment.MODE else last)
    return found
