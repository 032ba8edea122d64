"""Responses of transformers' own `generate`: for models small enough, where vLLM is not installed."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from hipo_data.evaluation.backend import Ask, LocalModel, Reply, Sampling
from hipo_data.evaluation.forcing import in_two_steps
from hipo_data.evaluation.prompts import Prompts, load_tokenizer
from hipo_data.prompts.conversation import end_ids
from hipo_data.prompts.formats.format import Format
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import embedded
from hipo_data.schemas.records import FinishReason

_BATCH = 64


class TransformersBackend:
    """`AutoModelForCausalLM.generate` in batches of prompts of similar length.

    A batch draws from one generator, seeded by its first response, so the same problems in the same order give the same
    responses on the same machine.
    """

    name = "transformers"

    def __init__(self, settings: LocalModel | None = None, batch_size: int = _BATCH) -> None:
        self._settings, self._batch_size = settings or LocalModel(), batch_size
        self._model: Any = None
        self._tokenizer: Any = None
        self._prompts: Prompts | None = None
        self._format: Format | None = None

    @property
    def details(self) -> Mapping[str, Any]:
        """See `Backend`."""
        return {"batch_size": self._batch_size, **self._settings.options}

    def start(self, model: str, response_format: Format | None) -> None:
        """See `Backend`."""
        import torch
        from transformers import AutoModelForCausalLM

        self._format = response_format
        self._tokenizer = load_tokenizer(model)
        self._prompts = Prompts(self._tokenizer, model, response_format, self._settings.allow_split_tags)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            loaded = AutoModelForCausalLM.from_pretrained(embedded(model), **self._settings.options)
        except (OSError, ValueError, TypeError) as error:
            raise UserError(f"transformers cannot load '{model}': {error}") from error
        self._model = loaded.to(device).eval()

    def generate(self, asks: Sequence[Ask], sampling: Sampling) -> list[Reply]:
        """See `Backend`."""
        return in_two_steps(self._format, asks, sampling, self._in_batches)

    def close(self) -> None:
        """See `Backend`."""
        self._model = None

    def _in_batches(self, asks: Sequence[Ask], sampling: Sampling) -> list[Reply]:
        assert self._prompts is not None
        written = [self._prompts.prompt(ask) for ask in asks]
        ids = [self._prompts.ids(prompt) for prompt, _ in written]
        context = int(getattr(self._model.config, "max_position_embeddings", 0) or 1 << 30)
        replies: dict[int, Reply] = {
            place: Reply(start, None, FinishReason.ERROR, error=f"the prompt leaves no room in {context} tokens")
            for place, (_, start) in enumerate(written)
            if len(ids[place]) >= context
        }
        order = sorted((place for place in range(len(asks)) if place not in replies), key=lambda each: len(ids[each]))
        for first in range(0, len(order), self._batch_size):
            batch = order[first : first + self._batch_size]
            longest = max(len(ids[place]) for place in batch)
            limits = [min(sampling.max_tokens - asks[place].spent, context - longest) for place in batch]
            outputs = self._generate([ids[place] for place in batch], asks[batch[0]].seed, max(limits), sampling)
            for place, output, limit in zip(batch, outputs, limits, strict=True):
                prompt, start = written[place]
                opened = self._prompts.starts_in_reasoning(prompt)
                replies[place] = self._reply(start, output[:limit], opened, sampling.until)
        return [replies[place] for place in range(len(asks))]

    def _generate(self, prompts: list[list[int]], seed: int, limit: int, sampling: Sampling) -> list[list[int]]:
        import torch

        torch.manual_seed(seed)
        longest = max(map(len, prompts))
        pad = self._pad()
        ids = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        greedy = sampling.temperature == 0
        # top_k 0 turns off the 50 that generate has by default, which the other backends do not know.
        drawn = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
        with torch.inference_mode():
            output = self._model.generate(
                input_ids=ids.to(self._model.device),
                attention_mask=mask.to(self._model.device),
                max_new_tokens=limit,
                do_sample=not greedy,
                pad_token_id=pad,
                stopping_criteria=self._stopping(longest, sampling.until),
                **({"temperature": None, "top_p": None, "top_k": None} if greedy else drawn),
            )
        rows: list[list[int]] = output[:, longest:].tolist()
        return rows

    def _stopping(self, start: int, until: str | None) -> Any:
        """What ends a row once it has written `until` behind the prompt's `start` tokens; null where nothing does."""
        import torch
        from transformers import StoppingCriteriaList

        if until is None:
            return None
        end: str = until

        def ended(input_ids: Any, scores: Any, **_: Any) -> Any:
            tails = [row[-len(end) :] for row in input_ids[:, start:].tolist()]
            return torch.tensor([end in self._decoded(tail) for tail in tails], device=input_ids.device)

        return StoppingCriteriaList([ended])

    def _decoded(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def _reply(self, start: str, ids: list[int], starts_in_reasoning: bool, until: str | None = None) -> Reply:
        ends = self._ends()
        length = next((place for place, token in enumerate(ids) if token in ends), None)
        kept = ids if length is None else ids[:length]
        finish = FinishReason.LENGTH if length is None else FinishReason.STOP
        text = self._decoded(kept)
        if until is not None and until in text:  # behind it stands padding, where others of the batch went on
            counted = bisect_left(range(len(kept)), True, key=lambda size: until in self._decoded(kept[:size]))
            text = text[: text.index(until) + len(until)]
            return Reply(start + text, counted, FinishReason.STOP, starts_in_reasoning, given=len(start))
        counted = len(kept) + (length is not None)  # the token that ends the turn was written too, as vLLM counts
        return Reply(start + text, counted, finish, starts_in_reasoning, given=len(start))

    def _ends(self) -> set[int]:
        return set(end_ids(self._model.generation_config.eos_token_id, self._tokenizer.eos_token_id))

    def _pad(self) -> int:
        pad = self._tokenizer.pad_token_id
        return int(pad) if pad is not None else min(self._ends(), default=0)
