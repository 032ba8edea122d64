"""TRL's SFT trainer, with a weight for every token of a response."""

from typing import Any

import torch
from torch.nn import functional
from trl import SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from hipo_data.trainer.training.examples import IGNORED
from hipo_data.trainer.training.like_lengths import examples_by_length


class WeightedCollator(DataCollatorForLanguageModeling):
    """Pads `weights` beside `input_ids` and `labels`."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """(B, T) tensors; weights float32, zero on padding."""
        batch: dict[str, Any] = super().torch_call(examples)
        weights = torch.zeros(batch["input_ids"].shape, dtype=torch.float32)
        for row, example in zip(weights, examples, strict=True):
            row[: len(example["weights"])] = torch.tensor(example["weights"])
        batch["weights"] = weights
        return batch


class WeightedSFTTrainer(SFTTrainer):
    """`SFTTrainer` over rows with `input_ids`, `labels` and `weights`.

    weighted: whether the weights count; where all are 1, TRL's own loss does without the full logits.
    """

    def __init__(self, *, weighted: bool, **arguments: Any) -> None:
        collator = WeightedCollator(pad_token_id=arguments["processing_class"].pad_token_id)
        super().__init__(**arguments, data_collator=collator)
        self._weighted = weighted

    def get_batch_samples(self, *arguments: Any) -> tuple[list[Any], Any]:
        """The micro-batches of an update, of examples of like lengths, and how many tokens have a loss."""
        batches, tokens = super().get_batch_samples(*arguments)
        padding = {"input_ids": self.processing_class.pad_token_id, "labels": IGNORED}
        return examples_by_length(batches, padding), tokens

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The loss, with the weights; TRL, which does not know of any, is given the rest."""
        weights = inputs.pop("weights")
        if not self._weighted:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        outputs = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False)
        loss = weighted_loss(outputs.logits, inputs["labels"], weights, num_items_in_batch)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes  # the count is of all processes, gradients are averaged
        return (loss, outputs) if return_outputs else loss


def weighted_loss(
    logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, tokens: torch.Tensor | int | None
) -> torch.Tensor:
    """Σ w_t · −log p_t over the labelled tokens, divided by how many tokens the whole step has.

    logits: (B, T, V). labels: (B, T), −100 where there is no loss. weights: (B, T). tokens: null for those here.
    """
    targets = labels[:, 1:]
    losses = functional.cross_entropy(
        logits[:, :-1].flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED, reduction="none"
    )
    total = (losses * weights[:, 1:].flatten()).sum()
    count = (targets != IGNORED).sum() if tokens is None else torch.as_tensor(tokens)
    return total / count.clamp(min=1)
