"""How long to wait between attempts, by what went wrong; tenacity keeps the loop."""

from collections.abc import Callable

import tenacity

from hipo_data.engines.clock import Clock
from hipo_data.engines.endpoint_failure import EndpointFailure, Kind

_BACK_OFF: dict[Kind, Callable[[tenacity.RetryCallState], float]] = {
    Kind.THROTTLED: tenacity.wait_random_exponential(multiplier=1, max=60),
    Kind.OVERLOADED: tenacity.wait_random_exponential(multiplier=1, max=60),
    Kind.BROKEN: tenacity.wait_random_exponential(multiplier=0.5, max=10),
    Kind.INCONCLUSIVE: tenacity.wait_random_exponential(multiplier=0.5, max=10),
    Kind.UNREACHABLE: tenacity.wait_random_exponential(multiplier=0.5, max=10),
}


REDIRECTED_TRIES = 3
"""In a row, of an endpoint that has served nothing yet: one may be a balancer's doing, so many are a wrong address."""
INCONCLUSIVE_TRIES = 2
"""Attempts at a request whose reply tells nothing: once may be chance, twice is how the server or its model is."""


def back_off(state: tenacity.RetryCallState) -> float:
    """Seconds until the next attempt, at random; none where the endpoint asks for a pause, which its pool keeps."""
    failure = _failure(state)
    return 0.0 if failure.pause_s or failure.kind not in _BACK_OFF else _BACK_OFF[failure.kind](state)


def patiently(clock: Clock, max_attempts: int) -> tenacity.AsyncRetrying:
    """Repeats what may pass, for calls outside of a pool; the last failure is raised. Use a copy for each call."""
    return tenacity.AsyncRetrying(
        sleep=clock.sleep,
        stop=lambda state: state.attempt_number >= _tries(_failure(state), max_attempts),
        wait=lambda state: max(back_off(state), _failure(state).pause_s or 0.0),
        retry=tenacity.retry_if_exception(
            lambda error: isinstance(error, EndpointFailure) and (error.kind.may_pass or error.is_redirect)
        ),
        reraise=True,
    )


def _tries(failure: EndpointFailure, most: int) -> int:
    return min(REDIRECTED_TRIES, most) if failure.is_redirect else most


def _failure(state: tenacity.RetryCallState) -> EndpointFailure:
    failure = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(failure, EndpointFailure)
    return failure
