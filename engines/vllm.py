"""vLLM in this process: the CPU build and the GPU build alike.

Seeds are per request, yet vLLM's text can still vary with the composition of its batches; only finished rollouts, which
the journal keeps, are exactly repeatable.
"""

import asyncio
import os
from itertools import count
from typing import Any

from engines.base import Completion, EngineDeadError, EngineError, EngineRefusedError, GenerationRequest
from prompts.parsing import CLOSE
from schemas.config import VllmEngine
from schemas.records import FinishReason


class Vllm:
    """An engine on `AsyncLLM`. Not started until `start`, which loads the model."""

    def __init__(self, config: VllmEngine) -> None:
        self._config = config
        self._llm: Any = None
        self._tokenizer: Any = None
        self._close_id: int | None = None
        self._ids = count()
        self._prompt_ids: dict[Any, list[int]] = {}

    async def start(self) -> None:
        """Loads the model. Raises `EngineRefusedError` with vLLM's own last error."""
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        os.environ.update(self._config.env)
        try:
            from vllm import AsyncEngineArgs
            from vllm.v1.engine.async_llm import AsyncLLM
        except ImportError as error:
            raise EngineRefusedError(
                f"vLLM cannot be imported ({error}); install hipo-data[cpu] or hipo-data[gpu] where this engine runs"
            ) from error
        args = {
            "model": self._config.model,
            "revision": self._config.revision,
            "tensor_parallel_size": self._config.tensor_parallel_size,
            "disable_log_stats": True,
            **_platform_args(),
            **self._config.args,
        }
        try:
            engine_args = AsyncEngineArgs(**args)
        except TypeError as error:
            raise EngineRefusedError(
                f"vLLM does not know an engine argument of '{self._config.model}': {error}"
            ) from error
        try:
            async with asyncio.timeout(self._config.start_timeout_s):
                self._llm = await asyncio.to_thread(AsyncLLM.from_engine_args, engine_args)
        except TimeoutError as error:
            raise EngineDeadError(
                f"vLLM did not start '{self._config.model}' within {self._config.start_timeout_s:.0f} s (start_timeout_s)"
            ) from error
        except Exception as error:
            raise EngineRefusedError(f"vLLM cannot start '{self._config.model}': {_last_line(error)}") from error
        self._tokenizer = self._llm.get_tokenizer()
        if not getattr(self._tokenizer, "chat_template", None):
            raise EngineRefusedError(f"the tokenizer of '{self._config.model}' has no chat template")
        close = self._tokenizer.encode(CLOSE, add_special_tokens=False)
        self._close_id = close[0] if len(close) == 1 else None

    async def generate(self, request: GenerationRequest) -> Completion:
        """One response; raises `EngineError` where the prompt leaves no room in the context."""
        from vllm import SamplingParams
        from vllm.exceptions import VLLMClientError
        from vllm.sampling_params import RequestOutputKind
        from vllm.v1.engine.exceptions import EngineDeadError as CoreDeadError

        prompt = self._render(request)
        sampling = request.sampling
        room = self._llm.model_config.max_model_len - len(prompt)
        if room < 1:
            raise EngineError(f"the prompt has {len(prompt)} tokens, which leaves no room in the model's context")
        params = SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=min(sampling.max_tokens, room),
            seed=request.seed,
            output_kind=RequestOutputKind.FINAL_ONLY,
            # Control tokens such as </think> are what tells reasoning and answer apart.
            skip_special_tokens=False,
            **sampling.extra,
        )
        try:
            final = None
            async for output in self._llm.generate({"prompt_token_ids": prompt}, params, f"r{next(self._ids)}"):
                final = output
        except CoreDeadError as error:
            raise EngineDeadError(f"the vLLM engine of '{self._config.model}' died: {_last_line(error)}") from error
        except (VLLMClientError, ValueError) as error:
            raise EngineError(_last_line(error)) from error
        if final is None:
            raise EngineError("vLLM returned no output")
        choice = final.outputs[0]
        ids = list(choice.token_ids)
        return Completion(
            text=request.response_prefix + self._strip_end(choice.text),
            finish_reason=FinishReason.LENGTH if choice.finish_reason == "length" else FinishReason.STOP,
            prompt_tokens=len(prompt),
            completion_tokens=len(ids),
            reasoning_tokens=self._reasoning_tokens(ids),
        )

    async def close(self) -> None:
        """Stops the engine's own processes."""
        if self._llm is not None:
            self._llm.shutdown()
            self._llm = None

    def _render(self, request: GenerationRequest) -> list[int]:
        key = (request.messages, repr(request.chat_template_kwargs), request.response_prefix)
        if key not in self._prompt_ids:
            if len(self._prompt_ids) > 10_000:  # the rollouts of one problem come together; older ones are done
                self._prompt_ids.clear()
            text = self._tokenizer.apply_chat_template(
                [message.model_dump() for message in request.messages],
                tokenize=False,
                add_generation_prompt=True,
                **request.chat_template_kwargs,
            )
            self._prompt_ids[key] = self._tokenizer.encode(text + request.response_prefix, add_special_tokens=False)
        return self._prompt_ids[key]

    def _strip_end(self, text: str) -> str:
        end = self._tokenizer.eos_token
        return text.removesuffix(end) if end else text

    def _reasoning_tokens(self, ids: list[int]) -> int | None:
        if self._close_id is None:
            return None
        return len(ids) - 1 - ids[::-1].index(self._close_id) if self._close_id in ids else 0


def _platform_args() -> dict[str, Any]:
    """On a CPU, prefills in one piece: vLLM rewinds the generator of a seeded request after a part of a prefill, which the CPU's
    generator cannot do, and the engine dies."""
    from vllm.platforms import current_platform

    return {"enable_chunked_prefill": False} if current_platform.is_cpu() else {}


def _last_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__
