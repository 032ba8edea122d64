"""The shape of a reply in the OpenAI protocol: what is read of it has its type, and counts are counts."""

import reprlib
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hipo_data.engines.endpoint_failure import EndpointFailure, Kind, said_in

_MOST_TOKENS = 10**9
_shown = reprlib.Repr()
_shown.maxstring = _shown.maxother = 80
_shown.maxlevel = _shown.maxdict = _shown.maxlist = 2

_Count = Annotated[int, Field(ge=0, le=_MOST_TOKENS)]


class _Shape(BaseModel):
    """Strict, so that neither a text nor a truth value passes as a number; fields that nobody reads are of any type."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Part(_Shape):
    """A part of a content or of a reasoning; its text is under a name of its maker's and may be in parts again."""

    type: str | None = None
    text: "str | list[str | Part] | None" = None
    thinking: "str | list[str | Part] | None" = None
    summary: "str | list[str | Part] | None" = None


class Message(_Shape):
    """What was written. Reasoning is in the first field by vLLM, OpenRouter and Groq, in the second by DeepSeek and
    SGLang, and in the third by OpenRouter; some servers send several alike."""

    content: str | list[str | Part] | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[str | Part] | None = None


class Choice(_Shape):
    """One response: a message, or the text of `/completions`."""

    message: Message | None = None
    text: str | None = None
    finish_reason: str | None = None


class UsageDetails(_Shape):
    """What the completion tokens are made of."""

    reasoning_tokens: _Count | None = None


def _whole(count: Any) -> int:
    return count if type(count) is int and 0 <= count <= _MOST_TOKENS else 0


class Usage(_Shape):
    """Tokens."""

    prompt_tokens: _Count | None = None
    completion_tokens: _Count
    total_tokens: _Count | None = None
    reasoning_tokens: _Count | None = None
    completion_tokens_details: UsageDetails | None = None
    prompt_tokens_details: Any = None
    cached_tokens: Any = None
    prompt_cache_hit_tokens: Any = None
    cache_read_input_tokens: Any = None
    cache_creation_input_tokens: Any = None
    """Of any type: what they say is only looked at to explain a total (`cached`)."""

    def cached(self) -> tuple[int, int]:
        """Prompt tokens that were read from a cache, and those that were written into one, by any maker's name."""
        details = self.prompt_tokens_details if isinstance(self.prompt_tokens_details, dict) else {}
        own = (self.cached_tokens, self.prompt_cache_hit_tokens, self.cache_read_input_tokens)
        return (
            max(map(_whole, (*own, details.get("cached_tokens")))),
            max(map(_whole, (self.cache_creation_input_tokens, details.get("cache_creation_tokens")))),
        )


class Reply(_Shape):
    """What is read of a reply."""

    choices: list[Choice] = Field(min_length=1)
    usage: Usage


class BatchResponse(_Shape):
    """The response to one request of a batch. Its body is a reply, or an error, or anything else."""

    status_code: Annotated[int, Field(ge=100, le=599)] = 500
    body: Any = None


class BatchLine(_Shape):
    """A line of a batch's results."""

    response: BatchResponse | None = None
    error: Any = None


_SHAPES = (Part, Message, Choice, UsageDetails, Usage, Reply, BatchResponse, BatchLine)
_FIELDS = {name for shape in _SHAPES for name in shape.model_fields}


def shaped(reply: Any) -> Reply:
    """`reply`, which may be anything that JSON holds, in its shape. Raises `EndpointFailure`, of kind `BROKEN`."""
    if not _has_choices(reply):
        said = _error_in(reply)
        text = "the endpoint's reply has no choices" + (f", but an error: {said}" if said else "")
        raise EndpointFailure(Kind.BROKEN, text)
    try:
        return Reply.model_validate(reply)
    except ValidationError as error:
        failure = error
    place, odd = _odd(failure)
    if place == ["usage"] or (place == ["usage", "completion_tokens"] and "completion_tokens" not in reply["usage"]):
        said = "the endpoint's reply has no usage, so the response's length in tokens is unknown"
        raise EndpointFailure(Kind.BROKEN, said)
    raise EndpointFailure(Kind.BROKEN, f"the endpoint's reply has another shape than the protocol's: {odd}")


def shaped_line(line: Any) -> BatchLine:
    """A line of a batch's results in its shape. Raises `EndpointFailure`, of kind `BROKEN`."""
    try:
        return BatchLine.model_validate(line)
    except ValidationError as error:
        failure = error
    raise EndpointFailure(Kind.BROKEN, f"the batch's result has another shape than the protocol's: {_odd(failure)[1]}")


def _odd(error: ValidationError) -> tuple[list[int | str], str]:
    """Where a shape is odd, and the same in words."""
    # Of alternatives, that which went furthest is the one that was meant.
    worst = max(error.errors(include_url=False, include_context=False), key=lambda each: len(each["loc"]))
    place = [part for part in worst["loc"] if isinstance(part, int) or part in _FIELDS]
    where = ".".join(map(str, place)) or "it"
    return place, f"{where} is {_shown.repr(worst['input'])}. {worst['msg']}"


def _has_choices(reply: Any) -> bool:
    choice = _first(reply)
    return isinstance(choice, dict) and (isinstance(choice.get("message"), dict) or choice.get("text") is not None)


def _error_in(reply: Any) -> str:
    choice = _first(reply)
    return said_in(reply) or (said_in({"error": choice.get("error")}) if isinstance(choice, dict) else "")


def _first(reply: Any) -> Any:
    choices = reply.get("choices") if isinstance(reply, dict) else None
    return choices[0] if isinstance(choices, list) and choices else None
