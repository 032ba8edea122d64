"""Responses of a model under comparison, drawn as in training."""

from hipo_data.evaluation.backend import Sampling
from hipo_data.evaluation.transformers import TransformersBackend


class RolloutBackend(TransformersBackend):
    """The evaluation's backend over the trainer's own rollouts: faster on a CPU, and no engine to start."""

    name = "rollouts"

    def _generate(self, prompts: list[list[int]], seed: int, limit: int, sampling: Sampling) -> list[list[int]]:
        import torch

        from hipo_data.trainer.training.generation import Sampling as Drawn
        from hipo_data.trainer.training.generation import sample

        torch.manual_seed(seed)
        drawn = Drawn(limit, sampling.temperature, sampling.top_p)
        ends = self._ends()
        if sampling.until is not None:  # a tag of several tokens ends no row early, and is looked for in the text
            until = self._tokenizer(sampling.until, add_special_tokens=False)["input_ids"]
            ends |= set(until) if len(until) == 1 else set()
        with torch.inference_mode():
            return sample(self._model, prompts, drawn, end_ids=sorted(ends), pad_id=self._pad())
