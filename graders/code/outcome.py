"""What became of a program: a status, a reason, and how many of its tests passed."""

from dataclasses import dataclass
from typing import Any

from hipo_data.graders.sandbox.interface import SandboxRun
from hipo_data.graders.sandbox.run import Exceeded
from hipo_data.schemas.records import Status

TOTAL_FACTOR = 20
"""A program that passes its tests slowly may use this many times the limit of one test, in all."""
SEVERAL_ANSWERS, CHECKER_ERROR = "several_answers", "checker_error"
DOUBTS = (SEVERAL_ANSWERS, CHECKER_ERROR)
"""Why a test tells nothing: any one of several outputs is right and no checker judges them; or the checker failed."""
_SIGXCPU = -24


@dataclass
class Outcome:
    """A verdict on one program; `total` is None where the tests do not say how many they are.

    `slowest_s`: CPU seconds of its slowest test; of all its tests where they share a process.
    """

    status: Status
    reason: str
    passed: int | None = None
    total: int | None = None
    cpu_s: float = 0.0
    slowest_s: float = 0.0


@dataclass
class Tally:
    """Counts tests; `reason` is that of the first that failed, `doubt` that of the first whose failure is not certain.

    Tests after a failure are counted too, as long as the program lives and stays within the time of one test in all.
    """

    total: int
    passed: int = 0
    reason: str | None = None
    doubt: str | None = None
    cpu_s: float = 0.0
    slowest_s: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether the program can no longer be right."""
        return bool(self.reason or self.doubt)

    def spend(self, cpu_s: float) -> None:
        """CPU seconds of one more run."""
        self.cpu_s += cpu_s
        self.slowest_s = max(self.slowest_s, cpu_s)

    def count(self, reason: str | None) -> None:
        """One more test; `reason` says why it failed."""
        if reason is None:
            self.passed += 1
        elif reason in DOUBTS:
            self.doubt = self.doubt or reason
        else:
            self.reason = self.reason or reason

    def outcome(self, status: Status | None = None, reason: str = "passed") -> Outcome:
        """The verdict so far."""
        if status is None:
            status = Status.INCORRECT if self.reason else Status.UNKNOWN if self.doubt else Status.CORRECT
        return Outcome(status, self.reason or self.doubt or reason, self.passed, self.total, self.cpu_s, self.slowest_s)

    def stopped(self, stop: Exceeded) -> Outcome:
        """The verdict on a program that was stopped: a failure before that stands."""
        self.spend(stop.cpu_s)
        if self.reason is None and stop.reason == "starved":
            return self.outcome(Status.UNKNOWN, stop.reason)
        self.count(stop.reason)
        return self.outcome()


def load_reason(reply: Any) -> str:
    """The reason in a reply that says that the program, or a call of it, raised an error."""
    kind = (reply.get("load_error") or reply.get("error")) if isinstance(reply, dict) else None
    named = {"MemoryError": "memory_limit", "SyntaxError": "syntax_error", "WireError": "bad_type"}
    return named.get(str(kind), "runtime_error")


def is_last_reply(reply: Any) -> bool:
    """Whether nothing more can be expected after a reply: the program could not be loaded, or talks nonsense."""
    return not isinstance(reply, dict) or "load_error" in reply or not {"ok", "error"} & reply.keys()


def silence(run: SandboxRun) -> str:
    """Why a program stopped answering."""
    try:
        ended = run.exit()
    except Exceeded as stop:
        return stop.reason
    return "time_limit" if ended.code == _SIGXCPU else "crashed" if ended.code < 0 else "exited"
