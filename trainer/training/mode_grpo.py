"""TRL's GRPO trainer with advantages on tokens, forced modes, and our rewards and figures.

One step, in its order, and where each part of it is; the rest (ratio, clipping, KL, loss, checkpoints) is TRL's:

| what happens | method here | by |
| --- | --- | --- |
| rows of `rl/` are prompts, and become tokens | `_tokenize_prompts` | `rl_problems`, `prompts.conversation` |
| half of a group is forced into each mode, where the algorithm asks for it | `_forced` | `algorithms.rollouts` |
| rollouts are sampled, forced ones from their tag on | `_generate_single_turn`, `_sample` | `forcing`, `generation` |
| they are read, graded, rewarded; the step gets its figures | `_calculate_rewards` | `trainer.facts`, `graders` |
| values become the advantage of every token | `_generate_and_score_completions` | `trainer.facts.shaping` |
| the prompt of a group is computed once | `_get_per_token_logps_and_entropies` | `shared_prompts` |
| tokens that teach nothing are masked | `_prepare_inputs` | `last_signal` |
| micro-batches get rollouts of like lengths | `_prepare_inputs` | `like_lengths` |
| AdaptThink's sampling policy takes the place of the model's own | `_coin_logps` | `algorithms.adaptthink` |
"""

from collections.abc import Sequence
from typing import Any

import torch
from accelerate.utils import gather_object
from trl import GRPOTrainer

from hipo_data.prompts.conversation import Conversation
from hipo_data.prompts.formats.completions import Reading
from hipo_data.prompts.formats.forcing import Swap, forced_starts, forcing_of
from hipo_data.schemas.algorithm_config import FORCED, AdaptThink
from hipo_data.schemas.records import Mode
from hipo_data.trainer.algorithms.adaptthink import adaptthink_old_logprobs
from hipo_data.trainer.algorithms.rollouts import ModeCode, forced_modes, segment_tensor
from hipo_data.trainer.facts.rollout_log import step_figures
from hipo_data.trainer.facts.scoring import Facts, Scorer
from hipo_data.trainer.facts.shaping import Values, rewards_of, token_advantages, values_of
from hipo_data.trainer.training.config import RlConfig
from hipo_data.trainer.training.generation import Sampling, sample
from hipo_data.trainer.training.last_signal import up_to_last_signal
from hipo_data.trainer.training.like_lengths import rollouts_by_length
from hipo_data.trainer.training.shared_prompts import can_share, score


