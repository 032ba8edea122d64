"""Supervised fine-tuning on the published examples: the cold start."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from hipo_data.prompts.conversation import Conversation
from hipo_data.trainer.training.checkpoints import MODEL
from hipo_data.trainer.training.config import SegmentWeights, SftConfig
from hipo_data.trainer.training.dataset_rows import phases_of, sft_rows
from hipo_data.trainer.training.run import Rows, common_arguments, run


def run_sft(config: SftConfig, say: Callable[[str], object] = print) -> str:
    """See `run`. Where the rows come in phases, one training a phase; that of the last one is in the output folder."""
    phases = phases_of(Path(config.dataset)) if config.phases == "in_order" else []
    for phase in phases[:-1]:
        before = config.model_copy(update={"output": f"{config.output}-phase-{phase}"})
        say(f"phase {phase}: {_run(before, say, phase)}")
        trained = config.model.model_copy(update={"path": str(Path(before.output, MODEL)), "revision": None})
        config = config.model_copy(update={"model": trained})
    return _run(config, say, phases[-1] if phases else None)


def _run(config: SftConfig, say: Callable[[str], object], phase: int | None) -> str:
    from datasets import Dataset
    from trl import SFTConfig

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
        lambda folder, split: sft_rows(folder, split, config.format, phase),
        lambda: SFTConfig(**sft_arguments(config)),
        made,
        say,
        "" if phase is None else f", phase {phase}",
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
