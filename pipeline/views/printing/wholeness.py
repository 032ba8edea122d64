"""A look at a whole run, as a table by stage and a line a damaged file, or as JSON."""

import json

from rich.console import Console
from rich.table import Table

from hipo_data.pipeline.views.wholeness import Wholeness


def print_wholeness(console: Console, found: Wholeness, as_json: bool) -> None:
    """The table, then what is damaged and what the next run does about it."""
    if as_json:
        console.print(json.dumps(found.as_json()), highlight=False, markup=False, soft_wrap=True)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("stage", "pieces", "files", "bytes", "rows in", "rows out", "quarantined", "left out", "damaged"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    for stage in found.stages:
        figures = (stage.pieces, stage.files, stage.bytes, stage.rows_in, stage.rows_out, stage.rows_rejected)
        counts = [f"{count:,}" for count in (*figures, stage.rows_left_out, stage.damaged)]
        table.add_row(stage.name.replace(".think_", " "), *counts)
    console.print(table, highlight=False)
    if found.batches:
        console.print(f"journal: {found.batches:,} batches", highlight=False)
    for each in found.damaged:
        line = f"DAMAGED  {each.path} {each.what}. The next run {each.next}."
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if not found.noted:
        console.print("Nothing could be noted in the run directory: the next run finds what it reads.", highlight=False)
    if not found.damaged:
        console.print("whole: every file is as it was written", highlight=False)
