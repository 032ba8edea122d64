"""Errors that end a command with one clear sentence instead of a traceback."""

from hipo_data.schemas.errors import UserError

__all__ = ["RunFailedError", "StorageError", "UserError"]


class RunFailedError(UserError):
    """The run could not finish; what is done is kept."""

    exit_code = 1


class StorageError(RunFailedError):
    """The storage that a run lives in refuses, or does not answer."""
