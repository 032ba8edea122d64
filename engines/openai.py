"""Any endpoint that speaks the OpenAI chat protocol, through the `openai` package, whose own retries honour Retry-After."""

import os
from typing import Any

from engines.base import Completion, EngineDeadError, EngineError, EngineRefusedError, GenerationRequest
from schemas.config import OpenAIEngine
from schemas.records import FinishReason


class OpenAIEndpoint:
    """An engine on `AsyncOpenAI`."""

    def __init__(self, config: OpenAIEngine) -> None:
        self._config = config
        self._client: Any = None

    async def start(self) -> None:
        """Asks the endpoint for its models. Raises `EngineRefusedError` where the key or the model is wrong."""
        import openai

        key = os.environ.get(self._config.api_key_env)
        if key is None:
            if self._config.base_url is None:
                raise EngineRefusedError(
                    f"the environment variable {self._config.api_key_env}, which holds the key, is not set"
                )
            key = "none"  # local servers ask for none, yet the client insists on one
        self._client = openai.AsyncOpenAI(
            api_key=key,
            base_url=self._config.base_url,
            timeout=self._config.request_timeout_s,
            max_retries=self._config.max_attempts - 1,
        )
        try:
            models = [model.id async for model in self._client.models.list()]
        except (openai.NotFoundError, openai.APIResponseValidationError):
            return  # an endpoint without a model list: the first request will tell
        except openai.APIStatusError as error:
            raise self._refused_or_dead(error) from error
        except openai.APIConnectionError as error:
            raise EngineDeadError(f"no answer from {self._client.base_url}: {error.__cause__ or error}") from error
        if models and self._config.model not in models:
            raise EngineRefusedError(
                f"{self._client.base_url} does not serve '{self._config.model}'; it serves {', '.join(models[:5])}"
            )

    async def generate(self, request: GenerationRequest) -> Completion:
        """One response; raises `EngineError` once the retries are used up on this request."""
        import openai

        sampling = request.sampling
        messages = [message.model_dump() for message in request.messages]
        body: dict[str, Any] = {**self._config.extra_body, **sampling.extra}
        if request.chat_template_kwargs:
            body["chat_template_kwargs"] = request.chat_template_kwargs
        if request.response_prefix:
            messages.append({"role": "assistant", "content": request.response_prefix})
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        try:
            response = await self._client.chat.completions.create(
                model=self._config.model,
                messages=messages,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                max_completion_tokens=sampling.max_tokens,
                seed=request.seed,
                extra_body=body,
            )
        except (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError) as error:
            raise self._refused_or_dead(error) from error
        except openai.APIConnectionError as error:
            raise EngineDeadError(f"no answer from {self._client.base_url}: {error.__cause__ or error}") from error
        except openai.OpenAIError as error:
            raise EngineError(self._without_key(str(error))) from error
        except ValueError as error:  # a body that is not JSON
            raise EngineError(f"the endpoint's reply cannot be read: {error}") from error
        return _completion(response, request.response_prefix)

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.close()

    def _refused_or_dead(self, error: Any) -> EngineRefusedError | EngineDeadError:
        text = f"{self._client.base_url} answered {error.status_code}: {self._without_key(error.message)}"
        return EngineRefusedError(text) if error.status_code < 500 else EngineDeadError(text)

    def _without_key(self, text: str) -> str:
        key = os.environ.get(self._config.api_key_env)
        return text.replace(key, "***") if key else text


def _completion(response: Any, prefix: str) -> Completion:
    if not getattr(response, "choices", None):
        raise EngineError("the endpoint's reply has no choices")
    choice, usage = response.choices[0], response.usage
    message = choice.message
    if usage is None:
        raise EngineError("the endpoint's reply has no usage, so the response's length in tokens is unknown")
    details = getattr(usage, "completion_tokens_details", None)
    return Completion(
        text=prefix + (message.content or ""),
        finish_reason=FinishReason.LENGTH if choice.finish_reason == "length" else FinishReason.STOP,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        # `reasoning` (vLLM, OpenRouter) and `reasoning_content` (DeepSeek, SGLang) are extensions of the protocol.
        reasoning=getattr(message, "reasoning", None) or getattr(message, "reasoning_content", None),
        reasoning_tokens=getattr(details, "reasoning_tokens", None),
    )
