"""Golds as other people's reward code takes them: the answer alone, without what was put around it."""

import re

from hipo_data.graders.math import boxes, clean

_WHOLE = re.compile(r"([+-]?\d+)\.0+")
"""A whole number as tables write it that have a gap somewhere in the column."""


def plain_answer(answer: str) -> str:
    """The answer without box, dollar signs and other delimiters, and final punctuation; what is in it stays as written,
    but for `67.0`, which is `67`: other people's rewards may compare texts.

    Within `\\boxed{…}` it is what math-verify, TRL and verl parse as the answer was meant.
    """
    boxed, _ = boxes.last(answer)
    text = answer.strip() if boxed is None else boxed
    while "boxed" not in text and (shorter := clean.outside(text)) != text:
        text = shorter
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text or answer.strip()
