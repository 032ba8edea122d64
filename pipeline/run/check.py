"""`hipo-data check`: a recipe tried on a few problems in both modes, up to their rollouts, and what they show."""

from rich.console import Console
from rich.table import Table

from hipo_data.pipeline.ray_session import connected
from hipo_data.pipeline.run.runner import Runner
from hipo_data.pipeline.store.run_dir import held, record_run
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.whole import whole_table
from hipo_data.pipeline.views.run_files import RunFiles
from hipo_data.pipeline.watch.progress import RunProgress
from hipo_data.prompts.families.roles import switch_of
from hipo_data.prompts.families.templates import after_question, rendered, template_of
from hipo_data.schemas.arrow import from_table
from hipo_data.schemas.check_config import CheckConfig
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.errors import RunFailedError, UnfitError
from hipo_data.schemas.length_unit import lengths_of
from hipo_data.schemas.records import Mode, Rollout
from hipo_data.stages.sample.preflight import judge

_WORDS = 60
_STAGES = ("ingest", "sample")


def check_recipe(run_dir: RunPath, config: RunConfig, console: Console, talk: Console | None = None) -> None:
    """Samples one rollout a mode of a few problems, into RUN_DIR.check, and prints how the modes differ.

    What is said on the way goes to `talk`, by default to `console`. Raises `UnfitError` where no row of the sources
    becomes a problem, or a mode is not what it says.
    """
    directory = run_dir.with_name(f"{run_dir.name}.check")
    limits = config.check or CheckConfig()
    small = config.model_copy(
        update={
            "ingest": config.ingest.model_copy(update={"limit": max(1, limits.questions)}),
            "sample": config.sample.model_copy(
                update={"n": 1, "n_on": None, "n_off": None, "stop": "never", "allocate": "uniform"}
            ),
            "check": None,
        }
    )
    talk = talk or console
    with held(directory, lambda text: talk.print(text, highlight=False)), RunProgress(talk) as progress:
        record_run(directory, small)
        runner = Runner(directory, small, _STAGES, progress)
        if runner.anything_to_do():
            with connected(small):
                failures = runner.run().failures
            if failures:
                name, error = next(iter(failures.items()))
                raise RunFailedError(f"{name}: {error}")
    by_mode = _rollouts(directory, small)
    _print(console, by_mode, config)
    complaints = []
    for mode, rollouts in by_mode.items():
        try:
            judge(mode, rollouts, limits)
        except UnfitError as error:
            complaints.append(str(error))
    if complaints:
        raise UnfitError("; ".join(complaints))
    said = "Both modes" if config.roles.is_pair else "All arms"
    console.print(f"{said} are what they say.", highlight=False)


def _rollouts(directory: RunPath, config: RunConfig) -> dict[Mode, list[Rollout]]:
    files = RunFiles(directory, config)
    found = {mode: files.outputs(f"sample.{mode}") for mode in config.roles.dear_first}
    rows = {
        mode: [row for each in outputs for row in from_table(whole_table(directory / each.path, each), Rollout)]
        for mode, outputs in found.items()
    }
    return {mode: rollouts for mode, rollouts in rows.items() if rollouts}


def _print(console: Console, by_mode: dict[Mode, list[Rollout]], config: RunConfig) -> None:
    """A line a response, under the end of the mode's prompt where the chat template is at hand."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("mode", "end", lengths_of(config).unit, "reasoning begins", "answer begins"):
        table.add_column(heading, overflow="fold")
    for mode, rollouts in by_mode.items():
        tail = _tail(mode, config)
        if tail is not None:
            console.print(f"{mode.value.replace('_', '-')}: the prompt ends in {tail!r}", highlight=False, markup=False)
        for rollout in rollouts:
            said = rollout.error or rollout.answer
            cells = (rollout.finish_reason.value, str(rollout.completion_tokens), rollout.reasoning, said)
            table.add_row(mode.value.replace("_", "-"), *(_begin(cell) for cell in cells))
    console.print(table, highlight=False, markup=False)


def _begin(text: str | None) -> str:
    line = " ".join((text or "–").split())
    return line if len(line) <= _WORDS else f"{line[:_WORDS]}…"


def _tail(mode: Mode, config: RunConfig) -> str | None:
    role = config.roles.of(mode)
    template = template_of(config.engines[role.engine])
    if template is None:
        return None
    return after_question(rendered(template, switch_of(role)))
