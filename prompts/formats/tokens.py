"""A format and a tokenizer: which tokens belong to which segment, and which tags are one token."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import CHAT_TAGS, Segment, Span
from hipo_data.schemas.errors import UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Offset = tuple[int, int]
"""The half-open range of characters that a token stands for, as fast tokenizers give it."""


def token_segments(spans: Sequence[Span], offsets: Sequence[Offset], start: int = 0) -> list[Segment | None]:
    """One segment a token, null where the token lies outside of the response.

    A token belongs to the segment of its first character, so one that straddles a border belongs to the earlier of
    the segments, and the tokens of one character (bytes of an emoji) all to the same. An empty offset stands for the
    white space right before it, which some tokenizers trim; that of a token which a tokenizer adds is (0, 0), outside.

    Args:
        spans: the character spans of a format's `segments`.
        offsets: of all tokens of the text that the response stands in, padding and special tokens included.
        start: the character of that text at which the response starts.
    """
    return [None if at is None else spans[at].segment for at in _owners(spans, offsets, start)]


def token_spans(spans: Sequence[Span], offsets: Sequence[Offset], start: int = 0) -> list[Span]:
    """The range of tokens of each span, in the same order; the rule and the arguments are those of `token_segments`.

    A span to which no token belongs is empty. Raises `ValueError` where the response's tokens are not consecutive and
    in the order of the text.
    """
    owners = _owners(spans, offsets, start)
    inside = [token for token, owner in enumerate(owners) if owner is not None]
    first, end = (inside[0], inside[-1] + 1) if inside else (0, 0)
    within = [owner for owner in owners[first:end] if owner is not None]
    if len(within) != end - first or within != sorted(within):
        raise ValueError(
            "the offsets are not those of a text read from left to right, so segments have no token ranges"
        )
    borders = [first + bisect_right(within, at) for at in range(-1, len(spans))]
    return [Span(span.segment, borders[at], borders[at + 1]) for at, span in enumerate(spans)]


def decoded_offsets(tokenizer: "Tokenizer", ids: Sequence[int]) -> tuple[str, list[Offset]]:
    """The text of sampled tokens, special ones included, and the offset of each token in it.

    For rollouts: a model may write a text in other tokens than the tokenizer would, so offsets have to come from the
    tokens themselves. Tokens that are only whole characters together share one offset.
    """
    from tokenizers.decoders import DecodeStream

    stream = DecodeStream(skip_special_tokens=False)
    text = ""
    offsets: list[Offset] = []
    waiting = 0
    for token in ids:
        waiting += 1
        written = stream.step(tokenizer, token)
        if written is not None:
            offsets += [(len(text), len(text) + len(written))] * waiting
            text += written
            waiting = 0
    if waiting:  # bytes of a character that was cut off
        rest = tokenizer.decode(list(ids), skip_special_tokens=False)[len(text) :]
        offsets += [(len(text), len(text) + len(rest))] * waiting
        text += rest
    return text, offsets


def own_tags(style: Format) -> list[str]:
    """The tags that belong to the format itself, not to conversations at large."""
    return [tag for tag in style.tags if tag not in CHAT_TAGS]


def split_tags(tokenizer: Any, style: Format) -> dict[str, int]:
    """The format's tags that a tokenizer of transformers writes as several tokens, and as how many."""
    counts = {tag: len(tokenizer(tag, add_special_tokens=False)["input_ids"]) for tag in own_tags(style)}
    return {tag: count for tag, count in counts.items() if count != 1}


def refuse_split_tags(tokenizer: Any, style: Format, model: str, advice: str) -> None:
    """Raises `UserError`, with what to do, where the tokenizer of `model` writes a tag as several tokens."""
    for tag, count in split_tags(tokenizer, style).items():
        said = f"the tokenizer of '{model}' splits the {style.name} format's tag {tag} into {count} tokens"
        raise UserError(f"{said}; {advice}")


def _owners(spans: Sequence[Span], offsets: Sequence[Offset], start: int) -> list[int | None]:
    ends = [span.end for span in spans]
    length = ends[-1] if ends else 0
    owners: list[int | None] = []
    for low, high in offsets:
        character = (low if low < high else low - 1) - start
        owners.append(bisect_right(ends, character) if 0 <= character < length else None)
    return owners
