"""What a request looks like on the wire."""

from dataclasses import replace
from typing import Any, overload

from hipo_data.engines.base import GenerationRequest, PromptRequest
from hipo_data.engines.own_fields import refuse_own_fields
from hipo_data.schemas.config import OpenAIEngine
from hipo_data.schemas.records import Message

TRIAL = "Say yes."
"""What is asked to find out whether an endpoint answers at all."""
TRIAL_TOKENS = 16
_BYTES_A_TOKEN = 4
_TOKENS_A_MESSAGE = 4


def chat_body(config: OpenAIEngine, request: GenerationRequest, model: str) -> dict[str, Any]:
    """The JSON object of a chat completion. Raises `EngineRefusedError` where the recipe sets what it may not."""
    messages = [message.model_dump() for message in request.messages]
    further: dict[str, Any] = {**config.extra_body, **request.sampling.extra}
    refuse_own_fields(further)
    if request.chat_template_kwargs:
        further["chat_template_kwargs"] = {**further.get("chat_template_kwargs", {}), **request.chat_template_kwargs}
    if request.response_prefix:
        messages.append({"role": "assistant", "content": request.response_prefix})
        further |= {"continue_final_message": True, "add_generation_prompt": False}
    return {
        "model": model,
        "messages": messages,
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        "seed": request.seed,
        **further,
        config.max_tokens_field: request.sampling.max_tokens,
    }


def prompt_body(config: OpenAIEngine, request: PromptRequest, model: str) -> dict[str, Any]:
    """The JSON object of a completion of tokens. Raises `EngineRefusedError` where the recipe sets what it may not."""
    further = {**config.extra_body, **request.sampling.extra}
    refuse_own_fields(further)
    return {
        "model": model,
        "prompt": list(request.prompt),
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        "seed": request.seed,
        **further,
        "max_tokens": request.sampling.max_tokens,
    }


@overload
def trial_of(request: GenerationRequest) -> GenerationRequest: ...
@overload
def trial_of(request: PromptRequest) -> PromptRequest: ...
def trial_of(request: GenerationRequest | PromptRequest) -> GenerationRequest | PromptRequest:
    """A request for a few tokens that asks in the same way as another, and something else."""
    sampling = request.sampling.model_copy(update={"max_tokens": TRIAL_TOKENS})
    if isinstance(request, PromptRequest):
        return replace(request, prompt=request.prompt[:1], sampling=sampling)
    return replace(request, messages=(Message(role="user", content=TRIAL),), sampling=sampling)


def prompt_tokens_about(request: GenerationRequest) -> int:
    """A guess at the prompt's tokens, for rate limits; the reply's usage corrects it."""
    texts = [*(message.content for message in request.messages), request.response_prefix]
    size = sum(len(text.encode(errors="surrogatepass")) for text in texts)
    return size // _BYTES_A_TOKEN + _TOKENS_A_MESSAGE * len(texts)
