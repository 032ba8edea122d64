"""Responses of an endpoint that speaks the OpenAI protocol, asked through the client of engines/."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from hipo_data.engines.base import Completion, EngineDeadError, EngineError, GenerationRequest, PromptRequest
from hipo_data.engines.openai import OpenAIEndpoint
from hipo_data.evaluation.backend import Ask, Reply, Sampling
from hipo_data.evaluation.prompts import Prompts, load_tokenizer
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.reading import parsed, readable_start
from hipo_data.schemas.config import Endpoint, OpenAIEngine, SamplingConfig
from hipo_data.schemas.errors import EngineRefusedError, UserError
from hipo_data.schemas.records import FinishReason, Message, Mode
from hipo_data.schemas.without_secrets import shown_config


def endpoint_config(base_url: str, api_key_env: str | None = None, **fields: Any) -> OpenAIEngine:
    """One endpoint for an evaluation, whose longest responses may take half an hour.

    Args:
        base_url: such as http://localhost:8000/v1.
        api_key_env: the variable that holds the key, which then has to be set; null: none is sent.
        fields: any other field of the config.
    """
    return OpenAIEngine(
        type="openai",
        model="not-yet-named",
        base_url=base_url,
        api_key_env=api_key_env,
        endpoints=[Endpoint(api_key_env=api_key_env)],
        **{"max_in_flight": 64, "request_timeout_s": 1800, **fields},
    )


class EndpointBackend:
    """Chat completions; or, with a tokenizer, completions of prompts rendered here.

    Chat completions leave the chat template to the server. A mode is forced by `chat_template_kwargs` where the format
    has them, else by an assistant message that the server is asked to continue (`continue_final_message`, as vLLM and
    SGLang have it). With a tokenizer, modes are forced exactly.

    Args:
        config: of the engine; its model is the one that `start` is given.
        tokenizer: a folder or Hub name.
        allow_split_tags: go on where the tokenizer splits a tag of the format.
    """

    name = "openai"

    def __init__(self, config: OpenAIEngine, tokenizer: str | None = None, allow_split_tags: bool = False) -> None:
        self._config, self._tokenizer, self._allow_split_tags = config, tokenizer, allow_split_tags
        self._format: Format | None = None
        self._prompts: Prompts | None = None
        self._engine: OpenAIEndpoint | None = None
        self._loop = asyncio.Runner()

    @property
    def details(self) -> Mapping[str, Any]:
        """See `Backend`."""
        config = self._config
        said = {"base_url": config.base_url, "tokenizer": self._tokenizer, "extra_body": config.extra_body}
        return dict(shown_config(said))

    def start(self, model: str, response_format: Format | None) -> None:
        """See `Backend`."""
        self._format = response_format
        if self._tokenizer is not None:
            tokenizer = load_tokenizer(self._tokenizer)
            self._prompts = Prompts(tokenizer, self._tokenizer, response_format, self._allow_split_tags)
        self._engine = OpenAIEndpoint(self._config.model_copy(update={"model": model}))
        try:
            self._loop.run(self._engine.start())
        except (EngineRefusedError, EngineDeadError) as error:
            raise UserError(f"the model cannot be asked: {error}") from error

    def generate(self, asks: Sequence[Ask], sampling: Sampling) -> list[Reply]:
        """See `Backend`. Raises `UserError` where the endpoint refuses all requests alike, or is gone."""
        return self._loop.run(self._generate(asks, sampling))

    def close(self) -> None:
        """See `Backend`."""
        if self._engine is not None:
            self._loop.run(self._engine.close())
        self._loop.close()

    async def _generate(self, asks: Sequence[Ask], sampling: Sampling) -> list[Reply]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._ask(ask, sampling)) for ask in asks]
        except* UserError as errors:
            raise _first(errors) from None
        return [task.result() for task in tasks]

    async def _ask(self, ask: Ask, sampling: Sampling) -> Reply:
        assert self._engine is not None
        try:
            async with self._engine.slot():
                return await (self._chat if self._prompts is None else self._complete)(self._engine, ask, sampling)
        except EngineError as error:
            if error.malformed:
                raise UserError(f"the endpoint refuses the request: {error}") from error
            return Reply("", None, FinishReason.ERROR, error=str(error))
        except (EngineRefusedError, EngineDeadError) as error:
            raise UserError(f"the endpoint serves no more requests: {error}") from error

    async def _chat(self, engine: OpenAIEndpoint, ask: Ask, sampling: Sampling) -> Reply:
        fmt, forced = self._format, ask.forced
        kwargs = fmt.chat_template_kwargs(forced) if fmt is not None and forced is not None else {}
        prefix = fmt.forced_prefix(forced) if fmt is not None and forced is not None and not kwargs else ""
        request = GenerationRequest(
            messages=tuple(_message(**message) for message in ask.chat),
            sampling=self._sampling(sampling),
            seed=ask.seed,
            question=ask.chat[-1]["content"],
            index=0,
            chat_template_kwargs=kwargs,
            response_prefix=prefix,
        )
        found = await engine.generate(request)
        text = _whole(found.text.removeprefix(prefix), found.reasoning)
        start = prefix or (_missing_start(fmt, forced, text) if fmt is not None else "")
        return _reply(start + text, found)

    async def _complete(self, engine: OpenAIEndpoint, ask: Ask, sampling: Sampling) -> Reply:
        assert self._prompts is not None
        prompt, start = self._prompts.prompt(ask)
        ids = tuple(self._prompts.ids(prompt))
        found = await engine.complete(PromptRequest(ids, self._sampling(sampling, exact=True), ask.seed))
        return _reply(start + found.text, found, self._prompts.starts_in_reasoning(prompt))

    def _sampling(self, sampling: Sampling, exact: bool = False) -> SamplingConfig:
        # Control tokens such as <think_on> are what tells the mode. What the config says wins, as for every field.
        extra = {"skip_special_tokens": False} if exact or self._format is not None else {}
        return SamplingConfig.model_construct(  # servers take a top_p of 0, which recipes refuse
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            extra={**extra, **self._config.extra_body},
        )


def _message(role: str, content: str) -> Message:
    return Message.model_construct(None, role=role, content=content)  # type: ignore[arg-type]  # servers know more roles


def _reply(text: str, found: Completion, starts_in_reasoning: bool = False) -> Reply:
    return Reply(text, found.completion_tokens, found.finish_reason, starts_in_reasoning)


def _whole(content: str, reasoning: str | None) -> str:
    """The text with the reasoning that a server took out of it, back in its place."""
    if not reasoning:
        return content
    return f"<think>\n{reasoning}" + (f"\n</think>\n\n{content}" if content else "")


def _missing_start(fmt: Format, forced: Mode | None, text: str) -> str:
    """The start of the response that the server's chat template wrote, which the reply does not show.

    Where the model was to choose, a start of think-off is never assumed: it would fit any text.
    """
    starts = ["", fmt.prompt_suffix, fmt.forced_prefix(forced or Mode.THINK_ON)]
    whole = (start for start in starts if parsed(fmt, start + text) is not None)
    begun = (start for start in starts if readable_start(fmt, start + text)[0] == start + text)
    return next((start for found in (whole, begun) for start in found), fmt.prompt_suffix)


def _first(errors: BaseExceptionGroup[UserError]) -> UserError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
