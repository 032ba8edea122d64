"""Any endpoint that speaks the OpenAI chat protocol, through the `openai` package, whose retries honour Retry-After."""

import os
from typing import Any

from engines.base import Completion, EngineDeadError, EngineError, EngineRefusedError, GenerationRequest
from schemas.config import OpenAIEngine
from schemas.records import FinishReason

_CONNECT_TIMEOUT_S = 30.0
_LATER = {408, 409, 425, 429}
"""Client errors of HTTP that say "not now" instead of "never"."""
_CONFIGURATION = {"unsupported_parameter", "unsupported_value"}
"""OpenAI's codes for what this model takes from nobody, such as `max_tokens` or a temperature."""
_LONGEST_MESSAGE = 1000
_UNFINISHED = {"abort", "error", "insufficient_system_resource"}
"""Finish reasons of vLLM, OpenRouter and DeepSeek for responses that the server broke off."""


class _UnusableReply(EngineError):
    """The endpoint answered 200, but not with a response."""


class OpenAIEndpoint:
    """An engine on `AsyncOpenAI`."""

    def __init__(self, config: OpenAIEngine) -> None:
        self._config = config
        self._client: Any = None
        self._key = ""
        self._address = ""

    async def start(self) -> None:
        """Asks the endpoint for its models. Raises `EngineRefusedError` where key, address or model are wrong, and
        `EngineDeadError` where nobody answers."""
        import openai

        base_url = self._config.base_url or os.environ.get("OPENAI_BASE_URL")
        self._key = self._find_key(required=base_url is None)
        self._client = openai.AsyncOpenAI(
            api_key=self._key or "none",  # local servers ask for none, yet the client insists on one
            base_url=base_url,
            # A pool timeout would fail requests that only wait for their turn.
            timeout=openai.Timeout(self._config.request_timeout_s, connect=_CONNECT_TIMEOUT_S, pool=None),
            max_retries=self._config.max_attempts - 1,
        )
        url = self._client.base_url
        self._address = f"{url.scheme}://{url.host}{'' if url.port is None else f':{url.port}'}{url.path.rstrip('/')}"
        if url.scheme not in ("http", "https"):
            raise EngineRefusedError(f"base_url '{base_url}' does not begin with http:// or https://")
        failure: BaseException
        models: list[str] = []
        try:
            models = [model.id async for model in self._client.models.list()]
        except openai.APIStatusError as error:
            if error.status_code in (403, 404, 405, 501):
                return  # no model list, or none for this key: the first request will tell
            failure = self._status_failure(error)
            if isinstance(failure, EngineError):
                if failure.permanent:
                    return
                failure = EngineDeadError(str(failure))
        except openai.APIConnectionError as error:
            failure = EngineDeadError(f"no answer from {self._address}: {self._cause(error)}")
        except (openai.APIResponseValidationError, ValueError, AttributeError, TypeError):
            return  # something else than a model list: the first request will tell
        else:
            if not models or self._config.model in models:
                return
            failure = EngineRefusedError(
                f"{self._address} does not serve '{self._config.model}'; it serves {', '.join(models[:5])}"
            )
        raise failure

    async def generate(self, request: GenerationRequest) -> Completion:
        """One response; raises `EngineError` once the attempts at this request are used up."""
        messages, body = self._rendered(request)
        attempts = self._config.max_attempts
        while True:
            attempts -= 1
            try:
                return self._completion(await self._ask(request, messages, body), request.response_prefix)
            except _UnusableReply:  # no error of HTTP, so the client has not tried again by itself
                if attempts == 0:
                    raise

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.close()

    def _rendered(self, request: GenerationRequest) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        messages = [message.model_dump() for message in request.messages]
        body: dict[str, Any] = {**self._config.extra_body, **request.sampling.extra}
        if request.chat_template_kwargs:
            body["chat_template_kwargs"] = {**body.get("chat_template_kwargs", {}), **request.chat_template_kwargs}
        if request.response_prefix:
            messages.append({"role": "assistant", "content": request.response_prefix})
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        body[self._config.max_tokens_field] = request.sampling.max_tokens
        return messages, body

    async def _ask(self, request: GenerationRequest, messages: list[dict[str, Any]], body: dict[str, Any]) -> Any:
        import openai

        failure: BaseException
        try:
            return await self._client.chat.completions.create(
                model=self._config.model,
                messages=messages,
                temperature=request.sampling.temperature,
                top_p=request.sampling.top_p,
                seed=request.seed,
                extra_body=body,
            )
        except openai.APIStatusError as error:
            failure = self._status_failure(error)
        except openai.APIConnectionError as error:
            failure = self._connection_failure(error)
        except openai.OpenAIError as error:
            failure = EngineError(self._without_key(str(error)))
        except UnicodeEncodeError as error:
            failure = EngineError(f"the prompt is not valid Unicode: {error.reason}", permanent=True)
        except ValueError as error:
            failure = _UnusableReply(f"the endpoint's reply is not JSON: {error}")
        # Raised out here, where no error of the client hangs on to it: those can hold the key.
        raise failure

    def _find_key(self, *, required: bool) -> str:
        name = self._config.api_key_env
        key = os.environ.get(name, "").strip()
        if required and not key:
            raise EngineRefusedError(f"the environment variable {name}, which holds the key, is not set or empty")
        if not (key.isascii() and key.isprintable()):
            raise EngineRefusedError(f"the key in {name} holds a line break or another character that no key can have")
        return key

    def _status_failure(self, error: Any) -> EngineError | EngineRefusedError:
        status = error.status_code
        body = error.body if isinstance(error.body, dict) else {}
        said = self._without_key(str(body.get("message") or error.message))[:_LONGEST_MESSAGE]
        text = f"{self._address} answered {status}: {said}"
        if status in (401, 402, 403, 404) or error.code == "insufficient_quota":
            return EngineRefusedError(text)
        if error.code in _CONFIGURATION:
            field = "max_completion_tokens" if error.param == "max_tokens" else "max_tokens"
            hint = f"; set max_tokens_field: {field}" if error.param == self._config.max_tokens_field else ""
            return EngineRefusedError(text + hint)
        return EngineError(text, permanent=status < 500 and status not in _LATER)

    def _connection_failure(self, error: Any) -> EngineError | EngineDeadError:
        cause = self._cause(error)
        if type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout"):
            return EngineDeadError(f"no answer from {self._address}: {cause}")
        return EngineError(f"no whole answer from {self._address}: {cause}")

    def _cause(self, error: Any) -> str:
        cause = error.__cause__ or error
        text = str(cause)
        return self._without_key(f"{type(cause).__name__}: {text}" if text else type(cause).__name__)

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text

    def _completion(self, reply: Any, prefix: str) -> Completion:
        choices, usage = getattr(reply, "choices", None), getattr(reply, "usage", None)
        if not choices or getattr(choices[0], "message", None) is None:
            said = getattr(reply, "error", None)
            text = "the endpoint's reply has no choices" + (f", but an error: {said}" if said else "")
            raise _UnusableReply(self._without_key(text)[:_LONGEST_MESSAGE])
        if usage is None or usage.completion_tokens is None:
            raise _UnusableReply("the endpoint's reply has no usage, so the response's length in tokens is unknown")
        choice, message = choices[0], choices[0].message
        if choice.finish_reason == "content_filter":
            raise EngineError("the endpoint's content filter cut the response", permanent=True)
        if choice.finish_reason in _UNFINISHED:
            raise _UnusableReply(f"the endpoint broke the response off: {choice.finish_reason}")
        details = getattr(usage, "completion_tokens_details", None)
        return Completion(
            text=prefix + (message.content or ""),
            finish_reason=FinishReason.LENGTH if choice.finish_reason == "length" else FinishReason.STOP,
            prompt_tokens=usage.prompt_tokens or 0,
            completion_tokens=usage.completion_tokens,
            # `reasoning` (vLLM, OpenRouter) and `reasoning_content` (DeepSeek, SGLang) are extensions of the protocol.
            reasoning=getattr(message, "reasoning", None) or getattr(message, "reasoning_content", None),
            reasoning_tokens=getattr(details, "reasoning_tokens", None),
        )
