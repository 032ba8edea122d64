"""Rests an endpoint that fails again and again, then lets one request find out whether it is back."""

_FAILURES = 5
_FIRST_REST_S = 2.0
_LONGEST_REST_S = 60.0


class Circuit:
    """Closed while requests succeed; open and resting after five failures in a row; then half open for one request.

    Times are seconds of one monotonic clock. As in `Window`, requests sent before the last rest began cannot begin
    another one; a success of theirs does count, since it shows that the endpoint is there.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._rests = 0
        self._probing = False
        self.rests_until = 0.0
        self.failing_since: float | None = None
        self.epoch = 0

    @property
    def is_open(self) -> bool:
        """Whether ordinary requests are kept away."""
        return self._rests > 0

    def admits(self) -> bool:
        """Whether a request may be sent once `rests_until` has passed."""
        return not (self.is_open and self._probing)

    def sent(self) -> None:
        """A request goes out."""
        self._probing = self.is_open

    def succeeded(self) -> None:
        """The endpoint answered as it should."""
        self._failures = self._rests = 0
        self._probing = False
        self.rests_until = 0.0
        self.failing_since = None

    def failed(self, epoch: int, now: float) -> None:
        """A request of `epoch` failed through the endpoint's fault."""
        if epoch != self.epoch:
            return
        if self.failing_since is None:
            self.failing_since = now
        self._failures += 1
        if self.is_open or self._failures >= _FAILURES:
            self.rest(now)

    def rest(self, now: float) -> None:
        """Opens, each time in a row for twice as long."""
        self.failing_since = now if self.failing_since is None else self.failing_since
        self.rests_until = now + min(_LONGEST_REST_S, _FIRST_REST_S * 2**self._rests)
        self._rests += 1
        self._probing = False
        self.epoch += 1

    def unknown(self, epoch: int) -> None:
        """A request of `epoch` ended without telling anything about the endpoint."""
        if epoch == self.epoch:
            self._probing = False
