"""How long a run goes on: one estimate for all of its stages, from how far they are and how fast they got there."""

import time
from collections import deque
from collections.abc import Sequence

from hipo_data.pipeline.watch.watcher import StageProgress

_LEAST_SHARE = 0.05
"""Of its rows, below which nothing is said: what the first few took says little of the rest."""
_WINDOW = 0.5
"""Rates are those of this last part of the time since the first row, since they change: engines join, CPUs get free."""
_LEAST_WINDOW_S = 20.0
_MOST_LOOKS = 512

_Look = tuple[float, dict[str, int]]


class TimeLeft:
    """Looks at the stages of one attempt again and again.

    The stages run beside each other on the same engines and CPUs, and one that waits catches up when those before it
    are through. So rows of all stages together are what a run gets through at a rate that lasts, and not those of one
    stage. What is left of the last stage bounds it from below: there, nothing else is waited for. Rows that were done
    before the first look count in neither, nor does the time before the first row.
    """

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque()
        """The last one without a row, and those after it; thinned out where they are many."""
        self._began: dict[str, _Look] = {}
        """The look before the first row of a stage, by its label."""

    def look(self, stages: Sequence[StageProgress], now: float | None = None) -> float | None:
        """Takes the counts of now. Returns the seconds left; null where nothing is left or where it is too early.

        Args:
            stages: the stages in the order in which a shard passes them; all rows of each, before they begin.
            now: seconds on a clock that only goes forward; by default the time.
        """
        now = time.monotonic() if now is None else now
        look = (now, {stage.label: stage.done for stage in stages})
        self._note(look)
        if not self._looks or now <= self._looks[0][0]:
            return None
        start = self._looks[0]
        todo = sum(stage.total - start[1].get(stage.label, 0) for stage in stages)
        left = sum(stage.total - stage.done for stage in stages)
        if not left or todo - left < _LEAST_SHARE * todo:
            return None
        then, before = self._window(now)
        if not any(stage.done > before.get(stage.label, 0) for stage in stages):
            then, before = start
        moved = sum(stage.done - before.get(stage.label, 0) for stage in stages)
        bounds = [left * (now - then) / moved] if moved > 0 else []
        return max([*bounds, *self._of_the_last(stages, (then, before), now)], default=None)

    def _of_the_last(self, stages: Sequence[StageProgress], window: _Look, now: float) -> list[float]:
        """Seconds left of each of the last stages that is far enough to tell, by itself, since its own first row."""
        last = stages[-1].label.partition(" ")[0]
        found = []
        for stage in stages:
            if stage.label.partition(" ")[0] != last or stage.label not in self._began:
                continue
            then, before = max(window, self._began[stage.label], key=lambda look: look[0])
            moved = stage.done - before.get(stage.label, 0)
            if moved > 0 and stage.done >= _LEAST_SHARE * stage.total:
                found.append((stage.total - stage.done) * (now - then) / moved)
        return found

    def _note(self, look: _Look) -> None:
        before = self._looks[-1] if self._looks else None
        if before is not None:
            for label, done in look[1].items():
                if done > before[1].get(label, done):  # a stage that was not there yet has begun in an earlier attempt
                    self._began.setdefault(label, before)
            if not self._began:
                self._looks.clear()
        self._looks.append(look)
        if len(self._looks) > _MOST_LOOKS:
            self._looks = deque([self._looks[0], *list(self._looks)[1:-1:2], self._looks[-1]])

    def _window(self, now: float) -> _Look:
        """The first look that counts for rates: never the one of now, unless it is the only one."""
        since = now - max(_LEAST_WINDOW_S, _WINDOW * (now - self._looks[0][0]))
        return next((look for look in self._looks if since <= look[0] < now), self._looks[0])
