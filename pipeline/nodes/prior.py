"""The node between grading and selection where the rule asks a prior: one fit to the counts of all shards."""

import time
from collections.abc import Sequence

import polars as pl

from hipo_data.pipeline.graph.task import Task, commit
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.schemas.arrow import to_table
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.records import Prior
from hipo_data.stages.select import arm_prior
from hipo_data.stages.select.arm_counts import graded_arms
from hipo_data.stages.select.arm_prior import ArmPriors, arm_cells, fit_arms
from hipo_data.stages.select.pair_counts import added, cells, rollout_columns, with_source
from hipo_data.stages.select.prior import Priors, fit
from hipo_data.stages.select.select import VERDICT_COLUMNS


def fit_prior(task: Task) -> Manifest:
    """Counts shard by shard, so that memory is that of one, and fits the priors; they are its main output."""
    started = time.monotonic()
    shards = sorted(label.removeprefix("problems/") for label in task.inputs if label.startswith("problems/"))
    counted: pl.DataFrame | None = None
    for shard in shards:
        problems = pl.DataFrame(task.table(f"problems/{shard}", ["problem_id", "kind", "sources"])).lazy()
        config, modes = task.config.select, task.config.roles.modes
        rollouts = _of(task, "sample", shard, rollout_columns(config))
        verdicts = _of(task, "verify", shard, VERDICT_COLUMNS)
        if task.config.weighs_arms:
            arms = graded_arms(rollouts, verdicts, config, modes).collect()
            found = arm_cells(arms, with_source(problems).collect(), len(modes), config.min_graded)
            counted = found if counted is None else arm_prior.added([counted, found], len(modes))
        else:
            found = cells(with_source(problems), rollouts, verdicts, config, task.config.seed).collect()
            counted = found if counted is None else added([counted, found])
    priors = [] if counted is None else fit_arms(counted, len(modes)) if task.config.weighs_arms else fit(counted)
    return commit(
        task,
        {"rows": to_table(priors, Prior)},
        [],
        rows_in=len(priors),
        rows_out=len(priors),
        started=started,
        counts={f"prior {prior.name}": prior.problems for prior in priors},
    )


def priors_of(config: RunConfig, records: Sequence[Prior]) -> Priors | ArmPriors:
    """The priors of a run, as its rule asks them."""
    return ArmPriors(tuple(records)) if config.weighs_arms else Priors(tuple(records))


def _of(task: Task, stage: str, shard: str, columns: Sequence[str]) -> pl.LazyFrame:
    tables = [
        pl.DataFrame(task.table(f"{stage}.{mode}/{shard}", list(columns))) for mode in task.config.roles.dear_first
    ]
    return pl.concat(tables).lazy()
