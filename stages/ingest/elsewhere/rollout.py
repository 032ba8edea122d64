"""A rollout that another tool wrote down, as far as all of them say the same things."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hipo_data.schemas.records import FinishReason

Json = Mapping[str, Any]

CUT = {"length", "max_tokens", "max_output_tokens", "model_length", "max_total_tokens", "max_response_length_exceeded"}
"""What tools call it when a limit on tokens ended a response."""


class NotARolloutError(ValueError):
    """A row that is no rollout to be used: a reason code in snake_case, and a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class Written:
    """What a tool says of one rollout."""

    question: str
    text: str
    """The response with its reasoning in `<think>` tags, where the tool keeps that apart."""
    gold: Any = None
    """Null where the tool's row has none; text, a number, a list or an object."""
    key: str | None = None
    """What no other rollout of the file is called."""
    task: str | None = None
    """What the tool calls the problem."""
    model: str | None = None
    ended: FinishReason = FinishReason.STOP
    reward: float | None = None
    """The tool's own grade: 1 is right."""
    shows_mode: bool = True
    """False where the tool may have left reasoning out, so that an answer alone tells nothing."""


def response_text(reasoning: str | None, answer: str | None, cut: bool) -> str:
    """A response as one text. A part that is missing is null or empty."""
    if not (reasoning or "").strip():
        return answer or ""
    if cut and not (answer or "").strip():
        return f"<think>\n{reasoning}"
    return f"<think>\n{reasoning}\n</think>\n\n{answer or ''}"


def text_of(content: Any) -> str | None:
    """The text of a message's content: text, or parts that each hold some; null for anything else."""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return None
    parts = [part.get("text") for part in content if isinstance(part, Mapping) and part.get("type") != "reasoning"]
    return "\n".join(part for part in parts if isinstance(part, str)) or None


def asked(messages: Any) -> str:
    """The one user turn of a prompt: a text, or messages of {role, content}. Raises `NotARolloutError`."""
    if isinstance(messages, str):
        return messages
    turns = [each for each in messages or () if isinstance(each, Mapping) and each.get("role") == "user"]
    texts = [text_of(turn.get("content")) for turn in turns]
    if len(texts) > 1:
        raise NotARolloutError("several_turns", f"the prompt has {len(texts)} user turns")
    if not texts or texts[0] is None:
        raise NotARolloutError("bad_column", "the prompt has no user turn with text")
    return texts[0]


def answered(messages: Any, ended: FinishReason) -> str:
    """The one assistant turn of a completion: a text, or messages of {role, content, reasoning_content}.

    Raises `NotARolloutError` where there are several turns or tools were called: then no one text is the response.
    """
    if isinstance(messages, str):
        return messages
    turns = [each for each in messages or () if isinstance(each, Mapping) and each.get("role") == "assistant"]
    if any(
        each.get("role") == "tool" or each.get("tool_calls") for each in messages or () if isinstance(each, Mapping)
    ):
        raise NotARolloutError("tool_calls", "the response calls tools, and no single text is all of it")
    if len(turns) != 1:
        raise NotARolloutError("several_turns" if turns else "no_response", f"there are {len(turns)} assistant turns")
    reasoning = turns[0].get("reasoning_content") or turns[0].get("reasoning")
    return response_text(
        reasoning if isinstance(reasoning, str) else None,
        text_of(turns[0].get("content")),
        ended is FinishReason.LENGTH,
    )


def ending(said: Any) -> FinishReason:
    """How a response ended, by the tool's word for it; one that says nothing ended by itself."""
    return FinishReason.LENGTH if isinstance(said, str) and said.lower() in CUT else FinishReason.STOP


def number(value: Any) -> float | None:
    """A reward; null for what is no finite number. True is 1."""
    if not isinstance(value, bool | int | float) or not math.isfinite(value):
        return None
    return float(value)


def refuse_hidden(tokens: Any, text: str) -> None:
    """Raises `NotARolloutError` where a server counted tokens of reasoning that the text does not show: it belongs to
    neither mode."""
    if isinstance(tokens, int) and tokens > 0 and "<think>" not in text:
        raise NotARolloutError(
            "hidden_reasoning", f"the model reasoned in {tokens} tokens that are not in the file, so it is of no mode"
        )
