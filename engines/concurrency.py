"""How many requests an endpoint takes at once: additive increase, multiplicative decrease (Chiu and Jain, 1989)."""

_CUT = 0.5
_ROUNDS_TO_GROW = 64
"""Rounds of undisturbed requests that lead from one request in flight to the upper bound."""


class Window:
    """A limit between 1 and `upper`, where it starts: an endpoint that takes everything is never slowed down.

    Every request belongs to the epoch that it was sent in. What was sent before the last cut says nothing about the
    window since, so a burst of a hundred refusals cuts once.
    """

    def __init__(self, upper: int) -> None:
        self._upper = upper
        self._limit = float(upper)
        self._step = max(1.0, upper / _ROUNDS_TO_GROW)
        self.epoch = 0

    @property
    def limit(self) -> int:
        """Requests that may be in flight."""
        return int(self._limit)

    def succeeded(self, epoch: int) -> None:
        """A request of `epoch` was served; a whole window of these adds one step."""
        if epoch == self.epoch and self._limit < self._upper:
            self._limit = min(self._upper, self._limit + self._step / self._limit)

    def overloaded(self, epoch: int, in_flight: int) -> None:
        """A request of `epoch` was too much when `in_flight` were under way, itself included."""
        if epoch == self.epoch:
            self._limit = max(1.0, min(self._limit, in_flight) * _CUT)
            self.epoch += 1
