"""The commands that ask engines: run a recipe, say what that would be, try it on a few questions."""

import time
from typing import Annotated

import typer

from hipo_data.figures.heard import QuietOption, VerboseOption, heard
from hipo_data.figures.help_panels import Panel
from hipo_data.figures.terminal import console
from hipo_data.pipeline.commands.options import (
    ConfigOption,
    LimitOption,
    RayAddressOption,
    RunDirOption,
    SetOption,
    notice,
    overrides_of,
)
from hipo_data.pipeline.graph.stages import STAGES, stages_named
from hipo_data.schemas.errors import ExitCode, UnfitError


def register(app: typer.Typer) -> None:
    """Adds `check`, `plan` and `run` to the command line."""
    app.command("check", rich_help_panel=Panel.RUN)(check)
    app.command("plan", rich_help_panel=Panel.RUN)(plan)
    app.command("run", rich_help_panel=Panel.RUN)(run)


def check(
    config: ConfigOption,
    overrides: SetOption = None,
    run_dir: RunDirOption = None,
    ray_address: RayAddressOption = None,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Ask each mode a few questions and show what comes back: switch, tags, columns of the sources."""
    from hipo_data.pipeline.config_file import load_config
    from hipo_data.pipeline.run.check import check_recipe
    from hipo_data.pipeline.store.run_dir import run_dir_of

    talk = heard(verbose, quiet)
    resolved = load_config(config, overrides_of(overrides, ray_address=ray_address))
    notice(resolved, talk)
    check_recipe(run_dir_of(resolved, run_dir), resolved, console(), talk)


def plan(
    config: ConfigOption,
    overrides: SetOption = None,
    run_dir: RunDirOption = None,
    limit: LimitOption = None,
    probe: Annotated[
        int | None,
        typer.Option("--probe", min=1, help="Run so many problems first, into RUN_DIR.probe, to predict all the rest."),
    ] = None,
    ray_address: RayAddressOption = None,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say what a run would do, why, and about how many tokens it would take. Nothing is sampled without --probe."""
    from hipo_data.pipeline.config_file import load_config
    from hipo_data.pipeline.store.run_dir import changes_since_last, run_dir_of
    from hipo_data.pipeline.views.plan import make_plan
    from hipo_data.pipeline.views.summary import print_plan

    talk = heard(verbose, quiet)
    resolved = load_config(config, overrides_of(overrides, limit, ray_address))
    directory = run_dir_of(resolved, run_dir)
    changes = changes_since_last(directory, resolved)
    notice(resolved, talk)
    made = make_plan(directory, resolved)
    print_plan(console(), made, resolved, changes)
    if made.hopeless:
        raise UnfitError("; ".join(made.none_accepted) or "ingest kept no problem; `hipo-data ingest-report` says why")
    if probe:
        from hipo_data.pipeline.run.probe import count_problems, make_probe, predicted
        from hipo_data.pipeline.watch.progress import RunProgress

        with RunProgress(talk) as progress:
            tried = make_probe(directory, resolved, probe, progress)
        console().print(predicted(tried, count_problems(directory)), highlight=False)


def run(
    config: ConfigOption,
    stage: Annotated[
        list[str] | None, typer.Option("--stage", help=f"One of {', '.join(STAGES)}, or all. May be repeated.")
    ] = None,
    overrides: SetOption = None,
    run_dir: RunDirOption = None,
    limit: LimitOption = None,
    ray_address: RayAddressOption = None,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Do not look whether the modes are what they say, before or during.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Ask again for every request that failed, also for good.")
    ] = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run stages, or go on with a run: what is up to date is not done again."""
    from hipo_data.pipeline.config_file import load_config
    from hipo_data.pipeline.run.attempt import take_up
    from hipo_data.pipeline.store.run_dir import run_dir_of

    started = time.monotonic()
    talk = heard(verbose, quiet)
    wanted = stages_named(stage)
    unchecked = ["check=null"] if no_check else []
    resolved = load_config(config, [*overrides_of(overrides, limit, ray_address), *unchecked])
    directory = run_dir_of(resolved, run_dir)
    notice(resolved, talk)
    if not take_up(directory, resolved, wanted, console(), started, talk=talk, retry_failed=retry_failed):
        raise typer.Exit(ExitCode.BUDGET_USED_UP)
