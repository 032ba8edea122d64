"""The commands that ask a run what its rollouts would have made of other settings. Nothing is sampled."""

from typing import Annotated

import typer

from hipo_data.figures.help_panels import Panel
from hipo_data.figures.terminal import console
from hipo_data.pipeline.commands.options import ChartOption, JsonOption, RunArgument
from hipo_data.schemas.errors import UserError


def register(app: typer.Typer) -> None:
    """Adds `whatif` and `calibrate` to the command line."""
    app.command("whatif", rich_help_panel=Panel.LOOK)(whatif)
    app.command("calibrate", rich_help_panel=Panel.LOOK)(calibrate)


def whatif(
    run_dir: RunArgument,
    delta: Annotated[
        str, typer.Option("--delta", help="Values of δ: start:stop:step, or some with commas.")
    ] = "0:0.5:0.05",
    n: Annotated[
        str | None, typer.Option("--n", help="Rollouts of each mode, such as 4,8. Default: all that the run has.")
    ] = None,
    arms: Annotated[
        list[str] | None,
        typer.Option("--arms", help="With arms: those to choose from, with commas; may be given again."),
    ] = None,
    as_json: JsonOption = False,
    out: ChartOption = None,
) -> None:
    """Say what a run would have decided under another δ or with fewer rollouts. Nothing is sampled."""
    from hipo_data.pipeline.store.run_path import run_path
    from hipo_data.pipeline.views.printing.whatif import print_answer, write_chart
    from hipo_data.pipeline.views.run_files import open_run
    from hipo_data.pipeline.views.settings import parse_deltas, parse_ns
    from hipo_data.pipeline.views.whatif import ask

    files = open_run(run_path(run_dir))
    deltas, ns = parse_deltas(delta), None if n is None else parse_ns(n)
    if files.config.weighs_arms:
        from hipo_data.pipeline.views.arm_whatif import ask_arms
        from hipo_data.pipeline.views.printing.arm_whatif import print_arm_answer

        if out:
            raise UserError("--out draws think-on against think-off, and this run chooses between arms; leave it out")
        sets = None if arms is None else [[name.strip() for name in each.split(",")] for each in arms]
        print_arm_answer(console(), ask_arms(files, deltas, ns, sets), as_json)
        return
    if arms is not None:
        raise UserError(
            f"--arms is for runs that choose the lowest arm near enough to the best, and the policy of this one is "
            f"{files.config.select.policy}"
        )
    answer = ask(files, deltas, ns)
    if out:
        write_chart(answer, out)
    print_answer(console(), answer, as_json)


def calibrate(
    run_dir: RunArgument,
    want: Annotated[
        float, typer.Option("--want", min=0, max=1, help="Share of the choices that should come back.")
    ] = 0.9,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="How many splits in halves.")] = 20,
    as_json: JsonOption = False,
    out: ChartOption = None,
) -> None:
    """Split a run's rollouts in halves and say how often mode, rule and response come back. Nothing is sampled."""
    from hipo_data.pipeline.store.run_path import run_path
    from hipo_data.pipeline.views.calibrate import calibrate as split
    from hipo_data.pipeline.views.printing.calibrate import print_calibration, write_chart
    from hipo_data.pipeline.views.run_files import open_run

    found = split(open_run(run_path(run_dir)), want, repeats)
    if out:
        write_chart(found, out)
    print_calibration(console(), found, as_json)
