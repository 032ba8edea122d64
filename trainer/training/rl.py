"""Training by reward on the published problems."""

from pathlib import Path
from typing import Any

from hipo_data.schemas.config_file import read_config
from hipo_data.trainer.algorithms.config import AdaptThink
from hipo_data.trainer.errors import TrainingError, UserError, needs_training_libraries
from hipo_data.trainer.training.config import RlConfig


def train_rl(path: Path, overrides: list[str]) -> str:
    """Trains as the recipe in `path` says, or goes on with it, and returns a sentence that says where the model is.

    Raises `UserError` where the recipe, the data, the model or an earlier training in the output folder forbids it.
    """
    needs_training_libraries()
    return run_rl(read_config(RlConfig, path, overrides, start="docs/training.md links to one"))


def run_rl(config: RlConfig) -> str:
    """`train_rl` for a config at hand."""
    import torch
    from datasets import Dataset
    from trl import GRPOConfig

    from hipo_data.graders import Grader
    from hipo_data.trainer.facts.scoring import Scorer
    from hipo_data.trainer.training.checkpoints import MODEL, claim, finished, last_checkpoint, save_model
    from hipo_data.trainer.training.logs import JsonLog, check_trackers
    from hipo_data.trainer.training.mode_grpo import ModeGRPOTrainer
    from hipo_data.trainer.training.model import end_ids, load
    from hipo_data.trainer.training.published import fingerprint, rl_rows
    from hipo_data.trainer.training.rl_problems import problems

    check_trackers(config.report_to)
    folder = Path(config.dataset)
    splits = ["train"] + (["validation"] if config.evaluate_every else [])
    rows = {split: problems(config, rl_rows(folder, split)) for split in splits}
    if len(rows["train"]) < config.prompts:
        raise UserError(
            f"{folder}/rl has {len(rows['train'])} problems to train on, fewer than the {config.prompts} prompts of a "
            "step; lower prompts, or publish more problems"
        )
    if config.threads:
        torch.set_num_threads(config.threads)
    model, conversation = load(config)
    arguments = GRPOConfig(**grpo_arguments(config))
    with arguments.main_process_first():
        output = claim(config, "rl", fingerprint(folder, "rl"))
    if finished(output):
        return f"{output / MODEL} is trained already"
    with Grader(config.grading) as grader:
        trainer = ModeGRPOTrainer(
            config,
            conversation,
            Scorer(conversation.format, conversation.tokenizer, end_ids(model, conversation), grader),
            model=model,
            args=arguments,
            train_dataset=Dataset.from_list(rows["train"]),
            eval_dataset=Dataset.from_list(rows["validation"]) if config.evaluate_every else None,
            callbacks=[JsonLog(output)],
        )
        try:
            trainer.train(resume_from_checkpoint=last_checkpoint(output))
        except ValueError as error:
            raise TrainingError(f"training stopped after step {trainer.state.global_step}: {error}") from error
    summary = {"train": "rl", "problems": len(rows["train"]), "steps": trainer.state.global_step}
    save_model(trainer, conversation.tokenizer, output, summary)
    return f"trained on {len(rows['train'])} problems in {trainer.state.global_step} steps: {output / MODEL}"


def grpo_arguments(config: RlConfig) -> dict[str, Any]:
    """Keyword arguments for `GRPOConfig`. Raises `UserError` where vLLM is asked for and cannot serve."""
    from hipo_data.trainer.facts.shaping import loss_type
    from hipo_data.trainer.training.arguments import common_arguments

    rollouts = config.rollouts
    use_vllm = _use_vllm(config)
    micro_batches = config.prompts * rollouts.group // config.micro_batch
    return {
        **common_arguments(config),
        "max_steps": config.steps * config.updates,
        "num_generations": rollouts.group,
        "num_generations_eval": rollouts.group,
        "per_device_eval_batch_size": rollouts.group,
        "steps_per_generation": micro_batches,
        "gradient_accumulation_steps": micro_batches // config.updates,
        "max_completion_length": rollouts.max_tokens,
        "temperature": rollouts.temperature,
        "top_p": rollouts.top_p,
        "top_k": rollouts.top_k,
        "mask_truncated_completions": rollouts.mask_truncated,
        "beta": config.algorithm.kl,
        "epsilon": config.algorithm.clip,
        "loss_type": loss_type(config.algorithm),
        "importance_sampling_level": "sequence" if isinstance(config.algorithm, AdaptThink) else "token",
        "use_vllm": use_vllm,
        **({"vllm_mode": "colocate", "vllm_gpu_memory_utilization": rollouts.vllm_memory} if use_vllm else {}),
    }


def _use_vllm(config: RlConfig) -> bool:
    from importlib.util import find_spec

    import torch

    from hipo_data.prompts.formats.registry import FORMATS
    from hipo_data.trainer.algorithms.config import FORCED

    if config.rollouts.engine == "torch":
        return False
    ready = config.device != "cpu" and torch.cuda.is_available() and find_spec("vllm") is not None
    forbids = isinstance(config.algorithm, FORCED) and FORMATS[config.format].justifies
    if config.rollouts.engine == "auto":
        return ready and not forbids
    if not ready:
        raise UserError("rollouts.engine: vllm needs a GPU and vLLM; set it to torch, or to auto")
    if forbids:
        raise UserError(
            f"{config.algorithm.type} forces modes, and in the {config.format} format a justification comes before "
            "the mode, which vLLM cannot force; set rollouts.engine: torch, or take a format that starts with the mode"
        )
    return True
