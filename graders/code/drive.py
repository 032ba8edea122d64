"""Runs the gold's own test code in one sandbox and the candidate in another, and carries calls between them."""

import secrets
import time
from typing import Any

from hipo_data.graders.code.outcome import TOTAL_FACTOR, Outcome, load_reason, silence
from hipo_data.graders.code.plan import Driven
from hipo_data.graders.inside import wire
from hipo_data.graders.sandbox.interface import Sandbox, SandboxRun
from hipo_data.graders.sandbox.run import Exceeded, Limits, SandboxBroken
from hipo_data.schemas.records import Status

_REASONS = {"failed": "wrong_result", "error": "runtime_error"}
_ENDED = {"error": "CandidateError", "text": "the program has ended"}


def drive(box: Sandbox, limits: Limits, planned: Driven, program: str) -> Outcome:
    """The outcome of `program` under tests that are more than calls and literals. Raises `SandboxBroken`."""
    setup = planned.job["setup"]
    with box.for_tests.run(limits) as driver, box.run(limits) as run:
        driver.send(planned.job)
        candidate = _Candidate(run, {"setup": setup, "tested": planned.tested, "code": program})
        reason: str | None = None
        started = time.monotonic()
        while True:
            spent = time.monotonic() - started
            if reason is not None and spent > limits.cpu_s:
                return Outcome(Status.INCORRECT, reason, None, None, candidate.cpu_s)
            if spent > TOTAL_FACTOR * limits.cpu_s and candidate.cpu_s > TOTAL_FACTOR * limits.cpu_s:
                return Outcome(Status.UNKNOWN, "too_long", None, None, candidate.cpu_s)
            try:
                message = _from_driver(driver)
            except SandboxBroken:
                # Tests that go on after a failure may run into anything; the failure stands.
                if reason is None:
                    raise
                return Outcome(Status.INCORRECT, reason, None, None, candidate.cpu_s)
            if "request" in message:
                driver.send(candidate.ask(message["request"]))
                if candidate.ended == "starved" and reason is None:
                    return Outcome(Status.UNKNOWN, "starved", None, None, candidate.cpu_s)
            elif "outcome" in message:
                return _outcome(message, reason, candidate)
            if reason is None and (candidate.ended or "failed" in message):
                reason, started = candidate.ended or _REASONS[message["failed"]], time.monotonic()


class _Candidate:
    """The candidate's run. Once it has ended, each further call is an error, so that the tests can be counted."""

    def __init__(self, run: SandboxRun, program: dict[str, Any]) -> None:
        self.ended: str | None = None
        self._run, self._nonce, self._index = run, secrets.token_hex(8), 0
        self._stopped_s = 0.0
        run.send({"mode": "serve", "nonce": self._nonce, **program})

    @property
    def cpu_s(self) -> float:
        """CPU seconds used so far."""
        return self._stopped_s or self._run.spent()

    def ask(self, request: Any) -> dict[str, Any]:
        """The reply that the driver is to get."""
        if self.ended:
            return _ENDED
        try:
            self._run.send({"requests": [request]})
            reply = self._run.receive()
        except Exceeded as stop:
            self.ended, self._stopped_s = stop.reason, stop.cpu_s
            self._run.kill()
        except (EOFError, ConnectionError):
            self.ended = silence(self._run)
        except (wire.WireError, RecursionError):
            self.ended = "bad_reply"
        else:
            if not isinstance(reply, dict) or "load_error" in reply:
                self.ended = load_reason(reply)
            elif reply.get("i") != self._index or reply.get("nonce") != self._nonce:
                self.ended = "bad_reply"
            else:
                self._index += 1
                return {key: reply[key] for key in ("ok", "error", "text", "after") if key in reply}
        return _ENDED


def _from_driver(driver: SandboxRun) -> Any:
    try:
        return driver.receive()
    except Exceeded as stop:
        # The tests themselves take too long: that says nothing of the candidate, which is waiting for a call.
        raise SandboxBroken(f"the tests exceeded their {stop.reason}") from stop
    except (EOFError, OSError, wire.WireError) as error:
        raise SandboxBroken(f"the test driver ended: {error!r}") from error


def _outcome(message: Any, reason: str | None, candidate: _Candidate) -> Outcome:
    passed, total, outcome = message["passed"], message["total"], message["outcome"]
    if outcome == "broken" and reason is None:
        return Outcome(Status.UNKNOWN, "bad_tests", None, None, candidate.cpu_s)
    if outcome != "passed" and reason is None:
        reason = _REASONS[outcome]
    if reason is not None:
        return Outcome(Status.INCORRECT, reason, passed, total, candidate.cpu_s)
    return Outcome(Status.CORRECT, "passed", passed, total, candidate.cpu_s, candidate.cpu_s)
