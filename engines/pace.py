"""A limit of so much a minute, spread evenly: the generic cell rate algorithm (ITU-T I.371) with a debt.

Anything may start as soon as all that went before is paid for, however large it is itself, so a request that needs more
than a minute's worth waits no longer than others, and those behind it pay.
"""

_TOLERANCE_S = 1.0
"""Unused time that may be made up for: without it, every late wake-up of the event loop would lower the rate."""


class Pace:
    """At most `per_minute` and one second's worth more in any minute, but for what the last request overdraws."""

    def __init__(self, per_minute: float) -> None:
        self._seconds_each = 60.0 / per_minute
        self._paid_at = 0.0
        """When all that has been taken is paid for."""

    def free_at(self) -> float:
        """When the next may start, in seconds of the clock that `take` is given."""
        return self._paid_at

    def take(self, amount: float, now: float) -> None:
        """Uses `amount`."""
        self._paid_at = max(self._paid_at, now - _TOLERANCE_S) + amount * self._seconds_each

    def give_back(self, amount: float) -> None:
        """Corrects an earlier `take` that turned out too large, or too small where `amount` is negative."""
        self._paid_at -= amount * self._seconds_each
