"""HiPO's response format, after the chat template of KAT-V1 (arXiv 2509.23967).

    think-on    <judge>\\n{justification}\\n</judge>\\n\\n
                <think_on>\\n<think>\\n{reasoning}\\n</think>\\n\\n<answer>\\n{answer}\\n</answer>
    think-off   <judge>\\n{justification}\\n</judge>\\n\\n
                <think_off>\\n<answer>\\n{answer}\\n</answer>

Only `\\n` is a line break. The closing tags and blank lines are our reading; the tags themselves are the model's.
"""

import re

from prompts.formats.parts import FormatError, HybridResponse
from schemas.records import Mode

TAGS = (
    "<judge>",
    "</judge>",
    "<think_on>",
    "<think_off>",
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "<|im_start|>",
    "<|im_end|>",
)
"""Texts with a meaning of their own; none may stand inside a part."""

_PATTERN = re.compile(
    r"<judge>\n(?P<justification>.*?)\n</judge>\n\n"
    r"(?:<think_on>\n<think>\n(?P<reasoning>.*?)\n</think>\n\n|<think_off>\n)"
    r"<answer>\n(?P<answer>.*?)\n</answer>",
    re.DOTALL,
)


def render(response: HybridResponse) -> str:
    """The response as text. Raises `FormatError` where a part holds a tag or the mode and the reasoning disagree."""
    if (response.mode is Mode.THINK_ON) != (response.reasoning is not None):
        raise FormatError(f"a {response.mode} response {'lacks' if response.reasoning is None else 'has'} reasoning")
    for part in ("justification", "reasoning", "answer"):
        found = [tag for tag in TAGS if tag in (getattr(response, part) or "")]
        if found:
            raise FormatError(f"the {part} contains the tag {found[0]}")
    thinking = (
        "<think_off>\n" if response.reasoning is None else f"<think_on>\n<think>\n{response.reasoning}\n</think>\n\n"
    )
    return f"<judge>\n{response.justification}\n</judge>\n\n{thinking}<answer>\n{response.answer}\n</answer>"


def parse(text: str) -> HybridResponse:
    """The inverse of `render`. Raises `FormatError` on any other text."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise FormatError(
            "the text is not a HiPO response: <judge>, a mode tag and <answer> are expected in that order"
        )
    response = HybridResponse(
        mode=Mode.THINK_OFF if match["reasoning"] is None else Mode.THINK_ON,
        justification=match["justification"],
        reasoning=match["reasoning"],
        answer=match["answer"],
    )
    render(response)  # refuses tags inside the parts, which the pattern alone would let through
    return response
