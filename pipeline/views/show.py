"""Rows of a run, for reading."""

import json
from typing import Any

import polars as pl
from polars.exceptions import PolarsError
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hipo_data.pipeline.errors import UserError
from hipo_data.pipeline.graph.nodes import INGEST, PICKS, PUBLISH, VOTES
from hipo_data.pipeline.graph.states import load_present_manifests, shards_of
from hipo_data.pipeline.store.files import scan_tables
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.views.quarantine import rejected_files
from hipo_data.pipeline.views.row_filter import matching, named, ordered, wrong
from hipo_data.pipeline.views.run_files import ROWS, existing

PARTS = {"votes": ("verify", {VOTES}), "picks": ("select", {PICKS}), "attempts": ("justify", {"attempts"})}
"""What else than its main table a stage leaves behind: its folder, and its labels there."""

_COLUMNS = 110  # as wide as text reads well
_HIDDEN = {"messages", "prompt_hash", "request_hash", "seed"}
_CELL_CHARS = 80


def print_rows(
    console: Console,
    run_dir: RunPath,
    stage: str,
    limit: int,
    problem: str | None,
    as_json: bool,
    where: str | None = None,
    columns: str | None = None,
    sort: str | None = None,
) -> None:
    """Prints the first rows of a stage, by shard and key unless sorted.

    Args:
        stage: a stage; `rejected` for rows that no stage passed on; or one of `PARTS`.
        problem: the start of a problem's id.
        where, columns, sort: as `pipeline.views.row_filter` has them.

    Raises `UserError` where no row is there, a file is gone, or an expression is wrong.
    """
    paths = [existing(path) for path in _files(run_dir, stage)]
    asked = f" of problem {problem}" if problem else " that --where asks for" if where else ""
    if not paths:
        raise UserError(f"{run_dir} has no row of {stage}{asked}")
    every = scan_tables(paths)
    names = named(every, columns) if columns else None
    rows = _filtered(every, problem, where)
    rows = ordered(rows, sort) if sort else rows
    try:
        first = (rows.select(names) if names else rows).head(limit).collect(engine="streaming")
        total = int(rows.select(pl.len()).collect(engine="streaming").item())
    except PolarsError as error:  # such as a number that a text does not hold
        raise wrong(where, error) if where else error from error
    if first.is_empty():
        raise UserError(f"{run_dir} has no row of {stage}{asked}")
    if as_json:
        for row in first.iter_rows(named=True):
            console.print(json.dumps(row, ensure_ascii=False), markup=False, highlight=False, soft_wrap=True)
        return
    if names:
        console.print(_table(first), highlight=False)
    else:
        for row in first.iter_rows(named=True):
            console.print(_panel(row, stage), width=min(console.width, _COLUMNS))
    console.print(f"{first.height:,} of {total:,} rows", style="dim", highlight=False)


def _files(run_dir: RunPath, stage: str) -> list[RunPath]:
    """Tables of one schema, by node and shard."""
    if stage == "rejected":
        return rejected_files(run_dir)
    manifests = load_present_manifests(run_dir)
    if stage == PUBLISH.stage:
        outputs = manifests[PUBLISH.name].outputs if PUBLISH.name in manifests else {}
        return [run_dir / name for name in sorted(outputs) if name.startswith("dataset/sft/")]
    folder, labels = PARTS.get(stage, (stage, {ROWS, *shards_of(manifests.get(INGEST.name))}))
    return [
        run_dir / output.path
        for name, manifest in sorted(manifests.items())
        if name.startswith((f"{folder}/", f"{folder}."))
        for label, output in sorted(manifest.outputs.items())
        if label in labels
    ]


def _filtered(rows: pl.LazyFrame, problem: str | None, where: str | None) -> pl.LazyFrame:
    if problem is not None:
        key = "problem_id" if "problem_id" in rows.collect_schema() else "key"
        rows = rows.filter(pl.col(key).str.starts_with(problem))
    return matching(rows, where) if where else rows


def _table(rows: pl.DataFrame) -> Table:
    table = Table(*rows.columns, box=None, padding=(0, 2, 0, 0))
    for row in rows.iter_rows():
        table.add_row(*(Text(_cell(value)) for value in row))
    return table


def _cell(value: Any) -> str:
    text = "" if value is None else " ".join(_value(value).split())
    return text if len(text) <= _CELL_CHARS else f"{text[: _CELL_CHARS - 2]} …"


def _panel(row: dict[str, Any], stage: str) -> Panel:
    if stage in ("justify", "publish"):
        body = Text(f"{row['question']}\n\n", style="bold")
        body.append(row["messages"][-1]["content"], style="not bold")
        facts = f"{row['kind']} {row['mode']} · {row['rule']} · p_on {_value(row['p_on'])} p_off {_value(row['p_off'])}"
        facts += " · pseudo-gold" if row.get("gold_source") == "pseudo" else ""
        return Panel(
            body, title=f"{row['problem_id'][:12]} · {facts} · {row['completion_tokens']} tokens", title_align="left"
        )
    body = Text()
    for name, value in row.items():
        if name not in _HIDDEN and value not in (None, [], ""):
            body.append(f"{name}: ", style="bold")
            body.append(f"{_value(value)}\n")
    body.rstrip()
    return Panel(body, title=str(row.get("problem_id", row.get("key")))[:32], title_align="left")


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
