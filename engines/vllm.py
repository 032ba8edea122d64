"""vLLM in this process: the CPU build and the GPU build alike.

Seeds are per request, yet vLLM's text can still vary with the composition of its batches; only finished rollouts, which
the journal keeps, are exactly repeatable.
"""

import asyncio
import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import fields
from difflib import get_close_matches
from inspect import signature
from itertools import chain, count
from pathlib import Path
from typing import Any

import anyio
from jinja2 import TemplateError
from pydantic import ValidationError

from hipo_data.engines import vllm_on_cpu as on_cpu
from hipo_data.engines.admission import INITIAL, Admission
from hipo_data.engines.base import Begun, Completion, EngineDeadError, EngineError, GenerationRequest
from hipo_data.engines.own_fields import refuse_own_fields
from hipo_data.prompts.families.roles import unknown_argument
from hipo_data.prompts.families.templates import known_arguments
from hipo_data.schemas.config import VllmEngine
from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.packaged import embedded
from hipo_data.schemas.records import FinishReason

_LONGEST_CHARACTER = 4
"""Bytes of a character, and so tokens that one can be spread over."""


class Vllm:
    """An engine on `AsyncLLM`. Not started until `start`, which loads the model."""

    reopens = False

    def __init__(self, config: VllmEngine) -> None:
        self._config = config
        self._llm: Any = None
        self._tokenizer: Any = None
        self._ending_ids: dict[str, int | None] = {}
        self._known_arguments: frozenset[str] | None = None
        self._ids = count()
        self._prompt_ids: dict[Any, list[int]] = {}
        self.steps = 0
        """Of the scheduler so far."""
        self._admission = Admission() if config.max_in_flight == "auto" else None
        self._slots = anyio.CapacityLimiter(INITIAL if config.max_in_flight == "auto" else config.max_in_flight)

    async def start(self) -> None:
        """Loads the model. Raises `EngineRefusedError` with vLLM's own error, `EngineDeadError` where it takes long."""
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        os.environ.update(self._config.env)
        try:
            import vllm  # noqa: F401
        except ImportError as error:
            raise EngineRefusedError(
                f"vLLM cannot be imported ({error}); install hipo-data[cpu] or hipo-data[gpu] where this engine runs"
            ) from error
        _check_folder(self._config.model)
        _check_arguments(self._config.args)
        try:
            async with asyncio.timeout(self._config.start_timeout_s):
                vllm_config = await asyncio.to_thread(self._read_config)
                self._read_tokenizer(vllm_config.model_config)
                self._llm = await asyncio.to_thread(self._load, vllm_config)
        except TimeoutError as error:
            limit = self._config.start_timeout_s
            raise EngineDeadError(
                f"vLLM did not start '{self._config.model}' within {limit:.0f} s (start_timeout_s)"
            ) from error
        except EngineRefusedError:
            raise
        except Exception as error:
            raise EngineRefusedError(f"vLLM cannot start {_place(self._config.model)}: {_explain(error)}") from error

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Leave to have one request under way, of `max_in_flight` or as vLLM's scheduler has room."""
        return self._slots

    async def generate(self, request: GenerationRequest) -> Completion:
        """One response; raises `EngineError` where the prompt leaves no room in the context."""
        from vllm.exceptions import VLLMClientError, VLLMError
        from vllm.v1.engine.exceptions import EngineDeadError as CoreDeadError

        prompt = self._render(request)
        room = self._llm.model_config.max_model_len - len(prompt)
        if room < 1:
            raise EngineError(
                f"the prompt has {len(prompt)} tokens, which leaves no room in the model's context of"
                f" {self._llm.model_config.max_model_len}",
                permanent=True,
            )
        params = self._sampling_params(request, room)
        try:
            final = None
            async for output in self._llm.generate({"prompt_token_ids": prompt}, params, f"r{next(self._ids)}"):
                final = output
        except CoreDeadError as error:
            raise EngineDeadError(
                f"the vLLM engine of '{self._config.model}' died; its own log says why, and the system's where it ran"
                " out of memory"
            ) from error
        except (VLLMError, ValueError) as error:
            raise EngineError(_explain(error), permanent=isinstance(error, VLLMClientError | ValueError)) from error
        if final is None:
            raise EngineError("vLLM returned no output")
        choice = final.outputs[0]
        if choice.finish_reason not in ("stop", "length", "repetition"):
            raise EngineError(f"vLLM broke the response off: {choice.finish_reason}")
        generated = len(choice.token_ids)
        ids, text = list(choice.token_ids), choice.text
        if request.begun is not None and choice.finish_reason == "length":
            ids, text = self._whole_characters(ids, text)
        return Completion(
            text=request.response_prefix + text,
            finish_reason=FinishReason.LENGTH if choice.finish_reason == "length" else FinishReason.STOP,
            prompt_tokens=len(prompt),
            completion_tokens=generated,
            reasoning_tokens=self._reasoning_tokens(ids, request.reasoning_ends),
            ids=tuple(ids) if request.begun is not None else None,
        )

    def _whole_characters(self, ids: list[int], text: str) -> tuple[list[int], str]:
        """Without the tokens at the end that hold a part of a character, whose other part the next piece would begin
        with; all of them where there are no others."""
        whole = ids
        while text.endswith("\ufffd") and len(ids) - len(whole) < _LONGEST_CHARACTER and len(whole) > 1:
            whole = whole[:-1]
            text = self._tokenizer.decode(whole, skip_special_tokens=False)
        return (ids, text) if text.endswith("\ufffd") else (whole, text)

    def count_tokens(self, text: str) -> int:
        """Tokens of a text; once the engine runs."""
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    async def close(self) -> None:
        """Stops the engine's own processes."""
        if self._llm is not None:
            self._llm.shutdown()
            self._llm = None

    def _read_config(self) -> Any:
        from vllm import AsyncEngineArgs

        args = {
            "model": embedded(self._config.model),
            "revision": self._config.revision,
            "tensor_parallel_size": self._config.tensor_parallel_size,
            "pipeline_parallel_size": self._config.pipeline_parallel_size,
            "disable_log_stats": True,
            **on_cpu.arguments(self._config),
            **self._config.args,
        }
        with on_cpu.read(args):
            return AsyncEngineArgs(**args).create_engine_config()

    def _load(self, vllm_config: Any) -> Any:
        from vllm.v1.engine.async_llm import AsyncLLM

        from hipo_data.engines.vllm_reports import reporter

        return AsyncLLM.from_vllm_config(vllm_config, stat_loggers=[reporter(self._follow)], disable_log_stats=True)

    def _follow(self, waiting: int, running: int, kv: float) -> None:
        self.steps += 1
        if self._admission is None:
            return
        self._admission.observe(waiting, running, kv)
        if self._admission.limit != self._slots.total_tokens:
            self._slots.total_tokens = self._admission.limit

    def _read_tokenizer(self, model_config: Any) -> None:
        """Before the weights are loaded, since a large model takes minutes to load and is no use without it."""
        from vllm.tokenizers import cached_tokenizer_from_config

        tokenizer = cached_tokenizer_from_config(model_config)
        model = self._config.model
        if not tokenizer.encode("0", add_special_tokens=False):
            raise EngineRefusedError(f"the tokenizer of '{model}' has no vocabulary; is its tokenizer.json missing?")
        if not getattr(tokenizer, "chat_template", None):
            raise EngineRefusedError(
                f"the tokenizer of '{model}' has no chat template (chat_template.jinja, or chat_template in"
                " tokenizer_config.json); base models have none"
            )
        template = tokenizer.chat_template
        self._known_arguments = known_arguments(template) if isinstance(template, str) else None
        self._tokenizer = tokenizer

    def _sampling_params(self, request: GenerationRequest, room: int) -> Any:
        from vllm import SamplingParams
        from vllm.exceptions import VLLMError
        from vllm.sampling_params import RequestOutputKind

        sampling = request.sampling
        refuse_own_fields(sampling.extra)
        try:
            return SamplingParams(
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                max_tokens=min(sampling.max_tokens, room),
                seed=request.seed,
                output_kind=RequestOutputKind.FINAL_ONLY,
                # Control tokens such as </think> are what tells reasoning and answer apart.
                skip_special_tokens=False,
                **sampling.extra,
            )
        except (TypeError, ValueError, VLLMError) as error:
            raise EngineRefusedError(
                f"vLLM refuses the sampling parameters {sampling.extra}: {_explain(error)}"
            ) from error

    def _render(self, request: GenerationRequest) -> list[int]:
        begun = request.begun or ()
        own = request.response_prefix.removesuffix("".join(piece.text for piece in begun))
        pieces = [self._ids_of(piece) for piece in begun]
        return [*self._prompt(request, own), *chain.from_iterable(pieces)]

    def _ids_of(self, piece: Begun) -> Sequence[int]:
        found: Sequence[int] = piece.ids or self._tokenizer.encode(piece.text, add_special_tokens=False)
        return found

    def _prompt(self, request: GenerationRequest, prefix: str) -> list[int]:
        key = (request.messages, repr(request.chat_template_kwargs), prefix)
        if key not in self._prompt_ids:
            self._check_switches(request.chat_template_kwargs)
            if len(self._prompt_ids) > 10_000:  # the rollouts of one problem come together; older ones are done
                self._prompt_ids.clear()
            try:
                text = self._tokenizer.apply_chat_template(
                    [message.model_dump() for message in request.messages],
                    tokenize=False,
                    add_generation_prompt=True,
                    **request.chat_template_kwargs,
                )
            except (TemplateError, TypeError, ValueError) as error:
                raise EngineError(f"the chat template refuses the prompt: {_explain(error)}", permanent=True) from error
            self._prompt_ids[key] = self._tokenizer.encode(text + prefix, add_special_tokens=False)
        return self._prompt_ids[key]

    def _check_switches(self, names: Iterable[str]) -> None:
        """A template takes any argument and looks at those it knows alone."""
        if self._known_arguments is None:
            return
        own = signature(self._tokenizer.apply_chat_template).parameters
        for name in names:
            if name not in self._known_arguments and name not in own:
                raise EngineRefusedError(unknown_argument(name, self._known_arguments, self._config.model))

    def _reasoning_tokens(self, ids: list[int], ends: tuple[str, ...]) -> int | None:
        """Tokens before the last one that ends the reasoning; null where that is several tokens."""
        known = [self._ending_id(end) for end in ends]
        if None in known:
            return None
        return next((place for place in range(len(ids) - 1, -1, -1) if ids[place] in known), 0)

    def _ending_id(self, end: str) -> int | None:
        if end not in self._ending_ids:
            found = self._tokenizer.encode(end, add_special_tokens=False)
            self._ending_ids[end] = found[0] if len(found) == 1 else None
        return self._ending_ids[end]


