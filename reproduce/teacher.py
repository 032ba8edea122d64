"""What the data run holds of the teacher: its rollouts with their verdicts, and how long its justifications are."""

from pathlib import Path

import polars as pl

from hipo_data.evaluation.metrics.shares import RIGHT_IF_GRADED
from hipo_data.pipeline.store.run_path import run_path
from hipo_data.pipeline.views.run_files import RunFiles, open_run
from hipo_data.pipeline.views.whatif import graded_shards, tables_of
from hipo_data.reproduce.ceiling import ROLLOUTS, Ceiling, ceiling
from hipo_data.reproduce.config import ReproduceConfig
from hipo_data.schemas.config import SampleConfig
from hipo_data.schemas.errors import UserError
from hipo_data.stages.justify.justify import ACCEPTED


def find_ceiling(config: ReproduceConfig) -> Ceiling:
    """What the best choice of modes could reach in the evaluation's mix, by the rollouts that all starts share.

    Raises `UserError` where there is no run, or where its rollouts cannot say.
    """
    files = open_run(run_path(str(Path(config.output) / "run")))
    check_sampled_alike(files.config.sample, config.data)
    delta, weights = files.config.select.delta, config.problems.evaluation
    try:
        return ceiling(rollouts_of(files), weights, delta, mean_justification(files))
    except ValueError as error:
        raise UserError(
            f"the rollouts in {files.run_dir} do not say what a choice of modes could reach: {error}; give the family "
            "more problems, or look at its verdicts"
        ) from error


def check_sampled_alike(sample: SampleConfig, recipe: str) -> None:
    """Raises `UserError` where verdicts decide how many rollouts a problem gets: those that are there lean one way."""
    if sample.stops or sample.adapts:
        raise UserError(
            f"{recipe} samples by earlier verdicts, so that rollouts do not say what a choice of modes could reach; "
            "set sample.stop to never and sample.allocate to uniform"
        )


def rollouts_of(files: RunFiles) -> pl.DataFrame:
    """All rollouts of a run, columns of `ROLLOUTS`; the family is the source, of which the recipe has one a family."""
    problems, rollouts, verdicts = tables_of(files, graded_shards(files))
    families = problems.select("problem_id", family="source")
    return (
        rollouts.join(verdicts, on=["problem_id", "mode", "index"], how="left")
        .join(families, on="problem_id")
        .select("problem_id", "family", "mode", "index", right=RIGHT_IF_GRADED, tokens="completion_tokens")
        .collect()
        .cast(ROLLOUTS)
    )


def mean_justification(files: RunFiles) -> float:
    """Mean tokens of the justifications that were accepted, by the teacher's count; 0 where there are none."""
    attempts = files.scan("justify", "attempts")
    if attempts is None:
        return 0.0
    accepted = attempts.filter(pl.col("verdict") == ACCEPTED).select(pl.col("completion_tokens").mean()).collect()
    return float(accepted.item() or 0.0)
