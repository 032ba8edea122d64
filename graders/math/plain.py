"""Golds as other people's reward code takes them: the answer alone, without what was put around it."""

from hipo_data.graders.math import boxes, clean


def plain_answer(answer: str) -> str:
    """The answer without box, dollar signs and other delimiters, and final punctuation; what is in it stays as written.

    Within `\\boxed{…}` it is what math-verify, TRL and verl parse as the answer was meant.
    """
    boxed, _ = boxes.last(answer)
    text = answer.strip() if boxed is None else boxed
    while "boxed" not in text and (shorter := clean.outside(text)) != text:
        text = shorter
    return text or answer.strip()
