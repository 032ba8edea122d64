"""Rows of a run, for reading."""

from dataclasses import dataclass

import polars as pl
from polars.exceptions import PolarsError

from hipo_data.pipeline.graph.nodes import INGEST, PICKS, PUBLISH, VOTES
from hipo_data.pipeline.graph.states import load_present_manifests, lost_manifests, shards_of
from hipo_data.pipeline.store.files import scan_tables
from hipo_data.pipeline.store.manifest import Output
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.whole import check_all
from hipo_data.pipeline.views.own_ids import OWN_ID, called, names, own_ids
from hipo_data.pipeline.views.quarantine import rejected_outputs
from hipo_data.pipeline.views.row_filter import matching, named, ordered, wrong
from hipo_data.pipeline.views.run_files import ROWS, open_run
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.length_unit import Unit, lengths_of

PARTS = {"votes": ("verify", {VOTES}), "picks": ("select", {PICKS}), "attempts": ("justify", {"attempts"})}
"""What else than its main table a stage leaves behind: its folder, and its labels there."""


EXAMPLES = ("justify", PUBLISH.stage)
"""Stages whose rows are examples."""


@dataclass(frozen=True)
class Shown:
    """Rows to be read."""

    stage: str
    first: pl.DataFrame
    """The first ones, in columns of their stage or in those that were asked for."""
    of_columns: bool
    """Whether columns were asked for."""
    total: int
    lengths_in: Unit = Unit.TOKENS
    """What lengths of examples are counted in."""


def read_rows(
    run_dir: RunPath,
    stage: str,
    limit: int,
    problem: str | None = None,
    where: str | None = None,
    columns: str | None = None,
    sort: str | None = None,
) -> Shown:
    """The first rows of a stage, by shard and key unless sorted.

    Args:
        stage: a stage; `rejected` for rows that no stage passed on; or one of `PARTS`.
        problem: the start of a problem's id, or what its source calls it itself.
        where, columns, sort: as `pipeline.views.row_filter` has them.

    Raises `UserError` where no row is there, a file is gone or damaged, or an expression is wrong.
    """
    outputs = _outputs(run_dir, stage)
    paths = [run_dir / output.path for output in outputs]
    asked = f" of problem {problem}" if problem else " that --where asks for" if where else ""
    if not paths:
        raise UserError(f"{run_dir} has no row of {stage}{asked}")
    check_all(zip(paths, outputs, strict=True))
    every = _with_own_ids(run_dir, scan_tables(paths))
    names = named(every, columns) if columns else None
    rows = _filtered(run_dir, every, problem, where)
    rows = ordered(rows, sort) if sort else rows
    try:
        first = (rows.select(names) if names else rows).head(limit).collect(engine="streaming")
        total = int(rows.select(pl.len()).collect(engine="streaming").item())
    except PolarsError as error:  # such as a number that a text does not hold
        raise wrong(where, error) if where else error from error
    if first.is_empty():
        raise UserError(f"{run_dir} has no row of {stage}{asked}")
    unit = lengths_of(open_run(run_dir).config).unit if stage in EXAMPLES and not names else Unit.TOKENS
    return Shown(stage, first, names is not None, total, unit)


def _outputs(run_dir: RunPath, stage: str) -> list[Output]:
    """Tables of one schema, by node and shard."""
    if stage == "rejected":
        return rejected_outputs(run_dir)
    manifests = load_present_manifests(run_dir)
    for lost in lost_manifests(run_dir, manifests):
        raise lost
    if stage == PUBLISH.stage:
        outputs = manifests[PUBLISH.name].outputs if PUBLISH.name in manifests else {}
        return [outputs[name] for name in sorted(outputs) if name.startswith("dataset/sft/")]
    folder, labels = PARTS.get(stage, (stage, {ROWS, *shards_of(manifests.get(INGEST.name))}))
    return [
        output
        for name, manifest in sorted(manifests.items())
        if name.startswith((f"{folder}/", f"{folder}."))
        for label, output in sorted(manifest.outputs.items())
        if label in labels
    ]


def _problems(run_dir: RunPath) -> pl.LazyFrame | None:
    """What ingest made, as far as it lies there."""
    paths = [run_dir / output.path for output in _outputs(run_dir, INGEST.stage)]
    return scan_tables(paths) if paths else None


def _with_own_ids(run_dir: RunPath, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of problems with what their source calls them, where any has a name."""
    columns = rows.collect_schema().names()
    problems = _problems(run_dir) if "problem_id" in columns and OWN_ID not in columns else None
    ids = None if problems is None else own_ids(problems)
    if ids is None:
        return rows
    joined = rows.join(ids, on="problem_id", how="left", maintain_order="left")
    return joined.select("problem_id", OWN_ID, pl.exclude("problem_id", OWN_ID))


def _filtered(run_dir: RunPath, rows: pl.LazyFrame, problem: str | None, where: str | None) -> pl.LazyFrame:
    if problem is not None:
        columns = rows.collect_schema().names()
        key = "problem_id" if "problem_id" in columns else "key"
        problems = _problems(run_dir)
        ids = called(problems, problem) if problems is not None else []
        meant = pl.col(key).is_in(ids) if ids else pl.col(key).str.starts_with(problem)
        rows = rows.filter(meant | names(rows, problem) if "sources" in columns else meant)
    return matching(rows, where) if where else rows
