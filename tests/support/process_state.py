"""What belongs to the process and not to a test: its signal handlers, its environment and its working directory."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

LIBRARIES = ("PYTEST_", "RAY_", "VLLM_", "TORCH", "KMP_", "OMP_", "HF_", "TOKENIZERS_", "PYTORCH_")
"""How variables begin that libraries set for themselves, once they are imported or started, and read again later."""


@dataclass(frozen=True)
class ProcessState:
    """The state at one moment."""

    handlers: dict[signal.Signals, Any]
    environment: dict[str, str]
    folder: str

    @staticmethod
    def now() -> "ProcessState":
        """What it is."""
        handlers = {number: signal.getsignal(number) for number in signal.Signals}
        environment = {name: value for name, value in os.environ.items() if not name.startswith(LIBRARIES)}
        return ProcessState(handlers, environment, _folder())

    def put_back(self) -> "Changes":
        """Makes the state again what it was; returns what differed, one phrase each."""
        now = ProcessState.now()
        changes = Changes([], [])
        for number, handler in self.handlers.items():
            if now.handlers[number] is not handler and now.handlers[number] != handler:
                changes.refused.append(f"the handler of {number.name} is {now.handlers[number]}, not {handler}")
                if handler is not None:  # one that no Python code set
                    signal.signal(number, handler)
        if now.folder != self.folder:
            changes.refused.append(f"the working directory is {now.folder or 'gone'}, not {self.folder}")
            os.chdir(self.folder)
        for name in sorted(self.environment.keys() | now.environment.keys()):
            before, after = self.environment.get(name), now.environment.get(name)
            if before != after:
                what = "set" if before is None else "removed" if after is None else "changed"
                changes.told.append(f"the variable {name} was {what}")
                if before is None:
                    del os.environ[name]
                else:
                    os.environ[name] = before
        return changes


class Changes(NamedTuple):
    """What was put back."""

    refused: list[str]
    """What no test has to change."""
    told: list[str]
    """What vLLM and others change for processes of their own, as they start."""


def _folder() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return ""
