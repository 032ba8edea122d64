"""Rows of a run as panels, as a table, or as JSON."""

import json
from typing import Any

import polars as pl
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hipo_data.figures.terminal import json_text
from hipo_data.pipeline.views.show import EXAMPLES, Shown

_COLUMNS = 110  # as wide as text reads well
_HIDDEN = {"messages", "prompt_hash", "request_hash", "seed"}
_CELL_CHARS = 80


def print_rows(console: Console, shown: Shown, as_json: bool) -> None:
    """A table where columns were asked for, else a panel a row; as JSON one object a line."""
    if as_json:
        for row in shown.first.iter_rows(named=True):
            console.print(json_text(row), soft_wrap=True)
        return
    if shown.of_columns:
        console.print(_table(shown.first), highlight=False)
    else:
        for row in shown.first.iter_rows(named=True):
            console.print(_panel(row, shown), width=min(console.width, _COLUMNS))
    console.print(f"{shown.first.height:,} of {shown.total:,} rows", style="dim", highlight=False)


def _table(rows: pl.DataFrame) -> Table:
    table = Table(*rows.columns, box=None, padding=(0, 2, 0, 0))
    for row in rows.iter_rows():
        table.add_row(*(Text(_cell(value)) for value in row))
    return table


def _cell(value: Any) -> str:
    text = "" if value is None else " ".join(_value(value).split())
    return text if len(text) <= _CELL_CHARS else f"{text[: _CELL_CHARS - 2]} …"


def _panel(row: dict[str, Any], shown: Shown) -> Panel:
    if shown.stage in EXAMPLES:
        body = Text(f"{row['question']}\n\n", style="bold")
        body.append(row["messages"][-1]["content"], style="not bold")
        facts = f"{row['kind']} {row['mode']} · {row['rule']} · p_on {_value(row['p_on'])} p_off {_value(row['p_off'])}"
        facts += {"pseudo": " · pseudo-gold", "given": " · graded elsewhere"}.get(row.get("gold_source") or "", "")
        return Panel(
            body,
            title=Text(f"{row['problem_id'][:12]} · {facts} · {row['completion_tokens']} {shown.lengths_in}"),
            title_align="left",
        )
    body = Text()
    for name, value in row.items():
        if name not in _HIDDEN and value not in (None, [], ""):
            body.append(f"{name}: ", style="bold")
            body.append(f"{_value(value)}\n")
    body.rstrip()
    return Panel(body, title=Text(str(row.get("problem_id", row.get("key")))[:32]), title_align="left")


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
