"""What every training does: it claims its folder, goes on from its last checkpoint, and leaves the model there."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, TypeVar

from hipo_data.prompts.conversation import Conversation
from hipo_data.schemas.config_file import read_config
from hipo_data.schemas.errors import TrainingError
from hipo_data.trainer.libraries import needs_training_libraries
from hipo_data.trainer.training.config import RlConfig, SftConfig
from hipo_data.trainer.training.dataset_rows import Row, fingerprint

AnyConfig = TypeVar("AnyConfig", SftConfig, RlConfig)
Rows = dict[str, list[Row]]
"""By split: `train`, and `validation` where the recipe evaluates."""

_COUNTED = {"sft": "examples", "rl": "problems"}


def read_recipe(model: type[AnyConfig], path: Path, overrides: list[str]) -> AnyConfig:
    """The recipe in `path`. Raises `UserError` where it is wrong, or where what training needs is not installed."""
    needs_training_libraries()
    return read_config(model, path, overrides, start="docs/training.md links to one")


def run(
    config: SftConfig | RlConfig,
    kind: Literal["sft", "rl"],
    read: Callable[[Path, str], list[Row]],
    arguments: Callable[[], Any],
    make: Callable[[Any, Any, Conversation, Rows], AbstractContextManager[Any]],
    say: Callable[[str], object],
    part: str = "",
) -> str:
    """Trains, or goes on with it, and returns a sentence that says where the model is.

    Raises `UserError` where the data, the model or an earlier training in the output folder forbids it.

    Args:
        config: the recipe.
        kind: which of the dataset's folders is trained on.
        read: the rows of a split of a dataset.
        arguments: TRL's, once the model is there.
        make: the trainer, for as long as it trains, from arguments, model, conversation and rows.
        say: takes a line with the figures of a step.
        part: which part of the data it is, where it is not all.
    """
    import torch
    from transformers import PrinterCallback
    from transformers.trainer_utils import set_seed

    from hipo_data.trainer.training.checkpoints import MODEL, claim, finished, last_checkpoint, save_model
    from hipo_data.trainer.training.logs import JsonLog, SaidLog, check_trackers
    from hipo_data.trainer.training.model import load

    check_trackers(config.report_to)
    folder = Path(config.dataset)
    splits = ["train"] + (["validation"] if config.evaluate_every else [])
    rows = {split: read(folder, split) for split in splits}
    if config.threads:
        torch.set_num_threads(config.threads)
    set_seed(config.seed)
    model, conversation = load(config)
    given = arguments()
    with given.main_process_first():
        output = claim(config, kind, fingerprint(folder, kind) + part)
    if finished(output):
        return f"{output / MODEL} is trained already"
    with make(given, model, conversation, rows) as trainer:
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(JsonLog(output))
        trainer.add_callback(SaidLog(say))
        try:
            trainer.train(resume_from_checkpoint=last_checkpoint(output))
        except ValueError as error:
            raise TrainingError(f"training stopped after step {trainer.state.global_step}: {error}") from error
    count, steps, counted = len(trainer.train_dataset), trainer.state.global_step, _COUNTED[kind]
    save_model(trainer, conversation.tokenizer, output, {"train": kind, counted: count, "steps": steps})
    return f"trained on {count} {counted} in {steps} steps: {output / MODEL}"


def common_arguments(config: SftConfig | RlConfig) -> dict[str, Any]:
    """Keyword arguments for `SFTConfig` and `GRPOConfig`."""
    import torch

    on_cpu = config.device == "cpu" or not torch.cuda.is_available()
    return {
        "output_dir": config.output,
        "seed": config.seed,
        "data_seed": config.seed,
        "learning_rate": config.optimiser.learning_rate,
        "lr_scheduler_type": config.optimiser.schedule,
        "warmup_steps": config.optimiser.warmup,  # a float below 1 is a share of the steps
        "weight_decay": config.optimiser.weight_decay,
        "max_grad_norm": config.optimiser.max_grad_norm,
        "per_device_train_batch_size": config.micro_batch,
        "per_device_eval_batch_size": config.micro_batch,
        "gradient_checkpointing": config.gradient_checkpointing,
        "bf16": config.precision == "bfloat16",
        "use_cpu": on_cpu,
        "dataloader_pin_memory": not on_cpu,
        "logging_steps": config.log_every,
        "logging_first_step": True,
        "report_to": list(config.report_to) or "none",
        "save_strategy": "steps",
        "save_steps": config.save_every,
        "save_total_limit": config.keep_checkpoints,
        "eval_strategy": "steps" if config.evaluate_every else "no",
        "eval_steps": config.evaluate_every,
        "disable_tqdm": True,
    }
