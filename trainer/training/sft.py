"""Supervised fine-tuning on the published examples: the cold start."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from hipo_data.prompts.conversation import Conversation
from hipo_data.trainer.training.config import SegmentWeights, SftConfig
from hipo_data.trainer.training.run import Rows, common_arguments, run


def run_sft(config: SftConfig, say: Callable[[str], object] = print) -> str:
    """See `run`."""
    from datasets import Dataset
    from trl import SFTConfig

    from hipo_data.trainer.training.dataset_rows import sft_rows
    from hipo_data.trainer.training.examples import tokenise
    from hipo_data.trainer.training.weighted_sft import WeightedSFTTrainer

    def made(arguments: Any, model: Any, conversation: Conversation, rows: Rows) -> Any:
        weights = config.weights or SegmentWeights()
        data = {
            split: Dataset.from_list(tokenise(found, conversation, config.max_length, config.too_long, weights))
            for split, found in rows.items()
        }
        trainer = WeightedSFTTrainer(
            model=model,
            args=arguments,
            train_dataset=data["train"],
            eval_dataset=data.get("validation"),
            processing_class=conversation.tokenizer,
            weighted=config.weights is not None,
        )
        return nullcontext(trainer)

    return run(
        config,
        "sft",
        lambda folder, split: sft_rows(folder, split, config.format),
        lambda: SFTConfig(**sft_arguments(config)),
        made,
        say,
    )


def sft_arguments(config: SftConfig) -> dict[str, Any]:
    """Keyword arguments for `SFTConfig`."""
    return {
        **common_arguments(config),
        "num_train_epochs": config.epochs,
        "gradient_accumulation_steps": config.batch // config.micro_batch,
        "max_length": None,  # long examples were refused or dropped, never cut
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "remove_unused_columns": False,
    }
