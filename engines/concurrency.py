"""How many requests an endpoint takes at once: additive increase, multiplicative decrease (Chiu and Jain, 1989).

By how much it decreases depends on the share of requests that are refused, as in DCTCP (Alizadeh et al., 2010).
"""

_CUT = 0.5
_WEIGHT = 1 / 32
"""Of the last request in the share of refused ones."""
_BY_CHANCE = 0.1
"""Share of refused requests up to which nothing is cut."""
_ALL_OF_IT = 0.5
"""Share from which a cut is one to half."""
_TELLING = 0.25
"""Part of the way to half from which on only requests sent after a cut let the window grow."""
_ROUNDS_TO_GROW = 64
"""Rounds of undisturbed requests that lead from one request in flight to the upper bound."""


class Window:
    """A limit between 1 and `upper`, where it starts: an endpoint that takes everything is never slowed down.

    Every request belongs to the epoch that it was sent in. What was sent before the last cut says nothing about the
    window since, so a burst of a hundred refusals cuts once, though by more the longer it is: down to half of what was
    in flight. Where one in ten or fewer is refused, nothing is cut: an endpoint that refuses some at random, whatever
    its load, would not refuse fewer if fewer were sent.
    """

    def __init__(self, upper: int) -> None:
        self._upper = upper
        self._limit = float(upper)
        self._step = max(1.0, upper / _ROUNDS_TO_GROW)
        self._refused = 0.0
        """Share of refused requests, the latest ones counting most."""
        self._cut_from = (0.0, 0.0)
        """The limit at the last cut, and what half of the requests in flight was then."""
        self._grows_from = 0
        """The epoch after the last cut that was more than nearly nothing."""
        self.epoch = 0

    @property
    def limit(self) -> int:
        """Requests that may be in flight."""
        return int(self._limit)

    def succeeded(self, epoch: int) -> None:
        """A request of `epoch` was served; a whole window of these adds one step."""
        self._refused -= self._refused * _WEIGHT
        if epoch >= self._grows_from and self._limit < self._upper:
            self._limit = min(self._upper, self._limit + self._step / self._limit)

    def overloaded(self, epoch: int, in_flight: int) -> None:
        """A request of `epoch` was too much when `in_flight` were under way, itself included."""
        share = self._refused
        self._refused += (1 - share) * _WEIGHT
        if epoch == self.epoch:
            self._cut_from = self._limit, min(self._limit, in_flight) * _CUT
            self.epoch += 1
        if epoch == self.epoch - 1:
            weight = min(1.0, max(0.0, share - _BY_CHANCE) / (_ALL_OF_IT - _BY_CHANCE))
            limit, least = self._cut_from
            if weight >= _TELLING:
                self._grows_from = self.epoch
            self._limit = max(1.0, min(self._limit, limit + (least - limit) * weight))
