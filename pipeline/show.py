"""Rows of a run, for reading."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from pipeline.errors import UserError
from pipeline.graph import INGEST, load_present_manifests, shards_of
from pipeline.quarantine import rejected_files
from pipeline.store import read_table

_COLUMNS = 110  # as wide as text reads well
_HIDDEN = {"messages", "prompt_hash", "request_hash", "seed"}


def print_rows(console: Console, run_dir: Path, stage: str, limit: int, problem: str | None, as_json: bool) -> None:
    """Prints the first rows of a stage, by shard and key. Raises `UserError` where none is there or a file is gone."""
    shown = 0
    for row in _rows(run_dir, stage):
        if problem is not None and not str(row.get("problem_id", row.get("key"))).startswith(problem):
            continue
        if as_json:
            console.print(json.dumps(row, ensure_ascii=False), markup=False, highlight=False, soft_wrap=True)
        else:
            console.print(_panel(row, stage), width=min(console.width, _COLUMNS))
        shown += 1
        if shown == limit:
            return
    if not shown:
        what = f"{stage} row of problem {problem}" if problem else f"row of {stage}"
        raise UserError(f"{run_dir} has no {what}")


def _rows(run_dir: Path, stage: str) -> Iterator[dict[str, Any]]:
    for path in rejected_files(run_dir) if stage == "rejected" else _files(run_dir, stage):
        if not path.exists():
            raise UserError(f"{path} is missing; run again to make it anew")
        yield from read_table(path).to_pylist()


def _files(run_dir: Path, stage: str) -> list[Path]:
    manifests = load_present_manifests(run_dir)
    labels = {"rows", *shards_of(manifests.get(INGEST.name))}
    return [
        run_dir / output.path
        for name, manifest in sorted(manifests.items())
        if name.startswith((f"{stage}/", f"{stage}."))
        for label, output in sorted(manifest.outputs.items())
        if label in labels
    ]


def _panel(row: dict[str, Any], stage: str) -> Panel:
    if stage == "justify":
        body = Text(f"{row['question']}\n\n", style="bold")
        body.append(row["messages"][-1]["content"], style="not bold")
        facts = f"{row['kind']} {row['mode']} · {row['rule']} · p_on {_value(row['p_on'])} p_off {_value(row['p_off'])}"
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
