"""Responses of a model under comparison, drawn and forced as in training."""

from collections.abc import Sequence
from dataclasses import replace

from hipo_data.evaluation.backend import Ask, Reply, Sampling
from hipo_data.evaluation.transformers import TransformersBackend
from hipo_data.prompts.formats.forcing import Forcing, forcing_of
from hipo_data.prompts.formats.format import Format
from hipo_data.schemas.records import Mode


class RolloutBackend(TransformersBackend):
    """The evaluation's backend over the trainer's own rollouts: faster on a CPU, and no engine to start.

    A model that justifies its mode writes the justification when forced, too, and may not draw the other mode's tag.
    """

    name = "rollouts"

    def start(self, model: str, response_format: Format | None) -> None:
        """See `Backend`."""
        super().start(model, response_format)
        self._banned: int | None = None
        self._forcing: Forcing | None = None
        if response_format is not None and response_format.justifies:
            self._forcing = forcing_of(response_format, self._tokenizer)

    def generate(self, asks: Sequence[Ask], sampling: Sampling) -> list[Reply]:
        """See `Backend`."""
        if self._forcing is None:
            return super().generate(asks, sampling)
        replies: dict[int, Reply] = {}
        for mode in (None, *Mode):
            places = [place for place, ask in enumerate(asks) if ask.forced is mode]
            self._banned = None if mode is None else self._forcing.banned[mode]
            written = super().generate([replace(asks[place], forced=None) for place in places], sampling)
            replies.update(zip(places, written, strict=True))
        return [replies[place] for place in range(len(asks))]

    def _generate(self, prompts: list[list[int]], seed: int, limit: int, sampling: Sampling) -> list[list[int]]:
        import torch

        from hipo_data.trainer.training.generation import Sampling as Drawn
        from hipo_data.trainer.training.generation import sample

        torch.manual_seed(seed)
        drawn = Drawn(limit, sampling.temperature, sampling.top_p)
        banned = None if self._banned is None else [self._banned] * len(prompts)
        with torch.inference_mode():
            ends = sorted(self._ends())
            return sample(self._model, prompts, drawn, end_ids=ends, pad_id=self._pad(), banned=banned)
