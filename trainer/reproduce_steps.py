"""The steps of a comparison: problems, two datasets from the same rollouts, trainings, evaluations."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from trainer.errors import TrainingError
from trainer.evaluation_transformers import TransformersBackend
from trainer.reproduce_config import Arm, ReproduceConfig, Start

EVALUATION = "evaluation.jsonl"
_BATCH = 256
_MICRO_BATCH = 32

Model = dict[str, Any]
"""A trained model's folder and what an evaluation found."""


def make_problems(config: ReproduceConfig) -> dict[str, int]:
    """Writes the problems of both pools, those of the evaluation into one file, and returns how many there are."""
    out = Path(config.output) / "problems"
    for pool, folder, counts in (
        ("train", "train", config.problems.train),
        ("heldout", "evaluation", config.problems.evaluation),
    ):
        arguments = ["--out", out / folder, "--pool", pool, "--counts", json.dumps(counts)]
        _run("models.make.fresh", *arguments, "--seed", config.problems.seed)
    rows = [(out / "evaluation" / f"{family}.jsonl").read_text("utf-8") for family in config.problems.evaluation]
    (out / EVALUATION).write_text("".join(rows), encoding="utf-8")
    return {"train": sum(config.problems.train.values()), "evaluation": sum(config.problems.evaluation.values())}


def make_data(config: ReproduceConfig) -> dict[str, str]:
    """Runs the pipeline once for each cold start, over the same rollouts, and returns the datasets' folders."""
    out = Path(config.output)
    sources = [
        {"type": "acereason", "path": f"{out}/problems/train/{family}.jsonl", "name": family, "licence": "Apache-2.0"}
        for family in config.problems.train
    ]
    made = {}
    for start, overrides in (("b", []), ("a", ["sample.n_off=0"])):
        sets = [f"sources={json.dumps(sources)}", *overrides]
        given = [word for each in sets for word in ("--set", each)]
        _run("pipeline.cli", "run", "--config", config.data, "--run-dir", out / "data", *given)
        folder = out / f"data-{start}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(out / "data" / "dataset", folder)
        made[start] = str(folder)
    return made


def cold_start(config: ReproduceConfig, start: Start, seed: int) -> Model:
    """Fine-tunes on the dataset of a start, and evaluates."""
    from trainer.config import SftConfig
    from trainer.sft import run_sft

    folder = Path(config.output) / "models" / f"{start}-{seed}"
    recipe = SftConfig.model_validate(
        {
            **_common(config, folder, seed),
            "dataset": f"{config.output}/data-{start}",
            "model": {"path": config.model, "split_tags": "add"},
            "epochs": config.cold_start.epochs,
            "batch": config.cold_start.batch,
            "micro_batch": config.cold_start.batch,
            "max_length": 512,
            "optimiser": {"learning_rate": config.cold_start.learning_rate, "warmup": 0.05},
        }
    )
    run_sft(recipe)
    return {"model": f"{folder}/model", **_evaluated(config, folder)}


def train_arm(config: ReproduceConfig, name: str, arm: Arm, seed: int) -> Model:
    """Trains an arm from the cold start of the same seed, and evaluates."""
    from trainer.config import RlConfig
    from trainer.rl import run_rl

    folder = Path(config.output) / "models" / f"{slug(name)}-{seed}"
    recipe = RlConfig.model_validate(
        {
            **_common(config, folder, seed),
            "dataset": f"{config.output}/data-b",  # the problems and their pass rates in both modes
            "model": {"path": f"{config.output}/models/{arm.start}-{seed}/model"},
            "algorithm": arm.algorithm.model_dump(),
            "steps": config.rl.steps,
            "prompts": config.rl.prompts,
            "micro_batch": min(_MICRO_BATCH, config.rl.prompts * config.rl.group),
            "rollouts": {"group": config.rl.group, "max_tokens": config.max_tokens, "engine": "torch"},
            "optimiser": {"learning_rate": config.rl.learning_rate, "schedule": "constant"},
        }
    )
    run_rl(recipe)
    return {"model": f"{folder}/model", **_evaluated(config, folder)}


def slug(name: str) -> str:
    """A name as a file's."""
    return "-".join(name.lower().split())


class RolloutBackend(TransformersBackend):
    """The evaluation's backend over the trainer's own rollouts: faster on a CPU, and no engine to start."""

    name = "rollouts"

    def _generate(self, prompts: list[list[int]], seed: int, limit: int, sampling: Any) -> list[list[int]]:
        import torch

        from trainer.generation import Sampling, sample

        torch.manual_seed(seed)
        drawn = Sampling(limit, sampling.temperature, sampling.top_p)
        with torch.inference_mode():
            return sample(self._model, prompts, drawn, end_ids=sorted(self._ends()), pad_id=self._pad())


def _common(config: ReproduceConfig, folder: Path, seed: int) -> dict[str, Any]:
    return {
        "output": str(folder),
        "seed": seed,
        "precision": "float32",
        "device": "cpu",
        "threads": 1,
        "save_every": 20,
        "keep_checkpoints": 1,
    }


def _evaluated(config: ReproduceConfig, folder: Path) -> dict[str, Any]:
    """Figures over all evaluation problems and by family, the model choosing the mode, at temperature 1."""
    from trainer.evaluation import evaluate
    from trainer.evaluation_backend import Sampling
    from trainer.logs import read_log

    result = evaluate(
        folder / "model",
        Path(config.output) / "problems" / EVALUATION,
        "hipo",
        [0],
        False,
        folder / "evaluation",
        RolloutBackend(batch_size=_BATCH),
        sampling=Sampling(temperature=1.0, top_p=1.0, max_tokens=config.max_tokens),
    )
    families = {group.value: _figures(group.figures["free"]) for group in result.groups if group.by == "family"}
    shares = [
        {"step": row["step"], **{key: row.get(f"all/{key}") for key in ("think_on", "accuracy", "tokens", "no_signal")}}
        for row in read_log(folder)
        if "all/tokens" in row
    ]
    return {"all": _figures(result.free), "families": families, "steps": shares}


def _figures(found: Any) -> dict[str, float | None]:
    return {
        "accuracy": found.accuracy.value,
        "tokens": found.tokens.mean,
        "think_on": found.modes.ratio_t,
        "well_formed": found.well_formed,
        "truncated": found.truncated,
    }


def _run(module: str, *arguments: object) -> None:
    """A module of another room, as a command of its own."""
    done = subprocess.run([sys.executable, "-m", module, *map(str, arguments)], check=False)
    if done.returncode:
        raise TrainingError(f"`python -m {module}` ended with {done.returncode}; what it printed says why")
