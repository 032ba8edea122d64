"""The arguments that both of TRL's trainers share."""

from typing import Any

from hipo_data.trainer.training.config import RlConfig, SftConfig


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
