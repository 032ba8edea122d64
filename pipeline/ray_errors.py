"""Errors that come back from workers, as Ray hands them out."""

from typing import TypeVar

E = TypeVar("E", bound=BaseException)


def cause_of(error: E) -> E:
    """What was raised in the worker; Ray hands out a copy of its class that lacks its attributes."""
    cause = getattr(error, "cause", None)
    return cause if cause is not None and isinstance(error, type(cause)) else error


def plain(error: BaseException) -> str:
    """The error's own last words, without Ray's traceback."""
    from ray.exceptions import RayActorError

    error = cause_of(error)
    if isinstance(error, RayActorError):
        return "its process ended unexpectedly"
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{lines[-1].strip()}" if lines else type(error).__name__
