"""One attempt at a run, from its config to what is said of its end."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from rich.console import Console

from hipo_data.figures.plural import counted
from hipo_data.pipeline.ray_session import connected
from hipo_data.pipeline.run.healing import Healing, replace_record
from hipo_data.pipeline.run.runner import Runner
from hipo_data.pipeline.store.run_dir import changes_since_last, held, record_run
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.views.ingest_report import read_accounts, rows_in_words
from hipo_data.pipeline.views.run_files import examples_in, read_statistics
from hipo_data.pipeline.views.summary import print_summary
from hipo_data.pipeline.watch.event_log import EventLog
from hipo_data.pipeline.watch.outcome import Outcome
from hipo_data.pipeline.watch.progress import RunProgress
from hipo_data.pipeline.watch.watcher import Watcher
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.errors import DamagedError, RunFailedError, UnfitError, UserError
from hipo_data.schemas.without_secrets import shown_text

_ROUNDS = 10
"""How often a command starts over because a file turned out damaged as it was read."""
_LOG = logging.getLogger(__name__)


def take_up(
    directory: RunPath,
    config: RunConfig,
    wanted: Sequence[str],
    console: Console,
    started: float,
    *,
    talk: Console | None = None,
    retry_failed: bool = False,
) -> bool:
    """Says what changed since the last attempt, holds the directory for this driver, runs the wanted stages, and prints
    the summary.

    Returns whether the run came to its end; a budget that is used up stops it before. Raises `RunFailedError` where
    pieces failed, `UserError` where another driver holds the directory.

    Args:
        directory: of the run.
        config: of the run.
        wanted: names of stages.
        console: where the summary goes.
        started: `time.monotonic()` when the command began.
        talk: where all goes that is said on the way; by default there, too.
        retry_failed: ask again for every request that failed, also for those that failed for good.
    """
    talk = talk or console
    say = partial(talk.print, highlight=False)
    lost = None
    try:
        for change in changes_since_last(directory, config):
            say(f"changed since the last run: {change}")
    except DamagedError as error:
        lost = error
    with held(directory, say):
        if lost is not None:
            replace_record(directory, config, lost, say)
        record_run(directory, config)
        with _told(directory, config, console, started) as said:
            outcome = _run(directory, config, wanted, talk, retry_failed)
            return _summed_up(outcome, directory, wanted, console, started, said)


def _summed_up(
    outcome: Outcome,
    directory: RunPath,
    wanted: Sequence[str],
    console: Console,
    started: float,
    said: dict[str, Any],
) -> bool:
    """Whether the run came to its end, after its summary; `said` goes to whom it is told."""
    said |= {"spent": outcome.spent.model_dump(), "ran": outcome.ran}
    if outcome.failures:
        name, error = next(iter(outcome.failures.items()))
        raise RunFailedError(
            f"{counted(len(outcome.failures), 'piece')} failed, such as {name}: {error}; the rest is done, "
            "run again to retry"
        )
    published = "publish" in wanted and bool(outcome.complete or not outcome.stopped)
    if published:
        said["dataset"] = str(directory / "dataset")
        print_summary(console, directory, outcome, time.monotonic() - started)
        found = read_statistics(directory)
        if not examples_in(directory):
            why = ", ".join(f"{reason} {n}" for reason, n in found.drops.items())
            raise UnfitError(f"none of {found.problems} problems became an example: {why or 'see the quarantine'}")
    else:
        ran = ", ".join(f"{folder} {n}" for folder, n in outcome.ran.items()) or "nothing, all was up to date"
        console.print(f"ran: {ran}", highlight=False)
        if "ingest" in wanted:
            console.print(f"ingest: {rows_in_words(read_accounts(directory))}", highlight=False, soft_wrap=True)
    if outcome.stopped:
        said |= {"result": "budget used up", "message": outcome.stopped}
        console.print(
            f"{outcome.stopped}; {outcome.complete} of {outcome.shards} shards are in the dataset. "
            "Raise the budget and run again to go on.",
            highlight=False,
        )
    return not outcome.stopped


def _run(directory: RunPath, config: RunConfig, wanted: Sequence[str], console: Console, retry_failed: bool) -> Outcome:
    _LOG.debug("%s: stages %s; the logs of engines and all events lie in its logs/", directory, ", ".join(wanted))
    with RunProgress(console, _watchers(directory, config, console)) as progress, ExitStack() as ray_on:
        healing = Healing(directory, progress.say)
        healing.begin(config)
        outcome = None
        is_connected = False
        for _ in range(_ROUNDS):
            runner = Runner(directory, config, wanted, progress, healing, retry_failed=retry_failed)
            if runner.anything_to_do():
                if not is_connected:
                    ray_on.enter_context(connected(config))
                    is_connected = True
                runner.run()
            if outcome is not None:
                runner.outcome.after(outcome)
            outcome = runner.outcome
            if not runner.is_cut_short:
                outcome.damaged = healing.found
                healing.end()
                return outcome
            runner.stop()
    raise RunFailedError(
        f"files get damaged again and again, such as {healing.found[-1]}: see to the disk that {directory} is on"
    )


def _watchers(directory: RunPath, config: RunConfig, console: Console) -> list[Watcher]:
    found: list[Watcher] = [EventLog(directory, config.name)]
    watch = config.watch
    if watch.metrics_port is not None:
        from hipo_data.pipeline.watch.metrics import Metrics

        metrics = Metrics(config.name, watch.metrics_host, watch.metrics_port)
        console.print(f"metrics: http://{watch.metrics_host}:{metrics.port}/metrics", highlight=False)
        found.append(metrics)
    if watch.opentelemetry:
        try:
            from hipo_data.pipeline.watch.spans import Spans
        except ImportError as error:
            raise UserError(f"watch.opentelemetry needs hipo-data[otel] ({error})") from error
        found.append(Spans(config.name))
    return found


@contextmanager
def _told(directory: RunPath, config: RunConfig, console: Console, started: float) -> Iterator[dict[str, Any]]:
    """Tells whom `watch` names of the end, whatever it is; what is put into the mapping goes along."""
    said: dict[str, Any] = {"run": config.name, "run_dir": str(directory), "result": "done", "message": None}
    try:
        yield said
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        said["result"] = "stopped" if interrupted else "failed"
        said["message"] = None if interrupted else shown_text(str(error))
        raise
    finally:
        if config.watch.webhook or config.watch.command:
            from hipo_data.pipeline.watch.notify import notify

            said["seconds"] = round(time.monotonic() - started, 1)
            for problem in notify(config.watch, said):
                console.print(problem, highlight=False)
