"""One thing that was looked at, and how to look without ever waiting for long."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from hipo_data.schemas.errors import UserError
from hipo_data.schemas.without_secrets import shown_text


class State(StrEnum):
    """What a finding means."""

    OK = "ok"
    NOTE = "note"
    """Something that some runs need is not there; those that do not need it are none the worse."""
    FAILS = "FAILS"


@dataclass(frozen=True)
class Finding:
    """What was looked at, what that means, and what was seen; of what is not well also what to do."""

    name: str
    state: State
    detail: str


def ok(name: str, detail: str) -> Finding:
    """All is well."""
    return Finding(name, State.OK, detail)


def note(name: str, detail: str) -> Finding:
    """Worth knowing."""
    return Finding(name, State.NOTE, detail)


def fails(name: str, detail: str) -> Finding:
    """Has to be put right."""
    return Finding(name, State.FAILS, shown_text(detail))


class Look:
    """A look under way, in a thread that nobody waits for at the end of the process."""

    def __init__(self, name: str, look: Callable[[], list[Finding]], seconds: float) -> None:
        """Starts it.

        Args:
            name: what is looked at.
            look: finds out; a `UserError`, or one of the system, is a finding that fails.
            seconds: how long its answer is waited for.
        """
        self._name, self._look, self._seconds = name, look, seconds
        self._found: list[Finding] = []
        self._broken: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"doctor: {name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._found = self._look()
        except (UserError, OSError) as error:
            self._found = [fails(self._name, str(error))]
        except Exception as error:
            self._broken = error

    def found(self) -> list[Finding]:
        """What came of it, or that there was no answer in time. Raises what is none of its errors: a bug."""
        self._thread.join(self._seconds)
        if self._thread.is_alive():
            return [fails(self._name, f"no answer within {self._seconds:g} s")]
        if self._broken is not None:
            raise self._broken
        return self._found
