"""Responses of vLLM in this process, with all prompts handed over at once."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from hipo_data.evaluation.backend import Ask, LocalModel, Reply, Sampling
from hipo_data.evaluation.forcing import in_two_steps
from hipo_data.evaluation.prompts import Prompts, last_line, load_tokenizer
from hipo_data.prompts.formats.format import Format
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import embedded
from hipo_data.schemas.records import FinishReason

_TOO_LONG = "the prompt leaves no room in the model's context of {} tokens"


class VllmBackend:
    """vLLM's `LLM`. Each response has a seed of its own; its text may still vary with the composition of batches."""

    name = "vllm"

    def __init__(self, settings: LocalModel | None = None) -> None:
        self._settings = settings or LocalModel()
        self._llm: Any = None
        self._prompts: Prompts | None = None
        self._format: Format | None = None

    @property
    def details(self) -> Mapping[str, Any]:
        """See `Backend`."""
        return dict(self._settings.options)

    def start(self, model: str, response_format: Format | None) -> None:
        """See `Backend`. The tokenizer comes before the weights, which may take minutes to load."""
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
        self._format = response_format
        tokenizer = load_tokenizer(model)
        self._prompts = Prompts(tokenizer, model, response_format, self._settings.allow_split_tags)
        try:
            from vllm import LLM
            from vllm.platforms import current_platform
        except ImportError as error:
            raise UserError(
                f"vLLM cannot be imported ({error}); install hipo-data[cpu] or hipo-data[gpu], or choose the backend "
                "transformers"
            ) from error
        # A seeded request whose prefill comes in parts ends the engine on a CPU; compiling takes longer than tiny runs.
        platform = {"enable_chunked_prefill": False, "enforce_eager": True} if current_platform.is_cpu() else {}
        if current_platform.is_cpu():
            os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
        try:
            self._llm = LLM(model=embedded(model), disable_log_stats=True, **{**platform, **self._settings.options})
        except Exception as error:  # vLLM raises whatever its parts do
            raise UserError(f"vLLM cannot load '{model}': {last_line(error)}") from error

    def generate(self, asks: Sequence[Ask], sampling: Sampling) -> list[Reply]:
        """See `Backend`."""
        return in_two_steps(self._format, asks, sampling, self._generate)

    def close(self) -> None:
        """See `Backend`."""
        if self._llm is not None:
            self._llm.llm_engine.engine_core.shutdown()
            self._llm = None

    def _generate(self, asks: Sequence[Ask], sampling: Sampling) -> list[Reply]:
        from vllm import SamplingParams

        assert self._prompts is not None
        written = [self._prompts.prompt(ask) for ask in asks]
        ids = [self._prompts.ids(prompt) for prompt, _ in written]
        context = int(self._llm.llm_engine.model_config.max_model_len)
        fits = [place for place, prompt in enumerate(ids) if len(prompt) < context]
        params = [
            SamplingParams(
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                max_tokens=min(sampling.max_tokens - asks[place].spent, context - len(ids[place])),
                seed=asks[place].seed,
                stop=sampling.until,
                skip_special_tokens=False,  # control tokens such as <think_on> are what tells the mode
            )
            for place in fits
        ]
        outputs = self._llm.generate([{"prompt_token_ids": ids[place]} for place in fits], params, use_tqdm=False)
        chosen = {place: output.outputs[0] for place, output in zip(fits, outputs, strict=True)}
        return [
            _reply(prompt, start, chosen.get(place), self._prompts, context, sampling.until)
            for place, (prompt, start) in enumerate(written)
        ]


def _reply(prompt: str, start: str, choice: Any, prompts: Prompts, context: int, until: str | None) -> Reply:
    if choice is None:
        return Reply(start, None, FinishReason.ERROR, error=_TOO_LONG.format(context))
    if choice.finish_reason not in ("stop", "length"):
        return Reply(start, None, FinishReason.ERROR, error=f"vLLM broke the response off: {choice.finish_reason}")
    finish = FinishReason.LENGTH if choice.finish_reason == "length" else FinishReason.STOP
    opened = prompts.starts_in_reasoning(prompt)
    # Asked to keep what stops a response, vLLM keeps the token that ends the turn, too.
    end = until if until is not None and choice.stop_reason == until else ""
    return Reply(start + choice.text + end, len(choice.token_ids), finish, opened, given=len(start))
