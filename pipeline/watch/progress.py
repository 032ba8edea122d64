"""Progress of a run: bars in a terminal, a line now and then elsewhere; other listeners are told the same."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from hipo_data.pipeline.graph.nodes import Node
from hipo_data.pipeline.stop_signals import asked_by, undisturbed
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.watch.time_left import TimeLeft
from hipo_data.pipeline.watch.watcher import EngineStatus, Rates, RunState, StageProgress, Watcher
from hipo_data.schemas.without_secrets import shown_text
from hipo_data.stages.sample.audit import in_short

_LINE_EVERY_S = 10.0
_LOG = logging.getLogger(__name__)


class _Bars(Progress):
    """Bars with lines below."""

    note = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        if self.note:
            yield Text(self.note, style="dim")


class RunProgress:
    """Shows a run; use as a context manager, which tells the watchers of the end."""

    def __init__(self, console: Console, watchers: Sequence[Watcher] = ()) -> None:
        self._console = console
        self._watchers = watchers
        self._live = console.is_terminal and not console.quiet
        self._bars = _Bars(
            TextColumn("{task.description:<18}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]:<9}"),
            TimeElapsedColumn(),
            console=console,
            disable=not self._live,
        )
        self._tasks: dict[str, TaskID] = {}
        self._rates = Rates()
        self._left = TimeLeft()
        self._last_line = time.monotonic()
        self._last_text = ""

    def __enter__(self) -> "RunProgress":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with undisturbed():
            self._bars.stop()
            said = None if error is None else _end(error)
            self._tell(lambda watcher: watcher.closed(said))

    def say(self, text: str) -> None:
        """One line, now, without secrets."""
        text = shown_text(text)
        self._console.print(text, highlight=False)
        self._tell(lambda watcher: watcher.said(text))

    def began(self, node: Node) -> None:
        """A node was handed to a worker."""
        _LOG.debug("%s began", node.name)
        self._tell(lambda watcher: watcher.began(node))

    def ended(self, node: Node, manifest: Manifest) -> None:
        """It is done."""
        rows = f"{manifest.rows_in} rows in, {manifest.rows_out} out, {manifest.rows_rejected} rejected"
        _LOG.debug("%s ended: %s, %.1f s", node.name, rows, manifest.seconds)
        self._tell(lambda watcher: watcher.ended(node, manifest))

    def failed(self, node: Node, error: str) -> None:
        """It is not."""
        said = shown_text(error)
        _LOG.debug("%s failed: %s", node.name, said)
        self._tell(lambda watcher: watcher.failed(node, said))

    def show(self, state: RunState, *, now: bool = False) -> None:
        """Where the run is; `now` prints the line even if the last one is fresh."""
        self._tell(lambda watcher: watcher.looked(state))
        stages = [stage for stage in state.stages if stage.total]
        rates = self._rates.look({_counter(engine): _counted(engine) for engine in state.engines})
        left = self._left.look(stages)
        notes = [*(_engine_note(engine, rates) for engine in state.engines), *_rest(state, left)]
        modes = [in_short(mode, seen) for mode, seen in state.modes.items()]
        if self._live:
            self._bars.note = "\n".join([" | ".join(notes), *modes])
            self._show_bars(stages)
            return
        if not now and time.monotonic() - self._last_line < _LINE_EVERY_S:
            return
        text = " | ".join([*(f"{stage.label} {stage.done}/{stage.total}" for stage in stages), *modes, *notes])
        if text != self._last_text:
            self._console.print(text, highlight=False)
        self._last_line, self._last_text = time.monotonic(), text

    def _show_bars(self, stages: Sequence[StageProgress]) -> None:
        for stage in stages:
            if stage.label not in self._tasks:
                self._tasks[stage.label] = self._bars.add_task(stage.label, total=stage.total, unit=stage.unit)
            self._bars.update(self._tasks[stage.label], completed=stage.done, total=stage.total)

    def _tell(self, what: Callable[[Watcher], None]) -> None:
        for watcher in self._watchers:
            what(watcher)


def _end(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        by = asked_by()
        return f"stopped by {by}" if by else "stopped"
    return shown_text(str(error)) or type(error).__name__


def _counter(engine: EngineStatus) -> str:
    return f"tokens of {engine.name}"


def _counted(engine: EngineStatus) -> int:
    return engine.spent.completion_tokens or engine.spent.characters


def _engine_note(engine: EngineStatus, rates: Mapping[str, float]) -> str:
    if not engine.replicas:
        return f"{engine.name} closed"
    if engine.loading == engine.replicas:
        return f"{engine.name} loading"
    waiting = f" and {engine.waiting:,} waiting" if engine.waiting else ""
    unit = "characters" if engine.spent.characters else "tokens"
    return f"{engine.name} {rates.get(_counter(engine), 0):,.0f} {unit}/s, {engine.in_flight:,} requests{waiting}"


def _rest(state: RunState, left: float | None) -> list[str]:
    return [*([str(state.spent)] if state.engines else []), *([f"{_time(left)} left"] if left is not None else [])]


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"about {seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 100 else f"about {minutes / 60:.1f} h"
