"""Responses of an endpoint that speaks the OpenAI protocol, through the official client."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from hipo_data.evaluation.backend import Ask, Reply, Sampling
from hipo_data.evaluation.prompts import Prompts, load_tokenizer
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import FormatError
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import FinishReason, Mode

_NO_KEY = "none"
"""What goes out where no key is configured; the client insists on one, and servers of one's own ignore it."""


@dataclass(frozen=True)
class Endpoint:
    """Where the model is served, under the name that `evaluate` takes as the model."""

    base_url: str
    """Such as http://localhost:8000/v1."""
    api_key_env: str | None = None
    """The variable that holds the key; the key itself stands nowhere."""
    tokenizer: str | None = None
    """A folder or Hub name; with it prompts are rendered here and go to /completions, and modes are forced exactly."""
    max_in_flight: int = 64
    max_retries: int = 6
    timeout_s: float = 1800.0
    max_tokens_field: str = "max_tokens"
    """OpenAI's own newer models take `max_completion_tokens` on /chat/completions."""
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of each request; they win over ours."""
    allow_split_tags: bool = False


class OpenAIBackend:
    """Chat completions; or, with a tokenizer, completions of prompts rendered here.

    Chat completions leave the chat template to the server. A mode is forced by `chat_template_kwargs` where the format
    has them, else by an assistant message that the server is asked to continue (`continue_final_message`, as vLLM and
    SGLang have it).
    """

    name = "openai"

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._model = ""
        self._format: Format | None = None
        self._prompts: Prompts | None = None

    @property
    def details(self) -> Mapping[str, Any]:
        """See `Backend`."""
        end = self._endpoint
        return {"base_url": end.base_url, "tokenizer": end.tokenizer, "extra_body": dict(end.extra_body)}

    def start(self, model: str, response_format: Format | None) -> None:
        """See `Backend`. Whether the endpoint answers shows at the first request."""
        if find_spec("openai") is None:
            raise UserError(
                "an endpoint is asked through the package openai, which is not installed; pip install openai"
            )
        self._model, self._format = model, response_format
        self._key()
        if self._endpoint.tokenizer is not None:
            tokenizer = load_tokenizer(self._endpoint.tokenizer)
            split = self._endpoint.allow_split_tags
            self._prompts = Prompts(tokenizer, self._endpoint.tokenizer, response_format, split)

    def generate(self, asks: Sequence[Ask], sampling: Sampling) -> list[Reply]:
        """See `Backend`. Raises `UserError` where the endpoint refuses all requests alike."""
        return asyncio.run(self._generate(asks, sampling))

    def close(self) -> None:
        """See `Backend`. Connections end with each `generate`."""

    def _key(self) -> str:
        name = self._endpoint.api_key_env
        if name is None:
            return _NO_KEY
        key = os.environ.get(name)
        if not key:
            raise UserError(f"the variable {name}, which should hold the key of {self._endpoint.base_url}, is not set")
        return key

    async def _generate(self, asks: Sequence[Ask], sampling: Sampling) -> list[Reply]:
        from openai import AsyncOpenAI

        slots = asyncio.Semaphore(self._endpoint.max_in_flight)
        end = self._endpoint
        async with AsyncOpenAI(
            base_url=end.base_url, api_key=self._key(), max_retries=end.max_retries, timeout=end.timeout_s
        ) as client:

            async def one(ask: Ask) -> Reply:
                async with slots:
                    return await self._ask(client, ask, sampling)

            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(one(ask)) for ask in asks]
            except* UserError as errors:
                raise _first(errors) from None
        return [task.result() for task in tasks]

    async def _ask(self, client: Any, ask: Ask, sampling: Sampling) -> Reply:
        import openai

        try:
            return await (self._complete if self._prompts else self._chat)(client, ask, sampling)
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            key = f"the key in {self._endpoint.api_key_env}" if self._endpoint.api_key_env else "requests without a key"
            raise UserError(
                f"{self._endpoint.base_url} refuses {key} ({error.status_code}); set the right key, or name the "
                "variable that holds it"
            ) from error
        except openai.NotFoundError as error:
            raise UserError(
                f"{self._endpoint.base_url} serves no model '{self._model}' at that address (404): {_said(error)}"
            ) from error
        except openai.APITimeoutError as error:
            return Reply("", None, FinishReason.ERROR, error=f"no answer in time: {error}")
        except openai.APIConnectionError as error:
            raise UserError(
                f"{self._endpoint.base_url} cannot be reached ({error.__cause__ or error}); is the server running?"
            ) from error
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            if "context" in _said(error).lower():  # this prompt alone is too long for the model
                return Reply("", None, FinishReason.ERROR, error=_said(error))
            raise UserError(f"{self._endpoint.base_url} refuses the request: {_said(error)}") from error
        except openai.APIStatusError as error:  # overloaded or broken, after all retries
            return Reply("", None, FinishReason.ERROR, error=f"answered {error.status_code}: {_said(error)}")

    async def _chat(self, client: Any, ask: Ask, sampling: Sampling) -> Reply:
        messages = [dict(message) for message in ask.chat]
        body: dict[str, Any] = {} if self._format is None else {"skip_special_tokens": False}
        prefix = ""
        if self._format is not None and ask.forced is not None:
            kwargs = self._format.chat_template_kwargs(ask.forced)
            if kwargs:
                body["chat_template_kwargs"] = kwargs
            else:
                prefix = self._format.forced_prefix(ask.forced)
                messages.append({"role": "assistant", "content": prefix})
                body |= {"continue_final_message": True, "add_generation_prompt": False}
        body |= {self._endpoint.max_tokens_field: sampling.max_tokens, **self._endpoint.extra_body}
        reply = await client.chat.completions.create(
            model=self._model,
            messages=messages,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=ask.seed,
            extra_body=body,
        )
        if not reply.choices:
            return Reply("", None, FinishReason.ERROR, error="the reply has no choices")
        choice = reply.choices[0]
        text = _whole(choice.message)
        start = prefix or (_missing_start(self._format, ask.forced, text) if self._format else "")
        return _reply(start + text, reply.usage, choice.finish_reason)

    async def _complete(self, client: Any, ask: Ask, sampling: Sampling) -> Reply:
        assert self._prompts is not None
        prompt, start = self._prompts.prompt(ask)
        reply = await client.completions.create(
            model=self._model,
            prompt=self._prompts.ids(prompt),
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            seed=ask.seed,
            extra_body={"skip_special_tokens": False, **self._endpoint.extra_body},
        )
        if not reply.choices:
            return Reply("", None, FinishReason.ERROR, error="the reply has no choices")
        choice = reply.choices[0]
        inside = self._prompts.starts_in_reasoning(prompt)
        return _reply(start + (choice.text or ""), reply.usage, choice.finish_reason, inside)


def _reply(text: str, usage: Any, finish: str | None, starts_in_reasoning: bool = False) -> Reply:
    if finish not in ("stop", "length"):
        return Reply("", None, FinishReason.ERROR, error=f"the endpoint broke the response off: {finish}")
    if usage is None or usage.completion_tokens is None:
        return Reply("", None, FinishReason.ERROR, error="the reply has no usage, so its length in tokens is unknown")
    return Reply(text, usage.completion_tokens, FinishReason(finish), starts_in_reasoning)


def _whole(message: Any) -> str:
    """The text with the reasoning that a server took out of it, back in its place."""
    reasoning = getattr(message, "reasoning", None) or getattr(message, "reasoning_content", None)
    content = message.content or ""
    if not reasoning:
        return content
    return f"<think>\n{reasoning}" + (f"\n</think>\n\n{content}" if content else "")


def _missing_start(fmt: Format, forced: Mode | None, text: str) -> str:
    """The start of the response that the server's chat template wrote, which the reply does not show.

    Where the model was to choose, a start of think-off is never assumed: it would fit any text.
    """
    starts = ["", fmt.prompt_suffix, fmt.forced_prefix(forced or Mode.THINK_ON)]
    for readable in (fmt.parse, fmt.segments):
        for start in starts:
            try:
                readable(start + text)
            except FormatError:
                continue
            return start
    return fmt.prompt_suffix


def _said(error: Any) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    return " ".join(str(body.get("message") or error.message).split())[:500]


def _first(errors: BaseExceptionGroup[UserError]) -> UserError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
