"""The command that shows runs in a browser."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hipo_data.figures.help_panels import Panel
from hipo_data.figures.terminal import console
from hipo_data.schemas.errors import UserError

if TYPE_CHECKING:
    from hipo_data.pipeline.viewer.shown_run import ShownRun


def register(app: typer.Typer) -> None:
    """Adds `view` to the command line."""
    app.command("view", rich_help_panel=Panel.LOOK)(view)


def view(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN_DIR", help="Directories of runs: folders, or s3://BUCKET/PREFIX.")
    ],
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Of this machine, where to serve. Default: any free one.")
    ] = 0,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the pages into this folder, new or empty, and serve nothing.")
    ] = None,
    where: Annotated[
        str,
        typer.Option("--where", help="With --html: only these, as an address of the pages has it behind its ?."),
    ] = "",
    most: Annotated[int, typer.Option("--most", min=1, help="With --html: at most so many problems a run.")] = 500,
) -> None:
    """Read runs in a browser: problems, rollouts, verdicts, decisions. Serves this machine alone, also during a run."""
    from hipo_data.pipeline.store.run_path import run_path
    from hipo_data.pipeline.viewer.filters import Filters
    from hipo_data.pipeline.viewer.shown_run import ShownRun

    shown = [ShownRun(run_path(run)) for run in runs]
    out = console(soft_wrap=True)
    if html is None:
        if where:
            raise UserError("--where goes with --html; in a browser, the page has filters")
        _serve(shown, port)
        return
    from hipo_data.pipeline.viewer.export import write_pages

    asked = Filters.written(where)
    for page, (written, meant) in write_pages(shown, html, asked, most).items():
        of = "" if written == meant else f" of {meant:,}; --most {meant} writes all"
        out.print(f"{page}: {written:,} problems{of}")


def _serve(shown: "list[ShownRun]", port: int) -> None:
    from hipo_data.pipeline.viewer.server import Viewer, serve

    out = console(soft_wrap=True)

    def say(address: str) -> None:
        out.print(f"{address}\nOnly who has this address can read it, on this machine; Ctrl-C ends it.")

    try:
        serve(Viewer(shown), port, say)
    except KeyboardInterrupt:
        out.print("ended")
