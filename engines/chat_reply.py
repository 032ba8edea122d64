"""A completion out of the JSON that an endpoint answers with, in the several dialects of the OpenAI protocol."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hipo_data.engines.base import Completion
from hipo_data.engines.endpoint_failure import EndpointFailure, Kind
from hipo_data.engines.prefix_echo import tells_by_itself
from hipo_data.engines.reply_shape import Choice, Message, Part, shaped
from hipo_data.engines.used_tokens import used
from hipo_data.schemas.records import FinishReason

_LONGEST_REASON = 100
CUT = {"length", "max_length", "max_tokens", "model_length", "max_output_tokens", "model_context_window_exceeded"}
"""Finish reasons, in lower case, of responses that ran into a limit; each maker has a word of its own."""
ENDED = {"stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed", "finished", "finish"}
"""Of those that ended by themselves."""
_UNFINISHED = {"abort", "error", "insufficient_system_resource"}
"""Finish reasons of vLLM, OpenRouter and DeepSeek for responses that the server broke off."""


def completion(
    reply: Any, prefix: str, ends: Sequence[str] = ("</think>",), *, repeats_prefix: bool = False
) -> Completion:
    """The first choice of `reply`, its text continuing `prefix`. Raises `EndpointFailure`.

    Inline reasoning tags stay in the text, where whoever reads it takes them out. After a prefix, what the server keeps
    apart as reasoning is put in line as well, with the first of `ends` behind it: the server's parser has not seen the
    prefix, which may have ended the reasoning or begun it.

    Args:
        reply: as parsed from JSON; of any shape.
        prefix: what the response was to continue.
        ends: tags that end reasoning.
        repeats_prefix: this server is known to begin its replies with the prefix.
    """
    read = shaped(reply)
    if len(read.choices) > 1:  # and the usage is that of all
        said = f"the endpoint's reply has {len(read.choices)} choices instead of one, so its length is unknown"
        raise EndpointFailure(Kind.BROKEN, said)
    choice = read.choices[0]
    message = _message(choice)
    finish_reason = _finish_reason(choice.finish_reason)
    text, thought = _text(message), _thought(message)
    reasoning = thought.reasoning
    if text is None and reasoning is None and thought.summary is None and finish_reason is FinishReason.STOP:
        raise EndpointFailure(Kind.INCONCLUSIVE, "the endpoint's response holds nothing", empty=True)
    text = text or ""
    usage = used(read.usage, len(text) + len(reasoning or ""))
    if prefix and reasoning is not None and not any(end in text for end in ends):
        joint = ends[0] if text and not any(end in prefix for end in ends) else ""
        text, reasoning = reasoning + joint + text, None
    return Completion(
        text=_continued(text, prefix, repeats_prefix),
        finish_reason=finish_reason,
        prompt_tokens=usage.prompt,
        completion_tokens=usage.completion,
        reasoning=reasoning,
        reasoning_tokens=usage.reasoning,
        summary=thought.summary,
    )


def _finish_reason(said: str | None) -> FinishReason:
    """Raises `EndpointFailure` for a reason that is not there or not known: the response may not be whole."""
    reason = (said or "").lower()
    if reason in CUT:
        return FinishReason.LENGTH
    if reason in ENDED:
        return FinishReason.STOP
    if reason in _UNFINISHED:
        raise EndpointFailure(Kind.BROKEN, f"the endpoint broke the response off: {said}")
    if reason == "content_filter":
        raise EndpointFailure(Kind.REJECTED, "the endpoint's content filter cut the response")
    if not reason:  # SGLang and Ollama leave it out where the response broke off; no server does so for one that ended
        text = "the endpoint's reply has no finish_reason, so nothing says that the response is whole"
        raise EndpointFailure(Kind.INCONCLUSIVE, text)
    raise EndpointFailure(
        Kind.REJECTED,
        f"the endpoint ended the response for the reason '{reason[:_LONGEST_REASON]}', which is neither known as an end"
        " nor as a limit",
    )


def _continued(text: str, prefix: str, repeats_prefix: bool) -> str:
    """The whole response. Some servers, as llama.cpp's, begin their reply with the prefix that they continue; of a
    prefix of a character or two, a model may write the same by itself, so that only knowing the server tells."""
    echoed = prefix.rstrip()
    told = repeats_prefix or tells_by_itself(prefix)
    return text if echoed and told and text.startswith(echoed) else prefix + text


def _message(choice: Choice) -> Message:
    return Message(content=choice.text) if choice.text is not None else choice.message or Message()


def _text(message: Message) -> str | None:
    """Null where the message has none, which an empty one is not."""
    content = message.content
    if isinstance(content, list):
        content = "".join(_texts(part for part in content if not _is_thinking(part))) or None
    return content or message.refusal or content


@dataclass(frozen=True)
class _Thought:
    """What a message shows of its reasoning: itself, or a summary of what it hides."""

    reasoning: str | None
    summary: str | None = None


def _thought(message: Message) -> _Thought:
    parts = list(message.reasoning_details or [])  # OpenRouter: reasoning.text, .summary, .encrypted
    if isinstance(message.content, list):  # Mistral: parts of the content
        parts += [part for part in message.content if _is_thinking(part)]
    told = "".join(_texts(part for part in parts if _is_summary(part))) or None
    written = "".join(_texts(part for part in parts if not _is_summary(part))) or None
    beside = message.reasoning or message.reasoning_content or None
    if told is not None and written is None:  # OpenRouter repeats it as the reasoning
        return _Thought(None, beside or told)
    return _Thought(beside or written, told)


def _is_summary(part: str | Part) -> bool:
    if not isinstance(part, Part):
        return False
    return (part.type or "").endswith("summary") or bool(part.summary and not part.text and not part.thinking)


def _is_thinking(part: str | Part) -> bool:
    return isinstance(part, Part) and part.type in ("thinking", "reasoning")


def _texts(parts: Iterable[str | Part]) -> Iterator[str]:
    """The texts in `parts`, which may be nested."""
    for part in parts:
        if isinstance(part, str):
            yield part
        else:
            inner = part.text or part.thinking or part.summary or ""
            yield from _texts([inner] if isinstance(inner, str) else inner)
