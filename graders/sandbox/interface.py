"""What a sandbox is to those who judge programs, wherever it runs them."""

from contextlib import AbstractContextManager
from typing import Any, Protocol

from hipo_data.graders.sandbox.run import Exit, Limits


class SandboxRun(Protocol):
    """One run: send it its job, then read replies or its exit. See `graders.sandbox.run.Run`."""

    @property
    def cpu_s(self) -> float:
        """CPU seconds that the run had used when it was last looked at."""

    def send(self, message: Any, tail: bytes = b"") -> None:
        """Sends a message to the program."""

    def receive(self) -> Any:
        """The program's next message. Raises `EOFError`, `wire.WireError`, `Exceeded` or `SandboxBroken`."""

    def exit(self) -> Exit:
        """Waits for the program to end. Raises `Exceeded` or `SandboxBroken`."""

    def last_words(self) -> Any:
        """A message that an ended program had sent, or None."""

    def spent(self) -> float:
        """CPU seconds that the run has used so far."""

    def kill(self) -> None:
        """Ends everything in the run."""


class Sandbox(Protocol):
    """Runs programs one after another. Not thread-safe."""

    @property
    def isolated(self) -> bool:
        """Whether runs have a file system of their own."""

    @property
    def for_tests(self) -> "Sandbox":
        """Where the gold's own test code runs: beside this process, because it talks to the program at each call."""

    def start(self) -> None:
        """Makes it ready. Raises `SandboxUnavailable`."""

    def run(self, limits: Limits) -> AbstractContextManager[SandboxRun]:
        """A fresh run, ended with everything in it when the context closes. Raises `SandboxBroken`."""

    def close(self) -> None:
        """Ends it."""
