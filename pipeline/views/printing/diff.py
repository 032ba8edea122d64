"""In what two runs differ, as lines and a table."""

from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from hipo_data.figures.terminal import json_text
from hipo_data.pipeline.views.diff import Difference


def print_difference(console: Console, found: Difference, as_json: bool) -> None:
    """Config, totals, and a line for each way of being different; as JSON one object."""
    if as_json:
        console.print(json_text(asdict(found), indent=2), soft_wrap=True)
        return
    for line in found.config:
        console.print(f"config  {line}", highlight=False, markup=False)
    console.print(
        f"{found.problems[0]:,} and {found.problems[1]:,} problems, {found.same:,} of both decided alike; "
        f"{found.examples[0]:,} and {found.examples[1]:,} examples",
        highlight=False,
    )
    if not found.groups:
        console.print("No problem and no example differs.", highlight=False)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("what differs")
    table.add_column("problems", justify="right")
    table.add_column("such as", overflow="fold")
    for group in found.groups:
        table.add_row(group.what, f"{group.count:,}", " ".join(each[:12] for each in group.such_as))
    console.print(table, highlight=False)
