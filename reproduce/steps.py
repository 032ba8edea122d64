"""The steps of a comparison: problems, a dataset for each cold start from the same rollouts, trainings, evaluations."""

import json
import shutil
import subprocess
import sys
from math import gcd
from pathlib import Path
from typing import Any

from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.reproduce.backend import RolloutBackend
from hipo_data.reproduce.children import end_with_parent
from hipo_data.reproduce.config import Problems, ReproduceConfig, Start
from hipo_data.reproduce.outcomes import write_outcomes
from hipo_data.reproduce.plan import Training
from hipo_data.schemas.errors import TrainingError
from hipo_data.schemas.records import Mode

EVALUATION = "evaluation.jsonl"
HYBRID = "hybrid.jsonl"
_BATCH = 256
_MICRO_BATCH, _MICRO_BATCH_SFT = 32, 16

Model = dict[str, Any]
"""A trained model's folder and what an evaluation found."""

Results = dict[str, dict[int, Model]]
"""By the name of an arm or a cold start, and by seed."""


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


def _run_pipeline(config: ReproduceConfig, run: Path, overrides: list[str]) -> Path:
    sources = [
        {"type": "acereason", "path": str(path), "name": family, "licence": "Apache-2.0"}
        for family in config.problems.train
        for path in [Path(config.output) / "problems" / "train" / f"{family}.jsonl"]
    ]
    given = [word for each in (f"sources={json.dumps(sources)}", *overrides) for word in ("--set", each)]
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
    return _evaluated(config, training)


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
    return _evaluated(config, training)


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


def _evaluated(config: ReproduceConfig, training: Training) -> Model:
    """Figures over all evaluation problems and by family, the model choosing the mode, at temperature 1."""
    from hipo_data.evaluation.backend import Sampling
    from hipo_data.evaluation.evaluate import evaluate
    from hipo_data.reproduce.log import read_log

    folder, style = training.folder, config.starts[training.arm.start].format
    sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=config.max_tokens)
    problems = Path(config.output) / "problems"
    backend = RolloutBackend(batch_size=_BATCH)
    model, outcomes = folder / "model", folder / "outcomes.parquet"
    result = evaluate(
        model, problems / EVALUATION, style, [0], False, folder / "evaluation", backend, sampling=sampling
    )
    write_outcomes(folder / "evaluation", model, FORMATS[style], outcomes)
    families = {group.value: _figures(group.figures["free"]) for group in result.groups if group.by == "family"}
    shares = [
        {"step": row["step"], **{key: row.get(f"all/{key}") for key in ("think_on", "accuracy", "tokens", "no_signal")}}
        for row in read_log(folder)
        if "all/tokens" in row
    ]
    figures = _figures(result.free)
    if config.hybrid:
        own = folder / f"hybrid-{config.hybrid.share:g}"
        seeds = range(config.hybrid.samples)
        found = evaluate(model, problems / HYBRID, style, seeds, True, own, backend, sampling=sampling)
        figures["hybrid_accuracy"] = found.hybrid_accuracy.value if found.hybrid_accuracy else None
        for mode, name in ((Mode.THINK_ON, "on"), (Mode.THINK_OFF, "off")):
            figures[f"accuracy_{name}"] = found.figures[mode.value].accuracy.value
    return {"model": str(model), "outcomes": str(outcomes), "all": figures, "families": families, "steps": shares}


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
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, check=False, preexec_fn=end_with_parent)
    if done.returncode:
        raise TrainingError(f"`python -m {module}` ended with {done.returncode}; what it printed says why")
