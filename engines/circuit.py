"""Rests an endpoint that fails again and again, unless it is only certain prompts that fail there."""

from collections import Counter

_FAILURES = 5
_FIRST_REST_S = 2.0
_LONGEST_REST_S = 60.0


class Circuit:
    """Closed while requests succeed; open after five failures in a row, when one trial at a time finds out more.

    A trial is a request of no prompt of the run. The first one comes at once: where it passes, the endpoint is there
    and the prompts that failed are to blame. Where it fails, the endpoint is, and rests until the next one.

    A prompt that failed while others passed is a suspect until it passes as well. Failures of suspects count for
    themselves and never towards a rest, so that those left at the end of a run, when nothing passes any more, do not
    take an endpoint for down.

    Times are seconds of one monotonic clock. As in `Window`, requests sent before the circuit opened or the last rest
    began cannot begin another one; a success of theirs does count, since it shows that the endpoint is there.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._rests = 0
        self._probing = False
        self._failing: Counter[int] = Counter()
        """Failures since something passed, by prompt."""
        self._suspects: dict[int, int] = {}
        """Failures by prompt, of those that failed while others passed."""
        self.is_open = False
        """Whether ordinary requests are kept away."""
        self.rests_until = 0.0
        self.failing_since: float | None = None
        self.epoch = 0

    def admits(self) -> bool:
        """Whether a request may be sent once `rests_until` has passed."""
        return not (self.is_open and self._probing)

    def sent(self) -> None:
        """A request goes out."""
        self._probing = self.is_open

    def suspicion(self, prompt: int) -> int:
        """How often a prompt failed while others passed; 0 for one that is no suspect."""
        return self._suspects.get(prompt, 0)

    def succeeded(self, prompt: int | None = None) -> None:
        """The endpoint answered as it should, to a prompt that passed or else to a trial or in another way."""
        if self._failing:
            if not self._rests:  # else the endpoint itself was down
                for each, failures in self._failing.items():
                    self._suspects[each] = self._suspects.get(each, 0) + failures
            self._failing.clear()
        if prompt is not None:
            self._suspects.pop(prompt, None)
        self._failures = self._rests = 0
        self.is_open = self._probing = False
        self.rests_until = 0.0
        self.failing_since = None

    def failed(self, epoch: int, now: float, prompt: int | None = None) -> None:
        """A request of `epoch` failed through the fault of the endpoint or of its prompt.

        Args:
            epoch: when it was sent.
            now: in seconds.
            prompt: null for a trial, and for a request that never got as far as the endpoint.
        """
        if prompt is not None:
            if prompt in self._suspects:
                self._suspects[prompt] += 1
                return
            self._failing[prompt] += 1
        if epoch != self.epoch:
            return
        if self.failing_since is None:
            self.failing_since = now
        self._failures += 1
        if self.is_open:
            self.rest(now)
        elif self._failures >= _FAILURES:
            self.is_open = True
            self.epoch += 1

    def rest(self, now: float) -> None:
        """Keeps all requests away, each time in a row for twice as long."""
        self.failing_since = now if self.failing_since is None else self.failing_since
        self.rests_until = now + min(_LONGEST_REST_S, _FIRST_REST_S * 2**self._rests)
        self._rests += 1
        self.is_open = True
        self._probing = False
        self.epoch += 1

    def unknown(self, epoch: int) -> None:
        """A request of `epoch` ended without telling anything about the endpoint."""
        if epoch == self.epoch:
            self._probing = False
