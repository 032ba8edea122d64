"""The commands for what leaves a finished run: export, push and validate."""

from pathlib import Path
from typing import Annotated, Literal

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
    phase: Annotated[
        int | None, typer.Option("--phase", help="Of a dataset with publish.mix: the training rows of phase 1 or 2.")
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
    exported = export_dataset(published(dataset), to, out, tokenizer, told, named, phase)
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
    template: Annotated[
        str | None,
        typer.Option(
            "--template",
            help="Render each row with the chat template that will train it, and check what is trained: ours (that of "
            "the exports), trl/NAME (TRL's own), a file of Jinja, or a tokenizer.",
        ),
    ] = None,
    reasoning_field: Annotated[
        str | None,
        typer.Option("--reasoning-field", help="The field of a turn that holds reasoning, such as reasoning_content."),
    ] = None,
    max_length: Annotated[
        int | None, typer.Option("--max-length", min=1, help="Tokens of a row that are trained.")
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option("--tokenizer", help="Counts tokens, where --template is no tokenizer.")
    ] = None,
    earlier: Annotated[
        str | None, typer.Option("--earlier", help="Reasoning of earlier turns is to be kept or dropped.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--page", help="Write the certificate as HTML, to read and sign.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate as JSON.")] = False,
) -> None:
    """Check every row of a published dataset: its schema, format, splits and card, or what a template trains of it."""
    from hipo_data.pipeline.ship.published import published
    from hipo_data.pipeline.ship.validate import SHOWN, validate_dataset

    given = [reasoning_field, max_length, tokenizer, earlier, page, as_json or None]
    if template is not None:
        _certify(dataset, template, reasoning_field, max_length, tokenizer, earlier, page, as_json)
        return
    if any(each is not None for each in given):
        raise UserError("--reasoning-field, --max-length, --tokenizer, --earlier, --page and --json are for --template")
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


def _certify(
    dataset: str,
    template: str,
    reasoning_field: str | None,
    max_length: int | None,
    tokenizer: str | None,
    earlier: str | None,
    page: Path | None,
    as_json: bool,
) -> None:
    from hipo_data.pipeline.ship.certify import certify
    from hipo_data.pipeline.ship.certify import page as page_of
    from hipo_data.pipeline.ship.published import published

    if earlier not in (None, "kept", "dropped"):
        raise UserError(f"--earlier is kept or dropped, not '{earlier}'")
    wanted: Literal["kept", "dropped"] | None = None if earlier is None else "kept" if earlier == "kept" else "dropped"
    found, shown = certify(
        published(dataset),
        template,
        reasoning_field=reasoning_field,
        max_length=max_length,
        tokenizer=tokenizer,
        earlier=wanted,
    )
    if page is not None:
        page.write_text(page_of(found, shown), encoding="utf-8")
    console = _console()
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        for name, check in found.checks.items():
            if check.failed:
                console.print(f"FAILS  {name}: {check.failed} of {found.rows} rows; {check.first}")
        for mode, of in found.modes.items():
            empty = f", {of.empty_think} train an empty block of reasoning" if of.empty_think else ""
            aloud = f", {of.aloud_after} think aloud (in the dataset {of.aloud_before})" if of.aloud_before else ""
            console.print(f"{mode}: {of.rows} rows{empty}{aloud}")
    if not found.ok:
        raise RunFailedError(
            f"{found.dataset} does not hold under {template}: {found.failed} of {found.rows} rows fail"
        )
    if not as_json:
        console.print(f"{found.dataset} holds under {template}: {found.rows} rows; what is trained: {found.trained}")


def _console() -> Console:
    """Standard output, line by line as given, whatever the width of the terminal."""
    return terminal(soft_wrap=True)
