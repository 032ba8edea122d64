"""Training by reward on the published problems."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hipo_data.prompts.conversation import Conversation
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.algorithm_config import FORCED, AdaptThink
from hipo_data.schemas.errors import UserError
from hipo_data.trainer.training.config import RlConfig
from hipo_data.trainer.training.dataset_rows import Row
from hipo_data.trainer.training.run import Rows, common_arguments, run


def run_rl(config: RlConfig, say: Callable[[str], object] = print) -> str:
    """See `run`."""
    from datasets import Dataset
    from trl import GRPOConfig

    from hipo_data.graders import Grader
    from hipo_data.trainer.facts.scoring import Scorer
    from hipo_data.trainer.training.dataset_rows import rl_rows
    from hipo_data.trainer.training.mode_grpo import ModeGRPOTrainer
    from hipo_data.trainer.training.rl_problems import problems

    def read(folder: Path, split: str) -> list[Row]:
        rows = problems(config, rl_rows(folder, split))
        if split == "train" and len(rows) < config.prompts:
            raise UserError(
                f"{folder}/rl has {len(rows)} problems to train on, fewer than the {config.prompts} prompts of a step; "
                "lower prompts, or publish more problems"
            )
        return rows

    @contextmanager
    def made(arguments: Any, model: Any, conversation: Conversation, rows: Rows) -> Iterator[ModeGRPOTrainer]:
        ends = frozenset(model.generation_config.eos_token_id)
        data = {split: Dataset.from_list(found) for split, found in rows.items()}
        with Grader(config.grading) as grader:
            yield ModeGRPOTrainer(
                config,
                conversation,
                Scorer(conversation.format, conversation.tokenizer, ends, grader),
                model=model,
                args=arguments,
                train_dataset=data["train"],
                eval_dataset=data.get("validation"),
            )

    return run(config, "rl", read, lambda: GRPOConfig(**grpo_arguments(config)), made, say)


def grpo_arguments(config: RlConfig) -> dict[str, Any]:
    """Keyword arguments for `GRPOConfig`. Raises `UserError` where vLLM is asked for and cannot serve."""
    from hipo_data.trainer.facts.shaping import loss_type

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

    if config.rollouts.engine == "torch":
        return False
    ready = config.device != "cpu" and torch.cuda.is_available() and find_spec("vllm") is not None
    swaps = isinstance(config.algorithm, FORCED) and FORMATS[config.format].justifies
    if config.rollouts.engine == "auto":
        return ready and not swaps
    if not ready:
        raise UserError("rollouts.engine: vllm needs a GPU and vLLM; set it to torch, or to auto")
    if swaps:
        raise UserError(
            f"{config.algorithm.type} forces modes, and in the {config.format} format a justification comes before "
            "the mode, which vLLM cannot force; set rollouts.engine: torch, or take a format that starts with the mode"
        )
    return True
