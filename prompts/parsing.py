"""What a teacher wrote, taken apart into reasoning and answer."""

OPEN = "<think>"
CLOSE = "</think>"


def split_reasoning(text: str, starts_in_reasoning: bool) -> tuple[str | None, str | None]:
    """`(reasoning, answer)` of a raw response with inline `<think>` tags, both without white space at their ends.

    The reasoning is null where there is none or it is empty; the answer is null where the response ends inside its
    reasoning. The last closing tag counts, so that text which only looks like an answer stays part of the reasoning.

    Args:
        text: the response as generated.
        starts_in_reasoning: the prompt ended in an opening tag, so the response begins inside the reasoning.
    """
    before, tag, after = text.rpartition(CLOSE)
    if tag:
        return _reasoning(before), after.strip()
    if starts_in_reasoning or text.lstrip().startswith(OPEN):
        return _reasoning(text), None
    return None, text.strip()


def _reasoning(text: str) -> str | None:
    return text.strip().removeprefix(OPEN).strip() or None
