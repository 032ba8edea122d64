"""Replies that are JSON, and of another shape than the protocol's."""

from typing import Any

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def reply(usage: Any = USAGE, finish: Any = "stop", **message: Any) -> dict[str, Any]:
    """A reply with some of it replaced."""
    message = {"role": "assistant", "content": "4", **message}
    return {"model": "teacher", "choices": [{"index": 0, "finish_reason": finish, "message": message}], "usage": usage}


def _counts() -> dict[str, tuple[dict[str, Any], str]]:
    found = {}
    values: list[Any] = ["9", 10**25, -3, True, 2.5, []]
    for field in ("prompt_tokens", "completion_tokens", "total_tokens", "reasoning_tokens"):
        for value in values:
            found[f"{field} {value!r}"] = (reply({**USAGE, field: value}), f"usage.{field} is {value!r}.")
    return found


ODD: dict[str, tuple[Any, str]] = {
    "content, a number": (reply(content=7), "choices.0.message.content is 7."),
    "content, true": (reply(content=True), "choices.0.message.content is True."),
    "content, an object": (reply(content={}), "choices.0.message.content is {}."),
    "a part, a number": (reply(content=[7]), "choices.0.message.content.0 is 7."),
    "a part, null": (reply(content=[None]), "choices.0.message.content.0 is None."),
    "a part whose text is a number": (
        reply(content=[{"type": "text", "text": 7}]),
        "choices.0.message.content.0.text is 7.",
    ),
    "a part inside a part whose text is a number": (
        reply(content=[{"type": "thinking", "thinking": [{"type": "text", "text": 7}]}]),
        "choices.0.message.content.0.thinking.0.text is 7.",
    ),
    "refusal, an object": (reply(content=None, refusal={}), "choices.0.message.refusal is {}."),
    "reasoning, a number": (reply(reasoning=7), "choices.0.message.reasoning is 7."),
    "reasoning_content, an object": (reply(reasoning_content={}), "choices.0.message.reasoning_content is {}."),
    "reasoning_details, an object": (reply(reasoning_details={}), "choices.0.message.reasoning_details is {}."),
    "finish_reason, a list": (reply(finish=[]), "choices.0.finish_reason is []."),
    "finish_reason, an object": (reply(finish={"type": "stop"}), "choices.0.finish_reason is {'type': 'stop'}."),
    "finish_reason, a number": (reply(finish=1), "choices.0.finish_reason is 1."),
    "message, a text": ({"choices": [{"message": "4"}], "usage": USAGE}, "has no choices"),
    "text, a number": ({"choices": [{"text": 4, "finish_reason": "stop"}], "usage": USAGE}, "choices.0.text is 4."),
    "choices, a text": ({"choices": "none", "usage": USAGE}, "has no choices"),
    "choices, null": ({"choices": [None], "usage": USAGE}, "has no choices"),
    "usage, a list": (reply(usage=[3]), "has no usage"),
    "usage, null": (reply(usage=None), "has no usage"),
    "usage, empty": (reply(usage={}), "has no usage"),
    "details of usage, a text": (
        reply({**USAGE, "completion_tokens_details": "none"}),
        "usage.completion_tokens_details is 'none'.",
    ),
    "reasoning tokens as text": (
        reply({**USAGE, "completion_tokens_details": {"reasoning_tokens": "9"}}),
        "usage.completion_tokens_details.reasoning_tokens is '9'.",
    ),
    "no object": ([], "has no choices"),
    "an error of another shape": ({"error": {"message": {"code": []}, "code": []}}, "has no choices, but an error: {"),
    **_counts(),
}
"""By name, with what is said of each."""
