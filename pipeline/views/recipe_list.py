"""The list of the recipes that come with the package, for reading."""

from rich.console import Console
from rich.table import Table

from hipo_data.schemas.packaged import purpose, recipes


def print_recipes(console: Console) -> None:
    """A line a recipe: its name, and what it says that it is for."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("recipe", "what for"):
        table.add_column(heading, overflow="fold")
    for name, path in recipes().items():
        table.add_row(name, purpose(path))
    console.print(table, highlight=False, markup=False)
