"""What a trained model does: its choices on all evaluation problems, and both modes forced on some of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hipo_data.evaluation.backend import Sampling
from hipo_data.evaluation.evaluate import evaluate
from hipo_data.evaluation.result import EvaluationResult, Figures
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.reproduce.backend import RolloutBackend
from hipo_data.reproduce.config import ReproduceConfig
from hipo_data.reproduce.log import read_log
from hipo_data.reproduce.outcomes import write_outcomes
from hipo_data.reproduce.plan import Training
from hipo_data.schemas.records import Mode

EVALUATION = "evaluation.jsonl"
HYBRID = "hybrid.jsonl"
_BATCH = 256
_FEWEST = 30
"""Problems below which there is no hybrid accuracy: those that are left would say little of the mix."""

Model = dict[str, Any]
"""A trained model's folder and what an evaluation found."""

Results = dict[str, dict[int, Model]]
"""By the name of an arm or a cold start, and by seed."""


def evaluated(config: ReproduceConfig, training: Training) -> Model:
    """Figures over all evaluation problems and by family, the model choosing the mode, at temperature 1.

    With `config.hybrid`, also how right each mode is where it is forced, over all and by family, and hybrid accuracy.
    """
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
        own = folder / f"forced-{config.hybrid.share:g}"
        seeds = range(config.hybrid.samples)
        found = evaluate(model, problems / HYBRID, style, seeds, True, own, backend, sampling=sampling)
        figures |= _forced(found.figures) | _hybrid(found)
        for group in found.groups:
            if group.by == "family":
                families[group.value] |= _forced(group.figures)
    return {"model": str(model), "outcomes": str(outcomes), "all": figures, "families": families, "steps": shares}


def _figures(found: Figures) -> dict[str, float | None]:
    return {
        "accuracy": found.accuracy.value,
        "tokens": found.tokens.mean,
        "think_on": found.modes.ratio_t,
        "well_formed": found.well_formed,
        "truncated": found.truncated,
    }


def _forced(found: Mapping[str, Figures]) -> dict[str, float | None]:
    """How right each mode is, in the responses that show it."""
    ways = {"accuracy_on": Mode.THINK_ON.value, "accuracy_off": Mode.THINK_OFF.value}
    return {name: found[way].accuracy.value if way in found else None for name, way in ways.items()}


def _hybrid(found: EvaluationResult) -> dict[str, float | None]:
    """Hybrid accuracy, what share it is of a perfect chooser's on so few samples, and the problems that it rests on."""
    hybrid = found.hybrid_accuracy
    problems = hybrid.problems if hybrid else 0
    value = hybrid.value if hybrid and problems >= _FEWEST else None
    perfect = hybrid.perfect_chooser if hybrid else None
    return {
        "hybrid_accuracy": value,
        "of_perfect": value / perfect if value is not None and perfect else None,
        "hybrid_problems": problems,
    }
