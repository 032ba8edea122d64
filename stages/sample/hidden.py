"""Reasoning that a server counts, or tells the gist of, and does not show."""

from hipo_data.engines.base import Completion
from hipo_data.schemas.family import Reading

_EMPTY_BLOCK = 8
"""Tokens that an empty block of reasoning takes up with its tags and line breaks, which some servers count and cut."""


def hidden_tokens(completion: Completion, reading: Reading) -> int:
    """Tokens of hidden reasoning in a response that shows none; 0 where there is no sign of any.

    Where the server sends a summary and no count, the summary's share of the characters. No sign are the tokens of an
    empty block, and a count that leaves nothing for the text that is there (some servers count a text without closing
    tags as reasoning altogether).
    """
    text = completion.text.strip()
    if completion.finish_reason.is_failure or (completion.reasoning or "").strip():
        return 0
    if any(tag in text for tag in reading.close):
        return 0
    counted, whole = completion.reasoning_tokens or 0, completion.completion_tokens
    if completion.summary and not counted:
        return max(1, round(whole * len(completion.summary) / (len(completion.summary) + len(text))))
    if counted <= _EMPTY_BLOCK or (text and counted >= whole):
        return 0
    return min(counted, whole)
