"""Responses of an endpoint that speaks the OpenAI protocol, asked through the client of engines/."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from hipo_data.engines.base import Completion, EngineDeadError, EngineError, GenerationRequest, PromptRequest
from hipo_data.engines.openai import OpenAIEndpoint
from hipo_data.evaluation.backend import Ask, Reply, Sampling
from hipo_data.evaluation.forcing import going_on, opening, wants_justification, whole
from hipo_data.evaluation.missing_start import missing_start, put_back
from hipo_data.evaluation.prompts import Prompts, load_tokenizer
from hipo_data.prompts.formats.format import Format
from hipo_data.schemas.config import Endpoint, OpenAIEngine, SamplingConfig
from hipo_data.schemas.errors import EngineRefusedError, UserError
from hipo_data.schemas.records import FinishReason, Message, Mode
from hipo_data.schemas.without_secrets import shown_config

_PARSED = (
    "the server takes reasoning out of responses, and tags with it by which the {name} format tells modes: serve the "
    "model without a reasoning parser, or give --tokenizer so that prompts are rendered here and completions come whole"
)


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
                return await self._written(self._engine, ask, sampling)
        except EngineError as error:
            if error.malformed:
                raise UserError(f"the endpoint refuses the request: {error}{self._remedy(ask)}") from error
            return Reply("", None, FinishReason.ERROR, error=str(error))
        except (EngineRefusedError, EngineDeadError) as error:
            raise UserError(f"the endpoint serves no more requests: {error}") from error

    async def _written(self, engine: OpenAIEndpoint, ask: Ask, sampling: Sampling) -> Reply:
        once = self._chat if self._prompts is None else self._complete
        if self._format is None or not wants_justification(ask, self._format):
            return await once(engine, ask, sampling)
        (first,), shorter = opening([ask], sampling, self._format)
        opened = await once(engine, first, shorter)
        left = going_on(ask, opened, sampling, self._format)
        return left if isinstance(left, Reply) else whole(opened, await once(engine, left, sampling))

    def _remedy(self, ask: Ask) -> str:
        """What to do where an endpoint may not know how to continue a turn."""
        fmt = self._format
        if self._prompts is not None or fmt is None or ask.forced is None or fmt.chat_template_kwargs(ask.forced):
            return ""
        return (
            f"; in the {fmt.name} format a mode is forced by a turn that the server continues "
            "(continue_final_message): where it cannot, give --tokenizer so that prompts are rendered here, or leave "
            "--forced out"
        )

    async def _chat(self, engine: OpenAIEndpoint, ask: Ask, sampling: Sampling) -> Reply:
        fmt, forced = self._format, ask.forced
        kwargs = fmt.chat_template_kwargs(forced) if fmt is not None and forced is not None else {}
        prefix = ""
        if fmt is not None and forced is not None and not kwargs:
            prefix = fmt.forced_prefix(forced, ask.justification or "")
        request = GenerationRequest(
            messages=tuple(_message(**message) for message in ask.chat),
            sampling=self._sampling(sampling, ask),
            seed=ask.seed,
            question=ask.chat[-1]["content"],
            index=0,
            chat_template_kwargs=kwargs,
            response_prefix=prefix,
        )
        found = await engine.generate(request)
        if fmt is not None and found.reasoning and not fmt.chat_template_kwargs(Mode.THINK_ON):
            raise UserError(_PARSED.format(name=fmt.name))
        cut = found.finish_reason is FinishReason.LENGTH
        text = put_back(found.text.removeprefix(prefix), found.reasoning, forced, cut=cut)
        text = _ended(text, found, sampling)
        start = prefix or (missing_start(fmt, forced, text, cut=cut) if fmt is not None else "")
        return _reply(start, text, found)

    async def _complete(self, engine: OpenAIEndpoint, ask: Ask, sampling: Sampling) -> Reply:
        assert self._prompts is not None
        prompt, start = self._prompts.prompt(ask)
        ids = tuple(self._prompts.ids(prompt))
        found = await engine.complete(PromptRequest(ids, self._sampling(sampling, ask), ask.seed))
        text = _ended(found.text, found, sampling)
        return _reply(start, text, found, self._prompts.starts_in_reasoning(prompt))

    def _sampling(self, sampling: Sampling, ask: Ask) -> SamplingConfig:
        # Control tokens such as <think_on> are what tells the mode. What the config says wins, as for every field.
        exact = self._prompts is not None or self._format is not None
        extra: dict[str, Any] = {"skip_special_tokens": False} if exact else {}
        if sampling.until is not None:
            extra["stop"] = [sampling.until]
        return SamplingConfig.model_construct(  # servers take a top_p of 0, which recipes refuse
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens - ask.spent,
            extra={**extra, **self._config.extra_body},
        )


def _message(role: str, content: str) -> Message:
    return Message.model_construct(None, role=role, content=content)  # type: ignore[arg-type]  # servers know more roles


def _reply(start: str, text: str, found: Completion, starts_in_reasoning: bool = False) -> Reply:
    return Reply(start + text, found.completion_tokens, found.finish_reason, starts_in_reasoning, given=len(start))


def _ended(text: str, found: Completion, sampling: Sampling) -> str:
    """With the text that ended it, which the protocol leaves out."""
    until = sampling.until
    if until is None or until in text or found.finish_reason is not FinishReason.STOP:
        return text
    return text + until


def _first(errors: BaseExceptionGroup[UserError]) -> UserError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
