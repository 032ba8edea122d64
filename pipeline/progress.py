"""Progress of a run: bars in a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_LINE_EVERY_S = 10.0


@dataclass
class StageProgress:
    """Rows of one stage: rollouts for sample and verify, problems elsewhere."""

    label: str
    unit: str
    done: int = 0
    total: int = 0
    note: str = ""


class RunProgress:
    """Shows stages; use as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = console.is_terminal
        self._bars = Progress(
            TextColumn("{task.description:<18}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]:<9}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not self._live,
        )
        self._tasks: dict[str, TaskID] = {}
        self._last_line = time.monotonic()
        self._last_text = ""

    def __enter__(self) -> "RunProgress":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """One line, now."""
        self._console.print(text, highlight=False)

    def show(self, stages: Iterable[StageProgress], *, now: bool = False) -> None:
        """The state of all stages; `now` prints the line even if the last one is fresh."""
        stages = [stage for stage in stages if stage.total]
        if self._live:
            for stage in stages:
                if stage.label not in self._tasks:
                    self._tasks[stage.label] = self._bars.add_task(
                        stage.label, total=stage.total, unit=stage.unit, note=""
                    )
                self._bars.update(self._tasks[stage.label], completed=stage.done, total=stage.total, note=stage.note)
            return
        if not now and time.monotonic() - self._last_line < _LINE_EVERY_S:
            return
        text = " | ".join(
            f"{stage.label} {stage.done}/{stage.total}{' ' + stage.note if stage.note else ''}" for stage in stages
        )
        if text != self._last_text:
            self.say(text)
        self._last_line, self._last_text = time.monotonic(), text
