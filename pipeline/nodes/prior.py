"""The node between grading and selection where the rule asks a prior: one fit to the counts of all shards."""

import time
from collections.abc import Sequence

import polars as pl

from hipo_data.pipeline.graph.task import Task, commit
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.schemas.arrow import to_table
from hipo_data.schemas.records import Mode, Prior
from hipo_data.stages.select.pair_counts import added, cells, rollout_columns, with_source
from hipo_data.stages.select.prior import fit
from hipo_data.stages.select.select import VERDICT_COLUMNS


def fit_prior(task: Task) -> Manifest:
    """Counts shard by shard, so that memory is that of one, and fits the priors; they are its main output."""
    started = time.monotonic()
    shards = sorted(label.removeprefix("problems/") for label in task.inputs if label.startswith("problems/"))
    counted: pl.DataFrame | None = None
    for shard in shards:
        problems = pl.DataFrame(task.table(f"problems/{shard}", ["problem_id", "kind", "sources"])).lazy()
        config = task.config.select
        rollouts = _of(task, "sample", shard, rollout_columns(config))
        verdicts = _of(task, "verify", shard, VERDICT_COLUMNS)
        found = cells(with_source(problems), rollouts, verdicts, config, task.config.seed).collect()
        counted = found if counted is None else added([counted, found])
    priors = [] if counted is None else fit(counted)
    return commit(
        task,
        {"rows": to_table(priors, Prior)},
        [],
        rows_in=len(priors),
        rows_out=len(priors),
        started=started,
        counts={f"prior {prior.name}": prior.problems for prior in priors},
    )


def _of(task: Task, stage: str, shard: str, columns: Sequence[str]) -> pl.LazyFrame:
    tables = [pl.DataFrame(task.table(f"{stage}.{mode}/{shard}", list(columns))) for mode in Mode]
    return pl.concat(tables).lazy()
