"""How many requests an engine is given at once: as many as it runs, and a short queue behind them.

A queue that runs dry idles the engine; a long one ties work to it that another replica could take, and makes every
restart lose more. Following what the engine reports needs no knowledge of its memory or of the lengths of responses.
"""

from math import ceil

INITIAL = 64
"""Before the first report."""
_LEAST = 8
_QUEUE = 0.25
_FULL = 0.9
_YIELD = 0.05


class Admission:
    """A limit on the requests in flight that follows an engine's reports.

    It rises at once, by a quarter of what runs, so an engine with room is filled within a few dozen steps. It falls by
    a twentieth of the difference a step, so that a step in which many requests end together hardly moves it.
    """

    def __init__(self, initial: int = INITIAL) -> None:
        self._limit = float(max(initial, _LEAST))

    @property
    def limit(self) -> int:
        """Requests that may be in flight."""
        return int(self._limit)

    def observe(self, waiting: int, running: int, kv: float) -> None:
        """Takes in a report.

        Args:
            waiting: requests that the engine holds and does not run.
            running: requests that it runs.
            kv: share of the key-value cache in use, 0 to 1. From 0.9 on no queue is kept: whatever came out of it
                would push something out as all go on to grow, and tokens would be computed twice.
        """
        queue = 0 if kv >= _FULL else max(_LEAST, ceil(_QUEUE * running))
        wanted = running + queue
        if wanted > self._limit:
            self._limit = wanted
        elif waiting > queue:
            self._limit = max(_LEAST, wanted, self._limit - max(1.0, _YIELD * (self._limit - wanted)))
