"""The config of a training run: one YAML file, every key known, defaults and their reasons here."""

from typing import Literal

from pydantic import Field, model_validator

from hipo_data.prompts.formats.registry import FormatName
from hipo_data.schemas.algorithm_config import FORCED, AlgorithmConfig
from hipo_data.schemas.config_node import Config
from hipo_data.schemas.grading import GradingConfig
from hipo_data.trainer.facts.forced_switch import refuse_forced_switch

Tracker = Literal["tensorboard", "trackio", "wandb"]
Precision = Literal["float32", "bfloat16"]
Schedule = Literal[
    "constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts", "polynomial", "inverse_sqrt"
]
"""Those of transformers' that need nothing but the warm-up."""

FREE = ("output", "report_to", "save_every", "keep_checkpoints", "log_every", "vllm_memory")
"""Keys that may differ when a run goes on: they do not change what is learned."""


class ModelConfig(Config):
    """What is trained."""

    path: str = Field(description="folder or Hub name")
    revision: str | None = None
    chat_template: str = Field(
        default="chatml",
        description="chatml: one that leaves turns as they are and ends prompts in the format's opening; model: the "
        "model's own; or a Jinja file. It is saved with the model",
    )
    split_tags: Literal["refuse", "add", "allow"] = Field(
        default="refuse",
        description="tags that the tokenizer writes as several tokens: refuse, add each as one token (sft), or allow",
    )


class OptimiserConfig(Config):
    """AdamW and its schedule."""

    learning_rate: float = Field(gt=0)
    schedule: Schedule = Field(default="cosine", description="a schedule of transformers")
    warmup: float = Field(default=0.0, ge=0, lt=1, description="share of the steps")
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)


class _TrainConfig(Config):
    dataset: str = Field(description="folder that publish wrote")
    output: str = Field(description="folder for checkpoints, logs and the trained model")
    model: ModelConfig
    format: FormatName = Field(default="hipo", description="how a response says its mode, a name in prompts/formats")
    seed: int = 0
    optimiser: OptimiserConfig
    micro_batch: int = Field(default=8, ge=1, description="sequences a device takes at once")
    precision: Precision = "bfloat16"
    gradient_checkpointing: bool = False
    threads: int | None = Field(default=None, ge=1, description="CPU threads; default: torch's own choice")
    device: Literal["auto", "cpu"] = "auto"
    report_to: list[Tracker] = Field(default=[], description="trackers beside log.jsonl; each must be installed")
    log_every: int = Field(default=1, ge=1, description="steps")
    save_every: int = Field(default=100, ge=1, description="steps between checkpoints")
    keep_checkpoints: int = Field(default=2, ge=1)
    evaluate_every: int | None = Field(default=None, ge=1, description="steps between losses on the validation split")


class SegmentWeights(Config):
    """What the loss of a token counts, by the segment that it is in; the format's other tags count as their part."""

    judge: float = Field(default=1.0, ge=0)
    tag: float = Field(default=1.0, ge=0, description="the mode tag")
    reasoning: float = Field(default=1.0, ge=0)
    answer: float = Field(default=1.0, ge=0)


class SftConfig(_TrainConfig):
    """`hipo-data train sft`."""

    epochs: float = Field(default=1.0, gt=0)
    batch: int = Field(default=32, ge=1, description="sequences a step and device")
    max_length: int = Field(default=8192, ge=8, description="tokens of prompt and response")
    too_long: Literal["refuse", "drop"] = "refuse"
    phases: Literal["in_order", "together"] = Field(
        default="in_order",
        description="of a dataset with phases: in_order trains each for itself, the later one from the model of the "
        "one before, which is in a folder of its own beside output",
    )
    weights: SegmentWeights | None = Field(default=None, description="null: all tokens of a response count alike")

    @model_validator(mode="after")
    def _whole_micro_batches(self) -> "SftConfig":
        if self.batch % self.micro_batch:
            raise ValueError(f"batch is {self.batch}, no multiple of micro_batch, which is {self.micro_batch}")
        return self


class RolloutConfig(Config):
    """How rollouts are drawn."""

    engine: Literal["auto", "vllm", "torch"] = Field(
        default="auto", description="auto: vLLM beside the trainer where there is a GPU and it is installed, else torch"
    )
    group: int = Field(default=16, ge=2, description="rollouts a prompt")
    max_tokens: int = Field(default=8192, ge=1)
    temperature: float = Field(default=1.0, gt=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0, description="0: no limit")
    mask_truncated: bool = Field(default=False, description="responses that were cut off teach nothing")
    vllm_memory: float = Field(default=0.3, gt=0, le=1, description="share of the GPU's memory for vLLM")


class RlConfig(_TrainConfig):
    """`hipo-data train rl`."""

    algorithm: AlgorithmConfig
    steps: int = Field(ge=1)
    prompts: int = Field(default=32, ge=1, description="prompts a step and device")
    updates: int = Field(default=1, ge=1, description="optimiser steps on each set of rollouts")
    rollouts: RolloutConfig = RolloutConfig()
    grading: GradingConfig = GradingConfig()
    log_by: Literal["data_source", "ability"] = Field(
        default="data_source", description="the column by which figures are split in the log"
    )

    @model_validator(mode="after")
    def _whole_groups(self) -> "RlConfig":
        rollouts = self.prompts * self.rollouts.group
        if rollouts % (self.micro_batch * self.updates):
            raise ValueError(
                f"a step draws prompts · rollouts.group = {rollouts} rollouts, which {self.updates} updates of "
                f"micro-batches of {self.micro_batch} do not divide"
            )
        if isinstance(self.algorithm, FORCED) and self.rollouts.group % 2:
            raise ValueError(
                f"{self.algorithm.type} forces half of a group into each mode; make rollouts.group even, not "
                f"{self.rollouts.group}"
            )
        refuse_forced_switch(self.format, self.algorithm)
        if self.model.split_tags == "add":
            raise ValueError("model.split_tags: add is for sft, which teaches the new tokens; rl cannot")
        return self
