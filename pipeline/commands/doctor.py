"""The command that says what is missing before a run does."""

from typing import Annotated

import typer

from hipo_data.figures.help_panels import Panel
from hipo_data.figures.plural import counted
from hipo_data.figures.terminal import console
from hipo_data.graders.cli import SandboxUrlOption, grading_of
from hipo_data.pipeline.commands.options import JsonOption, SetOption, UsedRecipeOption
from hipo_data.schemas.errors import RunFailedError, UserError


def register(app: typer.Typer) -> None:
    """Adds `doctor` to the command line."""
    app.command("doctor", rich_help_panel=Panel.SET_UP)(doctor)


def doctor(
    config: UsedRecipeOption = None,
    overrides: SetOption = None,
    sandbox: Annotated[
        str | None,
        typer.Option("--sandbox", help="bubblewrap, landlock, remote or none. Default: the recipe's, or bubblewrap."),
    ] = None,
    sandbox_url: SandboxUrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try what a run needs here: GPU, vLLM, Ray, memory, disk, the sandbox; with a recipe also its endpoints."""
    from hipo_data.pipeline.config_file import load_config
    from hipo_data.pipeline.doctor.examine import examine
    from hipo_data.pipeline.doctor.finding import State
    from hipo_data.pipeline.doctor.printing import print_findings

    if overrides and not config:
        raise UserError("--set overrides keys of a recipe; give that with --config too")
    grading = grading_of(sandbox or "bubblewrap", 1, sandbox_url) if sandbox or sandbox_url else None
    found = examine(load_config(config, overrides or []) if config else None, grading)
    print_findings(console(), found, as_json)
    failing = [each.name for each in found if each.state is State.FAILS]
    if any(name.startswith("sandbox: ") for name in failing):
        raise RunFailedError(
            f"{counted(len(failing), 'thing')} that runs need failed here; not every protection holds: run code only "
            "from sources that you trust"
        )
    if failing:
        raise RunFailedError(f"{counted(len(failing), 'thing')} that runs need failed here: {', '.join(failing)}")
