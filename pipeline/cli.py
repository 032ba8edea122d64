"""The command line. Heavy imports wait until a command needs them, so that help is quick."""

import sys
import time
import traceback
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hipo_data.figures.terminal import console, plain
from hipo_data.graders.cli import register as register_graders
from hipo_data.pipeline.graph.stages import STAGES
from hipo_data.pipeline.ship.commands import add_commands
from hipo_data.pipeline.stop_signals import heeded
from hipo_data.schemas.errors import DamagedError, ExitCode, RunFailedError, UnfitError, UserError
from hipo_data.schemas.without_secrets import shown_text

if TYPE_CHECKING:
    from hipo_data.schemas.config import RunConfig

app = typer.Typer(
    help="Turns math and code problems into training data for models that decide when to think.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The recipe: a YAML file, or a name of `hipo-data recipes`.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Override one key, such as select.delta=0.2. May be repeated.")
]
RunDirOption = Annotated[
    str | None,
    typer.Option("--run-dir", help="Where the run lives: a folder, or s3://BUCKET/PREFIX. Default: runs/<name>."),
]
RayAddressOption = Annotated[
    str | None, typer.Option("--ray-address", help="A Ray cluster to join. Default: RAY_ADDRESS, else a local Ray.")
]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN_DIR", help="The directory of a run: a folder, or s3://BUCKET/PREFIX.")
]


@app.command()
def run(
    config: ConfigOption,
    stage: Annotated[
        list[str] | None, typer.Option("--stage", help=f"One of {', '.join(STAGES)}, or all. May be repeated.")
    ] = None,
    overrides: SetOption = None,
    run_dir: RunDirOption = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Keep this many problems.")] = None,
    ray_address: RayAddressOption = None,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Do not look whether the modes are what they say, before or during.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Ask again for every request that failed, also for good.")
    ] = False,
) -> None:
    """Run stages, or go on with a run: what is up to date is not done again."""
    from hipo_data.pipeline.config_file import load_config
    from hipo_data.pipeline.run.attempt import attempt
    from hipo_data.pipeline.run.healing import replace_record
    from hipo_data.pipeline.store.run_dir import changes_since_last, held, record_run, run_dir_of

    started = time.monotonic()
    wanted = _stages(stage)
    unchecked = ["check=null"] if no_check else []
    resolved = load_config(config, [*(overrides or []), *_overrides(limit, ray_address), *unchecked])
    directory = run_dir_of(resolved, run_dir)
    out = console()
    _notice(resolved)
    lost = None
    try:
        for change in changes_since_last(directory, resolved):
            out.print(f"changed since the last run: {change}", highlight=False)
    except DamagedError as error:
        lost = error
    with held(directory, lambda text: out.print(text, highlight=False)):
        if lost is not None:
            replace_record(directory, resolved, lost, lambda text: out.print(text, highlight=False))
        record_run(directory, resolved)
        if not attempt(directory, resolved, wanted, out, started, retry_failed=retry_failed):
            raise typer.Exit(ExitCode.BUDGET_USED_UP)


@app.command()
def plan(
    config: ConfigOption,
    overrides: SetOption = None,
    run_dir: RunDirOption = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Keep this many problems.")] = None,
    probe: Annotated[
        int | None,
        typer.Option("--probe", min=1, help="Run so many problems first, into RUN_DIR.probe, to predict all the rest."),
    ] = None,
    ray_address: RayAddressOption = None,
) -> None:
    """Say what a run would do, why, and about how many tokens it would take. Nothing is sampled without --probe."""
    from hipo_data.pipeline.config_file import load_config
    from hipo_data.pipeline.store.run_dir import changes_since_last, run_dir_of
    from hipo_data.pipeline.views.plan import make_plan
    from hipo_data.pipeline.views.summary import print_plan

    resolved = load_config(config, [*(overrides or []), *_overrides(limit, ray_address)])
    directory = run_dir_of(resolved, run_dir)
    changes = changes_since_last(directory, resolved)
    _notice(resolved)
    made = make_plan(directory, resolved)
    print_plan(console(), made, resolved, changes)
    if made.hopeless:
        raise UnfitError("; ".join(made.none_accepted) or "ingest kept no problem; `hipo-data ingest-report` says why")
    if probe:
        from hipo_data.pipeline.run.probe import count_problems, make_probe, predicted
        from hipo_data.pipeline.watch.progress import RunProgress

        with RunProgress(console()) as progress:
            tried = make_probe(directory, resolved, probe, progress)
        console().print(predicted(tried, count_problems(directory)), highlight=False)


