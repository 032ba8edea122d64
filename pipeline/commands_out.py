"""The commands for what leaves a finished run."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

_LIBRARIES = "messages, trl, trl-prompt-completion, trl-preference, verl-sft, verl-rl or llama-factory"


def add_commands(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    app.command()(export)


def export(
    dataset: Annotated[str, typer.Argument(help="A run's directory, a published folder, or a dataset on the Hub.")],
    to: Annotated[str, typer.Option("--to", help=f"For which library: {_LIBRARIES}.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write, new or empty.")],
    tokenizer: Annotated[
        str | None,
        typer.Option("--tokenizer", help="Refuse where the chat template of this tokenizer would change a response."),
    ] = None,
) -> None:
    """Write a published dataset as files that another library reads as they are."""
    from pipeline.export import advice
    from pipeline.export import export as export_dataset
    from pipeline.published import published

    exported = export_dataset(published(dataset), to, out, tokenizer)
    console = _console()
    for name, rows in exported.rows.items():
        console.print(f"{out / name}: {rows} rows")
    console.print(advice(to, out, exported.format, tokenizer))


def _console() -> Console:
    """Standard output, line by line as given, whatever the width of the terminal."""
    return Console(soft_wrap=True, highlight=False, markup=False)
