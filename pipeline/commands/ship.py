"""The commands for what leaves a finished run: export, push and validate."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hipo_data.figures.help_panels import Panel
from hipo_data.figures.terminal import console as terminal
from hipo_data.schemas.errors import RunFailedError, UserError

_LIBRARIES = (
    "messages, trl, trl-prompt-completion, trl-preference, trl-rl, verl-sft, verl-rl, llama-factory, ms-swift, "
    "axolotl, openrlhf or openrlhf-rl"
)

_DATASET = "A run's directory (a folder or s3://BUCKET/PREFIX), a published folder, or a dataset on the Hub."


def register(app: typer.Typer) -> None:
    """Adds `validate`, `export` and `push` to the command line."""
    app.command("validate", rich_help_panel=Panel.SHIP)(validate)
    app.command("export", rich_help_panel=Panel.SHIP)(export)
    app.command("push", rich_help_panel=Panel.SHIP)(push)


def export(
    dataset: Annotated[str, typer.Argument(help=_DATASET)],
    to: Annotated[str, typer.Option("--to", help=f"For which library: {_LIBRARIES}.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write, new or empty.")],
    tokenizer: Annotated[
        str | None,
        typer.Option("--tokenizer", help="Refuse where the chat template of this tokenizer would change a response."),
    ] = None,
    level: Annotated[
        str, typer.Option("--level", help="With arms, where rows tell theirs: prompt (a system turn) or kwargs.")
    ] = "prompt",
    levels: Annotated[
        str | None, typer.Option("--levels", help="Names of levels by arm, such as short=low,think_on=high.")
    ] = None,
) -> None:
    """Write a published dataset as files that another library reads as they are."""
    from hipo_data.pipeline.ship.advice import advice
    from hipo_data.pipeline.ship.export import export as export_dataset
    from hipo_data.pipeline.ship.published import published
    from hipo_data.stages.publish.exports.levels import WAYS, Told

    if level not in WAYS:
        raise UserError(f"--level is one of {' or '.join(WAYS)}, not '{level}'")
    named = dict(each.partition("=")[::2] for each in levels.split(",")) if levels else {}
    told: Told = "kwargs" if level == "kwargs" else "prompt"
    exported = export_dataset(published(dataset), to, out, tokenizer, told, named)
    console = _console()
    for name, rows in exported.rows.items():
        console.print(f"{out / name}: {rows} rows")
    console.print(advice(to, out, exported.format, tokenizer))


def push(
    run_dir: Annotated[str, typer.Argument(help="A run's directory, or a published folder.")],
    repo: Annotated[str, typer.Argument(metavar="REPO", help="The dataset on the Hub, such as org/name.")],
    private: Annotated[bool, typer.Option("--private", help="Make a new dataset private.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be uploaded, and what is there already; upload nothing.")
    ] = False,
) -> None:
    """Upload a published dataset to the Hugging Face Hub in one commit; HF_TOKEN holds the token."""
    from hipo_data.pipeline.ship.push import push as push_dataset
    from hipo_data.pipeline.ship.push import rehearse
    from hipo_data.pipeline.store.run_path import run_path

    if dry_run:
        from hipo_data.pipeline.ship.rehearsal_words import in_words

        _console().print(in_words(rehearse(run_path(run_dir), repo, private)))
        return
    _console().print(push_dataset(run_path(run_dir), repo, private))


def validate(
    dataset: Annotated[str, typer.Argument(help=_DATASET)],
) -> None:
    """Check every row of a published dataset against its schema, its format, its splits and its card."""
    from hipo_data.pipeline.ship.published import published
    from hipo_data.pipeline.ship.validate import SHOWN, validate_dataset

    found = published(dataset)
    report = validate_dataset(found)
    console = _console()
    for sentence in report.failures[:SHOWN]:
        console.print(f"FAILS  {sentence}")
    if report.failures:
        more = f", {len(report.failures) - SHOWN} not shown" if len(report.failures) > SHOWN else ""
        raise RunFailedError(f"{found.name} fails validation in {len(report.failures)} places{more}")
    counts = ", ".join(f"{part} {split} {rows}" for (part, split), rows in report.counts.items())
    console.print(f"{found.name} holds: {counts} rows")


def _console() -> Console:
    """Standard output, line by line as given, whatever the width of the terminal."""
    return terminal(soft_wrap=True)
