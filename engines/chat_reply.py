"""A completion out of the JSON that an endpoint answers with, in the several dialects of the OpenAI protocol."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hipo_data.engines.base import Completion
from hipo_data.engines.endpoint_failure import EndpointFailure, Kind, error_object
from hipo_data.schemas.records import FinishReason

_LONGEST_MESSAGE = 1000
_BY_CHANCE = 2
_CUT = {"length", "max_length", "max_tokens", "model_length", "max_output_tokens", "model_context_window_exceeded"}
"""Finish reasons, in lower case, of responses that ran into a limit; each maker has a word of its own."""
_ENDED = {"stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed", "finished", "finish"}
"""Of those that ended by themselves."""
_UNFINISHED = {"abort", "error", "insufficient_system_resource"}
"""Finish reasons of vLLM, OpenRouter and DeepSeek for responses that the server broke off."""
_REASONING_FIELDS = ("reasoning", "reasoning_content")
"""vLLM, OpenRouter and Groq use the first, DeepSeek and SGLang the second; some servers send both alike."""


def completion(reply: Any, prefix: str, ends: Sequence[str] = ("</think>",)) -> Completion:
    """The first choice of `reply`, its text continuing `prefix`. Raises `EndpointFailure`.

    Inline reasoning tags stay in the text, where whoever reads it takes them out. After a prefix, what the server keeps
    apart as reasoning is put in line as well, with the first of `ends` behind it: the server's parser has not seen the
    prefix, which may have ended the reasoning or begun it.
    """
    choice = _choice(reply)
    message = choice["message"]
    finish = choice.get("finish_reason")
    if finish == "content_filter":
        raise EndpointFailure(Kind.REJECTED, "the endpoint's content filter cut the response")
    if finish in _UNFINISHED:
        raise EndpointFailure(Kind.BROKEN, f"the endpoint broke the response off: {finish}")
    usage = _usage(reply.get("usage"))
    text, reasoning = _text(message), _reasoning(message)
    if prefix and reasoning is not None and not any(end in text for end in ends):
        joint = ends[0] if text and not any(end in prefix for end in ends) else ""
        text, reasoning = reasoning + joint + text, None
    return Completion(
        text=_continued(text, prefix),
        finish_reason=_finish_reason(finish),
        prompt_tokens=usage.prompt,
        completion_tokens=usage.completion,
        reasoning=reasoning,
        reasoning_tokens=usage.reasoning,
    )


def _finish_reason(said: Any) -> FinishReason:
    """Raises `EndpointFailure` for a reason that is not known: it may stand for a response that is not whole."""
    if said is None:
        return FinishReason.STOP  # some servers leave it out where nothing was cut off
    reason = str(said).lower()
    if reason in _CUT:
        return FinishReason.LENGTH
    if reason in _ENDED:
        return FinishReason.STOP
    raise EndpointFailure(
        Kind.REJECTED,
        f"the endpoint ended the response for the reason '{said}', which is neither known as an end nor as a limit",
    )


def _continued(text: str, prefix: str) -> str:
    """The whole response. Some servers, as llama.cpp's, begin their reply with the prefix that they continue; of a
    prefix of a character or two, a model may write the same by itself."""
    echoed = prefix.rstrip()
    return text if len(echoed) > _BY_CHANCE and text.startswith(echoed) else prefix + text


def _choice(reply: Any) -> dict[str, Any]:
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if isinstance(choices, list) and len(choices) > 1:  # and the usage is that of all
        text = f"the endpoint's reply has {len(choices)} choices instead of one, so its length is unknown"
        raise EndpointFailure(Kind.BROKEN, text)
    choice = choices[0] if isinstance(choices, list) and choices else None
    if isinstance(choice, dict) and isinstance(choice.get("text"), str):  # of /completions
        choice = {**choice, "message": {"content": choice["text"]}}
    if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
        said = error_object(reply).get("message") or (isinstance(choice, dict) and choice.get("error")) or ""
        text = "the endpoint's reply has no choices" + (f", but an error: {said}" if said else "")
        raise EndpointFailure(Kind.BROKEN, text[:_LONGEST_MESSAGE])
    return choice


@dataclass(frozen=True)
class _Usage:
    """Tokens."""

    prompt: int
    completion: int
    reasoning: int | None


def _usage(usage: Any) -> _Usage:
    if not isinstance(usage, dict) or not isinstance(usage.get("completion_tokens"), int):
        raise EndpointFailure(
            Kind.BROKEN, "the endpoint's reply has no usage, so the response's length in tokens is unknown"
        )
    prompt, counted = usage.get("prompt_tokens") or 0, usage["completion_tokens"]
    details = usage.get("completion_tokens_details")
    reasoning = details.get("reasoning_tokens") if isinstance(details, dict) else usage.get("reasoning_tokens")
    # xAI and Gemini leave the reasoning out of completion_tokens; only the total shows it.
    uncounted = max(0, (usage.get("total_tokens") or 0) - prompt - counted) if prompt else 0
    return _Usage(prompt, counted + uncounted, uncounted if reasoning is None and uncounted else reasoning)


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(_texts(part for part in content if not _is_thinking(part)))
    return content or message.get("refusal") or ""


def _reasoning(message: dict[str, Any]) -> str | None:
    for field in _REASONING_FIELDS:
        if isinstance(message.get(field), str) and message[field]:
            return str(message[field])
    details, content = message.get("reasoning_details"), message.get("content")
    found = ""
    if isinstance(details, list):  # OpenRouter: reasoning.text, reasoning.summary, reasoning.encrypted
        found = "".join(_texts(details))
    if not found and isinstance(content, list):  # Mistral: parts of the content
        found = "".join(_texts(part for part in content if _is_thinking(part)))
    return found or None


def _is_thinking(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in ("thinking", "reasoning")


def _texts(parts: Any) -> Iterator[str]:
    """The texts in `parts`, which may be nested."""
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            inner = next((part[name] for name in ("text", "thinking", "summary") if part.get(name)), "")
            yield from _texts([inner] if isinstance(inner, str) else inner)