@app.command()
def check(
    config: ConfigOption,
    overrides: SetOption = None,
    run_dir: RunDirOption = None,
    ray_address: RayAddressOption = None,
) -> None:
    """Ask each mode a few questions and show what comes back: switch, tags, columns of the sources."""
    from hipo_data.pipeline.config_file import load_config
    from hipo_data.pipeline.run.check import check_recipe
    from hipo_data.pipeline.store.run_dir import run_dir_of

    resolved = load_config(config, [*(overrides or []), *_overrides(None, ray_address)])
    _notice(resolved)
    check_recipe(run_dir_of(resolved, run_dir), resolved, console())


@app.command()
def status(run_dir: RunArgument) -> None:
    """Say how far a run is, from its files alone: also from another machine, also after the driver died."""
    from hipo_data.pipeline.store.run_dir import read_run
    from hipo_data.pipeline.store.run_path import run_path
    from hipo_data.pipeline.views.summary import print_status

    read_run(directory := run_path(run_dir))
    print_status(console(), directory)


@app.command("verify")
def verify_run(
    run_dir: RunArgument,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
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


@app.command("ingest-report")
def ingest_report(run_dir: RunArgument) -> None:
    """Say what became of every source row: kept, merged, refused and why, by dataset; overlaps; contamination."""
    from hipo_data.pipeline.store.run_dir import read_run
    from hipo_data.pipeline.store.run_path import run_path
    from hipo_data.pipeline.views.ingest_report import print_accounts, read_accounts

    read_run(directory := run_path(run_dir))
    print_accounts(console(), read_accounts(directory))


@app.command()
def filters(
    examples: Annotated[
        bool, typer.Option("--examples", help="Also the questions that each rule is tried on.")
    ] = False,
) -> None:
    """List the rules that ingest cleans and refuses questions by; `ingest.filters` turns them on and off."""
    from hipo_data.pipeline.views.filter_list import print_filters

    print_filters(console(), examples)


@app.command("families")
def list_families(
    name: Annotated[
        str | None, typer.Argument(help="Show all of one family: its name, or the path of a YAML file.")
    ] = None,
) -> None:
    """List the families of models whose modes and responses are known; `family` names one in a recipe."""
    from hipo_data.pipeline.views.family_list import print_families, print_family

    if name is None:
        print_families(console())
    else:
        print_family(console(), name)


@app.command()
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


@app.command()
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


@app.command()
def diff(
    first: RunArgument,
    second: RunArgument,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say in what two runs differ: config, problems, modes, rules, kept rollouts, examples."""
    from hipo_data.pipeline.store.run_path import run_path
    from hipo_data.pipeline.views.diff import compare
    from hipo_data.pipeline.views.printing.diff import print_difference
    from hipo_data.pipeline.views.run_files import open_run

    print_difference(console(), compare(open_run(run_path(first)), open_run(run_path(second))), as_json)


@app.command()
def whatif(
    run_dir: RunArgument,
    delta: Annotated[
        str, typer.Option("--delta", help="Values of δ: start:stop:step, or some with commas.")
    ] = "0:0.5:0.05",
    n: Annotated[
        str | None, typer.Option("--n", help="Rollouts of each mode, such as 4,8. Default: all that the run has.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Also a chart: a file that ends in .svg or .png.")] = None,
) -> None:
    """Say what a run would have decided under another δ or with fewer rollouts. Nothing is sampled."""
    from hipo_data.pipeline.store.run_path import run_path
    from hipo_data.pipeline.views.printing.whatif import print_answer, write_chart
    from hipo_data.pipeline.views.run_files import open_run
    from hipo_data.pipeline.views.settings import parse_deltas, parse_ns
    from hipo_data.pipeline.views.whatif import ask

    files = open_run(run_path(run_dir))
    answer = ask(files, parse_deltas(delta), None if n is None else parse_ns(n))
    if out:
        write_chart(answer, out)
    print_answer(console(), answer, as_json)


@app.command()
def calibrate(
    run_dir: RunArgument,
    want: Annotated[
        float, typer.Option("--want", min=0, max=1, help="Share of the choices that should come back.")
    ] = 0.9,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="How many splits in halves.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Also a chart: a file that ends in .svg or .png.")] = None,
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


@app.command()
def recipes() -> None:
    """List the recipes that come with the package; `--config NAME` takes one."""
    from hipo_data.pipeline.views.recipe_list import print_recipes

    print_recipes(console())


@app.command()
def init(
    path: Annotated[Path | None, typer.Argument(help="The file to write. Default: recipe.yaml.")] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--from", help="Make it for these data by looking at them: a file, glob or folder, or a dataset on the Hub."
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option("--engine", help="embedded (the default with --from), vllm (without), openai, or replay."),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="The teacher of --engine vllm or openai.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="The endpoint of --engine openai.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The file to write, as the argument.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a recipe to start from: for data of your own with --from, else with every key and its default."""
    from hipo_data.pipeline.init_recipe.write import write_recipe

    write_recipe(console(), path, out, data, engine, model, url, force)


def _overrides(limit: int | None, ray_address: str | None) -> list[str]:
    """Options that are short for `--set`."""
    found = [f"ingest.limit={limit}"] if limit else []
    return found + ([f"ray.address={ray_address}"] if ray_address else [])


def _notice(config: "RunConfig") -> None:
    """Says what a recipe's author should know of its δ."""
    from hipo_data.stages.select.boundary import notice

    if said := notice(config.select, config.sample):
        console().print(said, highlight=False)


def _stages(names: list[str] | None) -> list[str]:
    names = [name for given in names or ["all"] for name in given.split(",")]
    unknown = [name for name in names if name not in [*STAGES, "all"]]
    if unknown:
        raise UserError(f"there is no stage '{unknown[0]}'; choose from {', '.join(STAGES)} or all")
    return STAGES if "all" in names else [name for name in STAGES if name in names]


add_commands(app)
register_graders(app)


def main() -> None:
    """Entry point. Ends with one of `ExitCode`; docs/errors.md says what each asks for."""
    with heeded():
        code = _run_command()
        if code == ExitCode.STOPPED:
            console(stderr=True).print("stopped; run the same command again to go on")
        sys.exit(code)


def _run_command() -> int:
    try:
        for plugin in entry_points(group="hipo_data.commands"):
            plugin.load()(app)
        code: int = app(standalone_mode=False) or ExitCode.DONE  # what typer would have exited with
        return code
    except UserError as error:
        return _ended_by(error)
    except (typer.Abort, KeyboardInterrupt):
        return ExitCode.STOPPED
    except Exception as error:
        if (of_storage := _storage_error(error)) is not None:
            return _ended_by(of_storage)
        if hasattr(error, "show"):  # the command line itself is used wrongly
            error.show()
            return ExitCode.WRONG_USE
        sys.stderr.write(plain(shown_text(traceback.format_exc())))
        return ExitCode.FAILED


def _ended_by(error: UserError) -> ExitCode:
    console(stderr=True).print(f"error: {shown_text(str(error))}", style="red", soft_wrap=True)
    return error.exit_code


def _storage_error(error: Exception) -> UserError | None:
    """What the storage of a run said, where the command got as far as one."""
    remote = sys.modules.get("hipo_data.pipeline.store.remote")
    return remote.in_words(error) if remote is not None else None


if __name__ == "__main__":
    main()
