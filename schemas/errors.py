"""Every error that ends a command, with its exit code and what to do about it; docs/errors.md says the same to users.

What a room raises for its callers to handle is defined in that room; what may come as far as the command line, here.
The text of each is one sentence or two: what was wrong, where, and what to do.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command ends with. An error that is none of these shows its traceback and ends with 1: a bug."""

    DONE = 0
    """All that was asked for is done."""
    FAILED = 1
    """Something did not work out. Finished work is kept; run the same command again once the cause is gone."""
    WRONG_USE = 2
    """The command, the recipe or what they name is wrong. The same command would fail again: put it right."""
    BUDGET_USED_UP = 3
    """`budget` is used up, and what is complete is published. Raise it and run again to go on."""
    UNFIT = 4
    """What came back cannot become the dataset: a mode that does not show, requests that fail, nothing to publish."""
    STOPPED = 130
    """By Ctrl-C, SIGTERM or a closed terminal (as shells have it after SIGINT). Run the same command again to go on."""


class UserError(Exception):
    """Something that whoever ran the command can put right, where they gave it."""

    exit_code = ExitCode.WRONG_USE


class RunFailedError(UserError):
    """The command could not finish."""

    exit_code = ExitCode.FAILED


class UnfitError(RunFailedError):
    """What engines or sources gave makes no dataset: see to the switch, server or columns that the sentence names."""

    exit_code = ExitCode.UNFIT


class DamagedError(RunFailedError):
    """A file of a run that is not as it was written.

    Args:
        path: of the file.
        what: is wrong with it, a clause such as `is empty`.
    """

    def __init__(self, path: object, what: str) -> None:
        super().__init__(str(path), what)  # so that it comes from a worker with both
        self.path, self.what = str(path), what

    def __str__(self) -> str:
        return f"{self.path} {self.what}; `hipo-data verify` says what is damaged, and the next `run` makes it again"


class StorageError(RunFailedError):
    """The storage that a run lives in refuses, or does not answer: see to keys, address or network."""


class SourceError(RunFailedError):
    """A source cannot be read, or the Hub fails for good: see to the name, the revision, the token or the network."""


class EngineRefusedError(RunFailedError):
    """Nothing will ever succeed as configured: no such model, a wrong key, a model without a chat template."""


class SandboxUnavailable(RunFailedError):
    """The isolation that was asked for cannot be had on this machine: `hipo-data doctor` says what is missing."""


class TrainingError(RunFailedError):
    """Training could not start or go on; checkpoints stay, and the same command goes on from the last one."""
