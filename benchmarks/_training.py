"""One side of `benchmarks/training.py`: trains for some steps and prints a line of JSON with the seconds of each.

    python benchmarks/_training.py sft|rl|trl FOLDER OUTPUT STEPS

The project's code is what `trainer` or `hipo_data` can be imported from: an earlier commit has no `hipo_data`.
"""

import contextlib
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SFT = {"epochs": 1, "batch": 48, "max_length": 384}
SFT_MICRO_BATCH = {"hipo_data": 16, "trainer": 48}
"""As each commit's own recipe has it; micro-batches of like lengths are what makes smaller ones pay."""
RL = {"prompts": 16, "micro_batch": 32}
GROUP, MAX_TOKENS = 16, 256
RL_MICRO_BATCHES = RL["prompts"] * GROUP // RL["micro_batch"]
Done = tuple[list[dict[str, Any]], int]
"""A training's log, and how many micro-batches a step has."""
COMMON = {"format": "hipo", "precision": "float32", "device": "cpu", "threads": 2}
RATE = {"sft": 2e-3, "rl": 1e-4}


def main() -> None:
    what, folder, output, steps = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    laps: list[float] = []
    with contextlib.redirect_stdout(sys.stderr):
        logs, micro_batches = {"sft": sft, "rl": rl, "trl": trl}[what](folder, output, steps, laps)
    print(json.dumps({"laps": laps, "micro_batches": micro_batches, "logs": logs}))


def recipe(what: str, folder: Path, output: Path, more: dict[str, Any]) -> Path:
    """A training recipe in keys that both commits know."""
    path = output.parent / f"{output.name}.yaml"
    model = str(folder / "tiny-hybrid") if what == "sft" else str(folder / "start" / "model")
    said = {
        "dataset": str(folder / "data"),
        "output": str(output),
        "model": {"path": model, "split_tags": "add" if what == "sft" else "refuse"},
        "optimiser": {"learning_rate": RATE[what], "schedule": "constant"},
        **COMMON,
        **more,
    }
    path.write_text(json.dumps(said), encoding="utf-8")  # JSON is YAML
    return path


def timed(trainer: Any, laps: list[float]) -> Callable[..., Any]:
    """A step of it that notes its seconds."""
    step = trainer.training_step

    def lapped(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        loss = step(*args, **kwargs)
        laps.append(time.perf_counter() - started)
        return loss

    return lapped


def room(name: str) -> Any:
    """A module of the trainer, wherever the commit has it."""
    return _either(f"hipo_data.trainer.training.{name}", f"trainer.{name}")


def _either(today: str, before: str) -> Any:
    try:
        return importlib.import_module(today)
    except ImportError:
        return importlib.import_module(before)


def logged(output: Path) -> list[dict[str, Any]]:
    """The training's own log, a mapping a step."""
    return [json.loads(line) for line in (output / "log.jsonl").read_text(encoding="utf-8").splitlines()]


def config_of(path: Path, kind: str) -> Any:
    """A training recipe as the commit's own config."""
    read_config = _either("hipo_data.schemas.config_file", "schemas.config_file").read_config
    return read_config(getattr(room("config"), kind), path, [])


def sft(folder: Path, output: Path, steps: int, laps: list[float]) -> Done:
    from transformers import Trainer

    Trainer.training_step = timed(Trainer, laps)
    module = room("sft")
    more = {**SFT, "micro_batch": SFT_MICRO_BATCH[module.__name__.partition(".")[0]]}
    module.run_sft(config_of(recipe("sft", folder, output, more), "SftConfig"))
    return logged(output), SFT["batch"] // more["micro_batch"]


def rl(folder: Path, output: Path, steps: int, laps: list[float]) -> Done:
    from trl import GRPOTrainer

    rollouts = {"group": GROUP, "max_tokens": MAX_TOKENS, "engine": "torch"}
    more = {**RL, "steps": steps, "algorithm": {"type": "grpo"}, "rollouts": rollouts}
    GRPOTrainer.training_step = timed(GRPOTrainer, laps)
    room("rl").run_rl(config_of(recipe("rl", folder, output, more), "RlConfig"))
    return logged(output), RL_MICRO_BATCHES


def trl(folder: Path, output: Path, steps: int, laps: list[float]) -> Done:
    """TRL's own trainer: the same prompts, group, micro-batches and optimiser, a reward that looks for the answer."""
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    torch.set_num_threads(COMMON["threads"])  # type: ignore[arg-type]
    start = str(folder / "start" / "model")
    tokenizer = AutoTokenizer.from_pretrained(start)
    model = AutoModelForCausalLM.from_pretrained(start, dtype=torch.float32)
    rows = [json.loads(line) for line in (folder / "problems.jsonl").read_text(encoding="utf-8").splitlines()]
    data = [
        {
            "prompt": tokenizer.apply_chat_template(
                [{"role": "user", "content": row["question"]}], tokenize=False, add_generation_prompt=True
            ),
            "answer": row["answer"],
        }
        for row in rows
    ]

    def right(completions: list[str], answer: list[str], **_: Any) -> list[float]:
        return [float(f"\\boxed{{{each}}}" in text) for text, each in zip(completions, answer, strict=True)]

    arguments = GRPOConfig(
        output_dir=str(output),
        per_device_train_batch_size=RL["micro_batch"],
        steps_per_generation=RL_MICRO_BATCHES,
        gradient_accumulation_steps=RL_MICRO_BATCHES,
        num_generations=GROUP,
        max_steps=steps,
        max_completion_length=MAX_TOKENS,
        learning_rate=RATE["rl"],
        lr_scheduler_type="constant",
        bf16=False,
        use_cpu=True,
        logging_steps=1,
        report_to=[],
        save_strategy="no",
        gradient_checkpointing=False,
        disable_tqdm=True,
    )
    GRPOTrainer.training_step = timed(GRPOTrainer, laps)
    trainer = GRPOTrainer(
        model=model, reward_funcs=right, args=arguments, train_dataset=Dataset.from_list(data),
        processing_class=tokenizer,
    )  # fmt: skip
    trainer.train()
    return trainer.state.log_history, RL_MICRO_BATCHES


if __name__ == "__main__":
    main()
