"""The list of families, and one of them, for reading."""

from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from hipo_data.prompts.families.loading import family
from hipo_data.prompts.families.table import HEADINGS, rows

_SAYING = ("tail", "think_on", "think_off")


def print_families(console: Console) -> None:
    """A line a family."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold")
    for row in rows():
        table.add_row(*(cell.replace("`", "").replace("[", r"\[") for cell in row))
    console.print(table, highlight=False)


def print_family(console: Console, name: str) -> None:
    """All that is known of one family, as a YAML file describes it. Raises `UserError`."""
    found = _filled(family(name).model_dump(mode="json"))
    text = yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=console.width)
    console.print(text.rstrip(), markup=False, highlight=False, soft_wrap=True)


def _filled(tree: dict[str, Any]) -> dict[str, Any]:
    """Without what is left empty, but an empty tail and an empty switch, which say something."""
    inner = {key: _filled(value) if isinstance(value, dict) else value for key, value in tree.items()}
    empty: tuple[Any, ...] = (None, [], {}, "")
    return {key: value for key, value in inner.items() if value not in empty or (key in _SAYING and value is not None)}
