"""What a chat template makes of a response.

The templates of Qwen3 and of DeepSeek-R1-Distill take responses apart at `</think>`: of a response in the format hipo,
the judge part and the mode tag are lost, and think-off gets an empty reasoning in front.
"""

from collections.abc import Callable, Sequence
from typing import Any

Turns = Sequence[dict[str, str]]
Render = Callable[[Turns, bool], str]
"""A conversation as text: its turns, and whether the generation prompt follows."""


def objection(turns: Turns, render: Render, *, turn_by_turn: bool = False) -> str | None:
    """What a chat template does to a conversation that ends in a response, or null where it renders it faithfully.

    Faithful is: the response whole; before it nothing that the generation prompt lacks; and no generation prompt that
    the response would not follow. `turn_by_turn` asks also for the response whole where its turn is rendered alone, as
    verl does.
    """
    response = turns[-1]["content"]
    whole, prompt = render(turns, False), render(turns[:-1], True)
    at = whole.rfind(response)
    if at < 0:
        return f"drops '{_first_missing(response, whole)}' from the response"
    if not prompt.startswith(whole[:at]):
        added = whole[_common(whole, prompt) : at]
        return f"puts {added!r} before the response"
    if not whole.startswith(prompt):
        return f"opens the response with {prompt[at:]!r}, with which it does not begin"
    if turn_by_turn and response not in (alone := render(turns[-1:], False)):
        return f"drops '{_first_missing(response, alone)}' from a response that is rendered alone, as verl does"
    return None


def _first_missing(response: str, rendered: str) -> str:
    lines = [line for line in response.split("\n") if line]
    return next((line for line in lines if line not in rendered), "line breaks")[:60]


def _common(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def renderer(apply: Callable[..., Any], **switch: Any) -> Render:
    """A `Render` of a tokenizer's `apply_chat_template`, with a row's arguments for the template."""
    return lambda turns, prompt: str(apply(list(turns), tokenize=False, add_generation_prompt=prompt, **switch))
