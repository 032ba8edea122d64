"""The list of families, and one of them, for reading."""

import yaml
from rich.console import Console
from rich.table import Table

from hipo_data.prompts.families.loading import family
from hipo_data.prompts.families.table import HEADINGS, rows


def print_families(console: Console) -> None:
    """A line a family."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold")
    for row in rows():
        table.add_row(*(cell.replace("`", "").replace("[", r"\[") for cell in row))
    console.print(table, highlight=False)


def print_family(console: Console, name: str) -> None:
    """All of one family, as the YAML file that describes it, every default included. Raises `UserError`."""
    found = family(name).model_dump(mode="json", exclude_none=True)
    text = yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=console.width)
    console.print(text.rstrip(), markup=False, highlight=False, soft_wrap=True)
