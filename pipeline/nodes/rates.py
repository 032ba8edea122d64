"""How the publish node comes to the table `rates`: what is fitted over all shards, then the rows of one."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.views.run_files import RunFiles, read_priors
from hipo_data.schemas.records import Mode
from hipo_data.stages.publish.rates import CELLS, grouped, rates_table
from hipo_data.stages.select.kept_rates import RatePriors
from hipo_data.stages.select.pair_counts import added, decided_cells, with_source
from hipo_data.stages.select.prior import SHOWN_STEPS, Priors, fit


class Corrections(NamedTuple):
    """What the counts of all shards say."""

    priors: Priors
    correcting: RatePriors


def fit_corrections(task: Task, shards: Sequence[str]) -> Corrections:
    """Reads counts, shard by shard."""
    select = task.config.select
    sourced, cells = [], []
    for shard in shards:
        decisions = pl.DataFrame(task.table(f"select/{shard}"))
        sourced.append(decided_cells(_problems(task, shard).lazy(), decisions.lazy()).collect())
        cells.append(grouped(decisions, select).group_by(CELLS).agg(problems=pl.len().cast(pl.Int64)))
    known = read_priors(RunFiles(task.run_dir, task.config, unlisted=True))
    fitted = known or (Priors(tuple(fit(added(sourced), SHOWN_STEPS))) if sourced else Priors.weak())
    empty = pl.DataFrame(schema={CELLS[0]: pl.String, **dict.fromkeys([*CELLS[1:], "problems"], pl.Int64)})
    return Corrections(fitted, RatePriors(pl.concat([empty, *cells])))


def rates_of(task: Task, shard: str, found: Corrections) -> pa.Table:
    """Rows of `stages.publish.rates.RATES_SCHEMA`."""
    decisions = pl.DataFrame(task.table(f"select/{shard}"))
    wanted = {mode: task.config.sample.count(mode) for mode in Mode}
    return rates_table(_problems(task, shard), decisions, task.config.select, wanted, *found)


def _problems(task: Task, shard: str) -> pl.DataFrame:
    every = pl.DataFrame(task.table(f"problems/{shard}", ["problem_id", "kind", "split", "sources", "options"]))
    return every.select("problem_id", "split", "options").join(
        with_source(every.lazy()).select("problem_id", "source").collect(), on="problem_id", how="left"
    )
