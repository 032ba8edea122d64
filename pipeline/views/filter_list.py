"""The list of filters, for reading."""

from rich.console import Console
from rich.table import Table

from hipo_data.stages.ingest.filters import Example, Rule, rules


def print_filters(console: Console, examples: bool) -> None:
    """A line a rule; with `examples`, each rule with what it lets pass and what it refuses or cleans."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("rule", "default", "does", "what for"):
        table.add_column(heading, overflow="fold")
    for rule in rules():
        table.add_row(rule.name, "on" if rule.default else "off", rule.action, rule.purpose)
    console.print(table, highlight=False)
    if examples:
        for rule in rules():
            _print_examples(console, rule)


def _print_examples(console: Console, rule: Rule) -> None:
    console.print(f"\n{rule.name}", style="bold", highlight=False)
    for example in rule.accept:
        console.print(f"  passes: {_shown(example)}", markup=False, highlight=False, soft_wrap=True)
    for example in rule.reject:
        becomes = f" → {example.after!r}" if example.after is not None else ""
        verb = "cleaned" if rule.action == "clean" else "refused"
        console.print(f"  {verb}: {_shown(example)}{becomes}", markup=False, highlight=False, soft_wrap=True)


def _shown(example: Example) -> str:
    gold = f" (gold {example.gold!r})" if "gold" in example.model_fields_set else ""
    return f"{example.question!r}{gold}"