def _check_folder(model: str) -> None:
    path = Path(embedded(model))
    if not path.exists() and (path.is_absolute() or model.startswith((".", "~")) or len(path.parts) > 2):
        raise EngineRefusedError(f"there is no folder '{model}' (relative paths start at {Path.cwd()})")


def _place(model: str) -> str:
    """vLLM looks for what is no folder on the Hub, where a mistyped path is not found either."""
    return f"'{model}'" if Path(embedded(model)).exists() else f"'{model}', which is no folder in {Path.cwd()}"


def _check_arguments(args: dict[str, Any]) -> None:
    from vllm import AsyncEngineArgs

    known = [field.name for field in fields(AsyncEngineArgs)]
    for name in args:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise EngineRefusedError(f"vLLM has no engine argument '{name}' (in the engine's args){hint}")


def _explain(error: BaseException) -> str:
    """An error in one line: what is wrong of pydantic's several, the last line of a traceback, else the message."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        field = f"{first['loc'][0]}: " if first["loc"] else ""
        return f"{field}{' '.join(first['msg'].removeprefix('Value error, ').split())}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if "Engine core initialization failed" in str(error):
        return "its engine process failed while it loaded, and printed why"
    if not lines:
        return type(error).__name__
    return lines[-1] if any(line.startswith("Traceback") for line in lines) else " ".join(lines)
