"""The steps of a comparison: problems, a dataset for each cold start from the same rollouts, trainings, evaluations."""

import json
import shutil
import subprocess
import sys
from math import gcd
from pathlib import Path
from typing import Any

from hipo_data.pipeline.config_file import load_config
from hipo_data.reproduce.children import end_with_parent
from hipo_data.reproduce.config import Problems, ReproduceConfig, Start
from hipo_data.reproduce.measuring import EVALUATION, HYBRID, Model, evaluated
from hipo_data.reproduce.plan import Training
from hipo_data.schemas.errors import TrainingError
from hipo_data.schemas.packaged import recipe_file

_MICRO_BATCH, _MICRO_BATCH_SFT = 32, 16


def check_starts(config: ReproduceConfig) -> None:
    """Raises `UserError` where the pipeline would refuse a start's overrides, or its recipe is not there."""
    recipe = recipe_file(Path(config.data))
    for start in config.starts.values():
        load_config(recipe, [_sources(config), f"publish.format={start.format}", *start.overrides])


def make_problems(config: ReproduceConfig) -> dict[str, int]:
    """Writes the problems of both pools, those of the evaluation into one file, and returns how many there are."""
    out = Path(config.output) / "problems"
    for pool, folder, counts in (
        ("train", "train", config.problems.train),
        ("heldout", "evaluation", config.problems.evaluation),
    ):
        arguments = ["--out", out / folder, "--pool", pool, "--counts", json.dumps(counts)]
        _run("hipo_data.models.make.fresh", *arguments, "--seed", config.problems.seed)
    _write_evaluation(out, config.problems, EVALUATION, 1.0)
    return {"train": sum(config.problems.train.values()), "evaluation": sum(config.problems.evaluation.values())}


def write_hybrid(config: ReproduceConfig) -> None:
    """Writes the part of the evaluation problems on which hybrid accuracy is measured, if it is."""
    if config.hybrid:
        _write_evaluation(Path(config.output) / "problems", config.problems, HYBRID, config.hybrid.share)


def _write_evaluation(out: Path, problems: Problems, name: str, share: float) -> None:
    """The first problems of each family in one file; their order is that of a hash."""
    rows = []
    for family, count in problems.evaluation.items():
        lines = (out / "evaluation" / f"{family}.jsonl").read_text("utf-8").splitlines(keepends=True)
        rows += lines[: max(1, round(share * count))]
    (out / name).write_text("".join(rows), encoding="utf-8")


def make_data(config: ReproduceConfig, name: str) -> str:
    """Runs the pipeline for a cold start and returns the dataset's folder.

    All starts have their rollouts from one run: what a start overrides is run again in a copy of it.
    """
    out = Path(config.output)
    start = config.starts[name]
    run = _run_pipeline(config, out / "run", [])
    if start.overrides or start.format != Start.model_fields["format"].default:
        own = out / f"run-{name}"
        shutil.rmtree(own, ignore_errors=True)
        shutil.copytree(run, own)
        run = _run_pipeline(config, own, [f"publish.format={start.format}", *start.overrides])
    folder = out / f"data-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(run / "dataset", folder)
    return str(folder)


def _sources(config: ReproduceConfig) -> str:
    """The override that names the files of problems, a source a family."""
    sources = [
        {"type": "acereason", "path": str(path), "name": family, "licence": "Apache-2.0"}
        for family in config.problems.train
        for path in [Path(config.output) / "problems" / "train" / f"{family}.jsonl"]
    ]
    return f"sources={json.dumps(sources)}"


def _run_pipeline(config: ReproduceConfig, run: Path, overrides: list[str]) -> Path:
    given = [word for each in (_sources(config), *overrides) for word in ("--set", each)]
    _run("hipo_data.pipeline.cli", "run", "--config", config.data, "--run-dir", run, *given)
    return run


def cold_start(config: ReproduceConfig, training: Training) -> Model:
    """Fine-tunes on the dataset of a start, and evaluates."""
    from hipo_data.trainer.training.config import SftConfig
    from hipo_data.trainer.training.sft import run_sft

    start = training.arm.start
    recipe = SftConfig.model_validate(
        {
            **_common(training),
            "dataset": f"{config.output}/data-{start}",
            "format": config.starts[start].format,
            "model": {"path": str(training.begins), "split_tags": "add"},
            "epochs": config.cold_start.epochs,
            "batch": config.cold_start.batch,
            "micro_batch": gcd(config.cold_start.batch, _MICRO_BATCH_SFT),
            "max_length": 512,
            "optimiser": {"learning_rate": config.cold_start.learning_rate, "warmup": 0.05},
        }
    )
    run_sft(recipe)
    return evaluated(config, training)


def train_arm(config: ReproduceConfig, training: Training) -> Model:
    """Trains an arm from the cold start of the same seed, and evaluates."""
    from hipo_data.trainer.training.config import RlConfig
    from hipo_data.trainer.training.rl import run_rl

    if training.arm.algorithm is None:
        raise ValueError(f"{training.name} has no algorithm to train with")
    rl = config.rl
    recipe = RlConfig.model_validate(
        {
            **_common(training),
            "dataset": f"{config.output}/data-{rl.problems_of}",
            "format": config.starts[training.arm.start].format,
            "model": {"path": str(training.begins)},
            "algorithm": training.arm.algorithm.model_dump(),
            "steps": rl.steps,
            "prompts": rl.prompts,
            "micro_batch": gcd(_MICRO_BATCH, rl.prompts * rl.group),
            "rollouts": {"group": rl.group, "max_tokens": config.max_tokens, "engine": "torch"},
            "optimiser": {"learning_rate": rl.learning_rate, "schedule": rl.schedule},
        }
    )
    run_rl(recipe)
    return evaluated(config, training)


def _common(training: Training) -> dict[str, Any]:
    return {
        "output": str(training.folder),
        "seed": training.seed,
        "precision": "float32",
        "device": "cpu",
        "threads": 1,
        "save_every": 40,
        "keep_checkpoints": 1,
    }


def _run(module: str, *arguments: object) -> None:
    """A module of another room, as a command of its own."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, check=False, preexec_fn=end_with_parent)
    if done.returncode:
        raise TrainingError(f"`python -m {module}` ended with {done.returncode}; what it printed says why")
