"""What went wrong at an endpoint, by what can be done about it."""

import re
from enum import Enum
from typing import Any

_LONGEST_MESSAGE = 1000
_CONFIGURATION = {"unsupported_parameter", "unsupported_value"}
"""OpenAI's codes for what this model takes from nobody, such as `max_tokens` or a temperature."""
_NO_QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_NO_MODEL = {"model_not_found", "model_not_available", "invalid_model"}
_NO_MODEL_TEXT = re.compile(
    r"not a valid model|unknown model|invalid model|no such model"
    r"|\bmodel\b.{0,200}\b(?:not found|does not exist|doesn't exist|not exist|is not available|is not served)",
    re.IGNORECASE | re.DOTALL,
)
_NO_TEMPLATE = re.compile(
    r"must provide a chat template|chat_template is not set|no chat template|template not found", re.IGNORECASE
)
"""Of base models, which answer no chat at all; vLLM, transformers and TGI say so of each request."""
_TOO_LONG = re.compile(
    r"context[ _-]?(?:length|size|window)|maximum context|prompt is too long|input is too long|request too large"
    r"|reduce the length",
    re.IGNORECASE,
)
"""Also seen under 429 ("Request too large for …", OpenAI) and 500 (llama.cpp), where another try cannot help either."""


class Kind(Enum):
    """What can be done about a failure."""

    REFUSED = "this endpoint serves nothing as configured: wrong key, no money, no such model, no chat template"
    REJECTED = "this endpoint will never serve this request"
    THROTTLED = "too many requests"
    OVERLOADED = "the endpoint cannot keep up"
    BROKEN = "the endpoint failed, or answered with something that is no response"
    INCONCLUSIVE = "the endpoint answered, but the response holds nothing, or nobody knows whether it is whole"
    UNREACHABLE = "nobody answered, so the request did not count"

    @property
    def slows_down(self) -> bool:
        """Whether fewer requests at once would have helped."""
        return self in (Kind.THROTTLED, Kind.OVERLOADED)

    @property
    def is_outage(self) -> bool:
        """Whether the endpoint as a whole may be down."""
        return self in (Kind.OVERLOADED, Kind.BROKEN, Kind.UNREACHABLE)

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed at the same endpoint later."""
        return self not in (Kind.REFUSED, Kind.REJECTED)


class EndpointFailure(Exception):
    """One attempt at one endpoint failed."""

    def __init__(
        self,
        kind: Kind,
        text: str,
        *,
        pause_s: float | None = None,
        status: int | None = None,
        empty: bool = False,
    ) -> None:
        super().__init__(text)
        self.kind = kind
        self.empty = empty
        """Whether the response was there, without a word in it."""
        self.pause_s = pause_s
        """Seconds for which the endpoint asks to be left alone, where it does."""
        self.status = status
        """Of HTTP, where there was an answer."""

    @property
    def is_redirect(self) -> bool:
        """Whether the endpoint sends its requests elsewhere."""
        return self.status is not None and 300 <= self.status < 400


def is_malformed(failure: EndpointFailure) -> bool:
    """Whether a request was rejected for how it asks, such as a field that is unknown here, and not for its content."""
    return failure.kind is Kind.REJECTED and failure.status in (400, 422) and not _TOO_LONG.search(str(failure))


def status_kind(status: int, body: Any, model: str) -> Kind:
    """What an HTTP status of 300 or more and its body mean for requests to `model`."""
    error = error_object(body)
    code, said = _code(error), _said(body)
    if code in _CONFIGURATION or code in _NO_QUOTA:
        return Kind.REFUSED
    if status == 403 and isinstance(error.get("metadata"), dict) and "reasons" in error["metadata"]:
        return Kind.REJECTED  # OpenRouter's moderation
    if status in (401, 402, 403, 404) or status < 400:
        return Kind.REFUSED
    if _NO_TEMPLATE.search(said):
        return Kind.REFUSED
    if _TOO_LONG.search(said):
        return Kind.REJECTED
    if status == 400 and (code in _NO_MODEL or (model in said and _NO_MODEL_TEXT.search(said))):
        return Kind.REFUSED
    if status == 429:
        return Kind.THROTTLED
    if status in (408, 503, 504, 529):
        return Kind.OVERLOADED
    return Kind.BROKEN if status >= 500 or status in (409, 425) else Kind.REJECTED


def status_text(status: int, body: Any, max_tokens_field: str) -> str:
    """The same for humans: `answered 400: …`.

    Args:
        status: of HTTP.
        body: the parsed JSON, or else the text.
        max_tokens_field: the configured name of the token limit, which the endpoint may not know.
    """
    error = error_object(body)
    text = f"answered {status}: {_said(body)}"
    if _code(error) in _CONFIGURATION and error.get("param") == max_tokens_field:
        other = "max_completion_tokens" if max_tokens_field == "max_tokens" else "max_tokens"
        text += f"; set max_tokens_field: {other}"
    return text


def error_object(body: Any) -> dict[str, Any]:
    """The error in a body: OpenAI's `{"error": {…}}`, FastAPI's `{"detail": …}`, or the object itself."""
    if not isinstance(body, dict):
        return {}
    error = body.get("error") or body.get("detail") or body
    return error if isinstance(error, dict) else {"message": str(error)}


def said_in(body: Any) -> str:
    """The message of the error in a body, cut short; empty where there is none."""
    return str(error_object(body).get("message") or "")[:_LONGEST_MESSAGE]


def _code(error: dict[str, Any]) -> str | None:
    code = error.get("code")
    return code if isinstance(code, str) else None


def _said(body: Any) -> str:
    return str(error_object(body).get("message") or body or "nothing")[:_LONGEST_MESSAGE]
