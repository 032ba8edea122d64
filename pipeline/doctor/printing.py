"""What was found, as a table or as JSON."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from hipo_data.figures.terminal import json_text
from hipo_data.pipeline.doctor.finding import Finding, State


def print_findings(console: Console, found: Sequence[Finding], as_json: bool) -> None:
    """A line a finding, those that fail so that they are seen; as JSON one object."""
    if as_json:
        rows = [{"name": each.name, "state": each.state.value, "detail": each.detail} for each in found]
        well = not any(each.state is State.FAILS for each in found)
        console.print(json_text({"ok": well, "findings": rows}, indent=2), soft_wrap=True)
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in found:
        table.add_row(each.state.value, each.name, each.detail, style="red" if each.state is State.FAILS else None)
    console.print(table, highlight=False)
