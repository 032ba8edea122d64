"""The commands that read what a run holds: how far it is, whether it is whole, its rows, one problem, two runs."""

from typing import Annotated

import typer

from hipo_data.figures.help_panels import Panel
from hipo_data.figures.terminal import console
from hipo_data.pipeline.commands.options import JsonOption, RunArgument
from hipo_data.pipeline.graph.stages import STAGES
from hipo_data.schemas.errors import RunFailedError, UserError


def register(app: typer.Typer) -> None:
    """Adds `status`, `show`, `explain`, `diff`, `ingest-report` and `verify` to the command line."""
    app.command("status", rich_help_panel=Panel.LOOK)(status)
    app.command("show", rich_help_panel=Panel.LOOK)(show)
    app.command("explain", rich_help_panel=Panel.LOOK)(explain)
    app.command("diff", rich_help_panel=Panel.LOOK)(diff)
    app.command("ingest-report", rich_help_panel=Panel.LOOK)(ingest_report)
    app.command("verify", rich_help_panel=Panel.LOOK)(verify_run)


def status(run_dir: RunArgument) -> None:
    """Say how far a run is, from its files alone: also from another machine, also after the driver died."""
    from hipo_data.pipeline.store.run_dir import read_run
    from hipo_data.pipeline.store.run_path import run_path
    from hipo_data.pipeline.views.summary import print_status

    read_run(directory := run_path(run_dir))
    print_status(console(), directory)


def show(
    run_dir: RunArgument,
    stage: Annotated[
        str,
        typer.Option("--stage", help=f"One of {', '.join(STAGES)}, votes, picks, attempts (at reasons), rejected."),
    ] = "justify",
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many rows.")] = 5,
    problem: Annotated[
        str | None, typer.Option("--problem", help="Only this problem: the start of its id, or the source's own.")
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", help="Only such rows: an SQL expression, as in \"rule = 'margin'\".")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="Only these columns, with commas, as a table.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option("--sort", help="By these columns, with commas; -name from the largest.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Read rows of any stage."""
    from hipo_data.pipeline.store.run_dir import read_run
    from hipo_data.pipeline.store.run_path import run_path
    from hipo_data.pipeline.views.printing.show import print_rows
    from hipo_data.pipeline.views.show import read_rows

    read_run(directory := run_path(run_dir))
    known = [*STAGES, "votes", "picks", "attempts", "rejected"]
    if stage not in known:
        raise UserError(f"there is no stage '{stage}' to show; choose from {', '.join(known)}")
    print_rows(console(), read_rows(directory, stage, limit, problem, where, columns, sort), as_json)


def explain(
    run_dir: RunArgument,
    problem: Annotated[str, typer.Argument(help="The start of a problem's id, the source's own id, or file:row.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, all texts in full.")] = False,
) -> None:
    """Say what became of one problem and why, from its source rows to its row in the dataset."""
    from hipo_data.pipeline.store.run_path import run_path
    from hipo_data.pipeline.views.explain import explain as tell
    from hipo_data.pipeline.views.printing.explain import print_story
    from hipo_data.pipeline.views.run_files import open_run

    print_story(console(), tell(open_run(run_path(run_dir)), problem), as_json)


def diff(
    first: RunArgument,
    second: RunArgument,
    as_json: JsonOption = False,
) -> None:
    """Say in what two runs differ: config, problems, modes, rules, kept rollouts, examples."""
    from hipo_data.pipeline.store.run_path import run_path
    from hipo_data.pipeline.views.diff import compare
    from hipo_data.pipeline.views.printing.diff import print_difference
    from hipo_data.pipeline.views.run_files import open_run

    print_difference(console(), compare(open_run(run_path(first)), open_run(run_path(second))), as_json)


def ingest_report(run_dir: RunArgument) -> None:
    """Say what became of every source row: kept, merged, refused and why, by dataset; overlaps; contamination."""
    from hipo_data.pipeline.store.run_dir import read_run
    from hipo_data.pipeline.store.run_path import run_path
    from hipo_data.pipeline.views.ingest_report import print_accounts, read_accounts

    read_run(directory := run_path(run_dir))
    print_accounts(console(), read_accounts(directory))


def verify_run(
    run_dir: RunArgument,
    as_json: JsonOption = False,
) -> None:
    """Read every file of a run and say which are damaged, by checksum. (To grade rollouts: `run --stage verify`.)"""
    from hipo_data.pipeline.store.run_path import run_path
    from hipo_data.pipeline.views.printing.wholeness import print_wholeness
    from hipo_data.pipeline.views.wholeness import look

    found = look(directory := run_path(run_dir))
    print_wholeness(console(), found, as_json)
    if found.damaged:
        raise RunFailedError(
            f"{len(found.damaged)} files of {directory} are damaged; `hipo-data run` with its recipe makes them again"
        )
