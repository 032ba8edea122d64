"""Supervised fine-tuning on the published examples: the cold start."""

from pathlib import Path
from typing import Any

from hipo_data.schemas.config_file import read_config
from hipo_data.trainer.errors import needs_training_libraries
from hipo_data.trainer.training.config import SegmentWeights, SftConfig


def train_sft(path: Path, overrides: list[str]) -> str:
    """Trains as the recipe in `path` says, or goes on with it, and returns a sentence that says where the model is.

    Raises `UserError` where the recipe, the data, the model or an earlier training in the output folder forbids it.
    """
    needs_training_libraries()
    return run_sft(read_config(SftConfig, path, overrides, start="docs/training.md links to one"))


def run_sft(config: SftConfig) -> str:
    """`train_sft` for a config at hand."""
    import torch
    from datasets import Dataset
    from transformers.trainer_utils import set_seed
    from trl import SFTConfig

    from hipo_data.trainer.training.checkpoints import MODEL, claim, finished, last_checkpoint, save_model
    from hipo_data.trainer.training.examples import tokenise
    from hipo_data.trainer.training.logs import JsonLog, check_trackers
    from hipo_data.trainer.training.model import load
    from hipo_data.trainer.training.published import fingerprint, sft_rows
    from hipo_data.trainer.training.weighted_sft import WeightedSFTTrainer

    check_trackers(config.report_to)
    folder = Path(config.dataset)
    splits = ["train"] + (["validation"] if config.evaluate_every else [])
    rows = {split: sft_rows(folder, split, config.format) for split in splits}
    if config.threads:
        torch.set_num_threads(config.threads)
    set_seed(config.seed)
    model, conversation = load(config)
    arguments = SFTConfig(**sft_arguments(config))
    with arguments.main_process_first():
        output = claim(config, "sft", fingerprint(folder, "sft"))
    if finished(output):
        return f"{output / MODEL} is trained already"
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
        callbacks=[JsonLog(output)],
        weighted=config.weights is not None,
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(output))
    summary = {"train": "sft", "examples": len(data["train"]), "steps": trainer.state.global_step}
    save_model(trainer, conversation.tokenizer, output, summary)
    return f"trained on {len(data['train'])} examples in {trainer.state.global_step} steps: {output / MODEL}"


def sft_arguments(config: SftConfig) -> dict[str, Any]:
    """Keyword arguments for `SFTConfig`."""
    from hipo_data.trainer.training.arguments import common_arguments

    return {
        **common_arguments(config),
        "num_train_epochs": config.epochs,
        "gradient_accumulation_steps": config.batch // config.micro_batch,
        "max_length": None,  # long examples were refused or dropped, never cut
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "remove_unused_columns": False,
    }