class ModeGRPOTrainer(GRPOTrainer):
    """`GRPOTrainer` over rows of `trainer.training.rl_problems`."""

    def __init__(self, recipe: RlConfig, conversation: Conversation, scorer: Scorer, **arguments: Any) -> None:
        self.recipe, self.conversation, self.scorer = recipe, conversation, scorer
        self._forcing = None
        if isinstance(recipe.algorithm, FORCED):
            self._forcing = forcing_of(conversation.format, conversation.tokenizer)
        # Rewards come from `_calculate_rewards` below; TRL asks for a function all the same, for its name in the logs.
        super().__init__(reward_funcs=[_reward], processing_class=conversation.tokenizer, **arguments)
        self._facts: Facts | None = None
        self._values: Values = {}
        self._readings: list[Reading] = []
        self._buffered_inputs: list[dict[str, Any]] | None

    def _tokenize_prompts(self, prompts: list[Any]) -> tuple[list[list[int]], None, dict[str, Any]]:
        return [self.conversation.prompt_ids(prompt) for prompt in prompts], None, {}

    def _generate_single_turn(
        self, prompt_ids: list[list[int]], images: Any, multimodal_fields: Any, num_generations: int, *rest: Any
    ) -> tuple[list[list[int]], Any]:
        prefixes: list[list[int]] = [[] for _ in prompt_ids]
        swapped: list[Swap | None] = [None] * len(prompt_ids)
        if self._forcing is not None and self.model.training:
            prefixes, swapped = forced_starts(self._forcing, self._forced(len(prompt_ids)))
            num_generations = 1  # rollouts of a prompt no longer start alike
        starts = [prompt + prefix for prompt, prefix in zip(prompt_ids, prefixes, strict=True)]
        if self.use_vllm:
            written, logprobs = super()._generate_single_turn(starts, None, {}, num_generations)
        else:
            written, logprobs = self._sample(starts, swapped), None
        completions = [prefix + ids for prefix, ids in zip(prefixes, written, strict=True)]
        if logprobs is not None:  # null stands for a token that vLLM did not draw: its ratio counts as 1
            logprobs = [[None] * len(prefix) + list(row) for prefix, row in zip(prefixes, logprobs, strict=True)]
        return completions, logprobs

    def _sample(self, starts: Sequence[Sequence[int]], swapped: Sequence[Swap | None]) -> list[list[int]]:
        rollouts = self.recipe.rollouts
        model = self.accelerator.unwrap_model(self.model_wrapped)
        training = model.training
        model.eval()
        try:
            with torch.inference_mode(), self.compute_loss_context_manager():
                return sample(
                    model,
                    starts,
                    Sampling(rollouts.max_tokens, rollouts.temperature, rollouts.top_p, rollouts.top_k),
                    end_ids=self.eos_token_ids,
                    pad_id=self._tokenizer.pad_token_id,
                    swapped=swapped if any(pair is not None for pair in swapped) else None,
                )
        finally:
            model.train(training)

    def _forced(self, count: int) -> list[Mode]:
        """The modes of this process's rollouts: half of each group, wherever groups are cut between processes."""
        group = self.num_generations
        first = self.accelerator.process_index * count
        whole = forced_modes(-(-(first + count) // group), group)[first : first + count]
        return [Mode.THINK_ON if code == ModeCode.THINK_ON else Mode.THINK_OFF for code in whole.tolist()]

    def _calculate_rewards(
        self, inputs: list[dict[str, Any]], prompts: Any, completions: Any, completion_ids_list: list[list[int]]
    ) -> torch.Tensor:
        """(B of all processes, 1) float32, NaN where a verdict is unknown, as TRL has it."""
        group = self.num_generations if self.model.training else self.num_generations_eval
        local, self._readings = self.scorer(inputs, completion_ids_list, self.accelerator.device)
        facts = local.gathered(self.accelerator.gather)
        groups = torch.arange(len(facts.modes), device=facts.modes.device) // group
        rewards = rewards_of(self.recipe.algorithm.reward, facts, groups)
        values = values_of(self.recipe.algorithm, rewards, groups, facts, self._progress())
        families = gather_object([row["family"] for row in inputs])
        mode = "train" if self.model.training else "eval"
        for name, figure in step_figures(facts, values, families, group).items():
            self._metrics[mode][name].append(figure)
        first = self.accelerator.process_index * len(inputs)
        here = slice(first, first + len(inputs))
        self._facts = local
        self._values = {name: value[here] for name, value in values.items()}
        return torch.where(facts.known, rewards, float("nan")).unsqueeze(1)

    def _progress(self) -> float:
        """The number of this step, from 1 on, by that of all; each has `updates` of the optimiser's."""
        number: int = self.state.global_step // self.recipe.updates + 1
        return min(number / self.recipe.steps, 1.0)  # the last evaluation comes after the last step

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        device = output["completion_ids"].device
        parts = [reading.segments for reading in self._readings]
        segments = segment_tensor(parts, output["completion_ids"].shape[1]).to(device)
        output["advantages"] = token_advantages(self.recipe.algorithm, self._values, segments)
        if isinstance(self.recipe.algorithm, AdaptThink) and self.model.training:
            output["old_per_token_logps"] = self._coin_logps(self.recipe.algorithm, output, segments)
        return output

    def _prepare_inputs(self, generation_batch: Any) -> dict[str, Any]:
        before = self._buffered_inputs
        inputs: dict[str, Any] = super()._prepare_inputs(generation_batch)
        if not self.model.training or self._buffered_inputs is before:
            return inputs
        assert self._buffered_inputs is not None
        batches = self._buffered_inputs
        if self._learns_by_token():
            by_response = self.loss_type == "grpo"
            batches = [up_to_last_signal(batch, by_response) for batch in batches]
        self._buffered_inputs = rollouts_by_length(batches, self.recipe.updates)
        place: int = self._step % self.args.steps_per_generation
        return self._buffered_inputs[place]

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        compute_aux_loss: bool = False,
        **modalities: Any,
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """(B, T) float32 each, as TRL's; its own where processes train together or a layer's cache is another one."""
        if self.accelerator.num_processes > 1 or compute_aux_loss or not can_share(model):
            computed: tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]
            computed = super()._get_per_token_logps_and_entropies(
                model,
                input_ids,
                attention_mask,
                logits_to_keep,
                batch_size=batch_size,
                compute_entropy=compute_entropy,
                compute_aux_loss=compute_aux_loss,
                **modalities,
            )
            return computed
        size = batch_size or len(input_ids)
        with self.accelerator.autocast():
            parts = [
                score(model, ids, mask, logits_to_keep)
                for ids, mask in zip(input_ids.split(size), attention_mask.split(size), strict=True)
            ]
        logps = torch.cat([each for each, _ in parts])
        entropies = torch.cat([each for _, each in parts if each is not None]) if compute_entropy else None
        return logps, entropies, None

    def _learns_by_token(self) -> bool:
        """Whether a token without an advantage has no part in the loss."""
        return self.beta == 0 and self.importance_sampling_level == "token" and not self.aux_loss_enabled

    def _coin_logps(self, algorithm: AdaptThink, output: dict[str, Any], segments: torch.Tensor) -> torch.Tensor:
        """AdaptThink's sampling policy, which draws the mode by a coin."""
        assert self._facts is not None
        old = output.get("old_per_token_logps")
        if old is None:
            with torch.no_grad():
                old, _, _ = self._get_per_token_logps_and_entropies(
                    self.model,
                    torch.cat([output["prompt_ids"], output["completion_ids"]], dim=1),
                    torch.cat([output["prompt_mask"], output["completion_mask"]], dim=1),
                    output["completion_ids"].shape[1],
                    batch_size=self.args.per_device_train_batch_size,
                )
        return adaptthink_old_logprobs(old, self._facts.modes, segments, off_share=algorithm.off_share)


def _reward(**columns: Any) -> list[float]:
    raise AssertionError("rewards come from ModeGRPOTrainer._calculate_rewards")


_reward.__name__ = "reward"
