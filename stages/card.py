"""The dataset card."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages.statistics import Statistics

_FOLDER = Path(__file__).parent / "templates"


def card(stats: Statistics, **values: Any) -> str:
    """The card as Markdown with the Hub's YAML head. `values` are the template's other variables."""
    environment = Environment(loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, autoescape=False)
    environment.globals |= {"percent": percent, "number": number}
    return environment.get_template("card.md.j2").render(stats=stats, **values) + "\n"


def percent(share: float | None) -> str:
    """`0.625` as `62.5 %`."""
    return "–" if share is None else f"{100 * share:.1f} %"


def number(value: float | None) -> str:
    """A mean, with one decimal."""
    return "–" if value is None else f"{value:,.1f}"
