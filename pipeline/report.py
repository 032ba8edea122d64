"""The report: one self-contained HTML page."""

from collections import Counter
from pathlib import Path

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.charts import mode_shares, pass_rate_map, source_rows, token_histogram
from pipeline.graph import load_present_manifests
from pipeline.ingest_report import read_accounts
from pipeline.quarantine import quarantine_counts
from pipeline.store import put_bytes
from pipeline.task import Task
from schemas.arrow import from_table
from schemas.records import Example, Mode
from stages.card import number, percent
from stages.statistics import Statistics

_CARDS_PER_MODE = 3


def write_report(task: Task, stats: Statistics, decisions: pl.LazyFrame, examples: pl.LazyFrame) -> None:
    """Writes `report.html` into the run directory."""
    decided = decisions.select("kind", "mode", "p_on", "p_off").collect()
    kept = examples.select("mode", "completion_tokens").collect()
    accounts = read_accounts(task.run_dir)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), undefined=StrictUndefined, autoescape=True
    )
    environment.globals |= {"percent": percent, "number": number}
    page = environment.get_template("report.html.j2").render(
        title=task.config.publish.title,
        config=task.config,
        stats=stats,
        quarantine=quarantine_counts(task.run_dir),
        stages=_stage_rows(task.run_dir),
        accounts=accounts,
        charts={
            "sources": source_rows(accounts),
            "pass_rates": pass_rate_map(decided, task.config.select.delta),
            "shares": mode_shares(decided),
            "tokens": token_histogram(kept),
        },
        cards=_cards(task),
    )
    put_bytes(task.run_dir / "report.html", page.encode())


def _stage_rows(run_dir: Path) -> list[tuple[str, int, int, int, int]]:
    """Per folder: rows in, out, rejected, left out."""
    rows: dict[str, list[int]] = {}
    for name, manifest in load_present_manifests(run_dir).items():
        folder = name.partition("/")[0]
        line = rows.setdefault(folder, [0, 0, 0, 0])
        found = (manifest.rows_in, manifest.rows_out, manifest.rows_rejected, manifest.rows_left_out)
        rows[folder] = [total + n for total, n in zip(line, found, strict=True)]
    order = [
        "ingest",
        "sample.think_off",
        "verify.think_off",
        "sample.think_on",
        "verify.think_on",
        "select",
        "justify",
    ]
    return [(folder.replace(".think_", " "), *rows[folder]) for folder in order if folder in rows]  # type: ignore[misc]


def _cards(task: Task) -> list[Example]:
    """The first examples of each mode and kind, by problem id: a fixed choice, not a flattering one."""
    found: Counter[tuple[Mode, str]] = Counter()
    cards = []
    for label in sorted(task.inputs):
        if label.startswith("justify/"):
            for example in from_table(task.table(label), Example):
                key = (example.mode, str(example.kind))
                if found[key] < _CARDS_PER_MODE:
                    found[key] += 1
                    cards.append(example)
    return sorted(cards, key=lambda example: (example.kind, example.mode, example.problem_id))
