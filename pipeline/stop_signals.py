"""Signals that ask a command to end: Ctrl-C, a batch system's SIGTERM, a lost terminal's SIGHUP.

The first one ends the command in good order, a second one ends that as well; further ones change nothing. Each raises
`KeyboardInterrupt` in the main thread.
"""

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_ASKS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_MOST = 2


class _Asked:
    """What this process was asked."""

    by: signal.Signals | None = None
    """The first of them."""
    times = 0
    is_closing = False
    is_terminal_gone = False

    @classmethod
    def take(cls, number: int) -> None:
        """One came."""
        cls.by = cls.by or signal.Signals(number)
        cls.times += 1


@contextmanager
def heeded() -> Iterator[None]:
    """Meanwhile such a signal raises `KeyboardInterrupt` in the main thread of this process.

    SIGINT may arrive ignored, from a shell that put this in the background; an ignored SIGHUP stays so (nohup).
    """
    process = os.getpid()
    before = {number: signal.getsignal(number) for number in _ASKS}

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:  # a fork of this one, whose parent ends it as any other
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if number == signal.SIGHUP:
            if _Asked.is_terminal_gone:  # told by a write that failed, and by the system as well
                return
            _Asked.is_terminal_gone = True
            _write_nowhere()
        _Asked.take(number)
        if _Asked.times <= _MOST and not _Asked.is_closing:
            raise KeyboardInterrupt

    for number in _ASKS:
        if number != signal.SIGHUP or before[number] is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        _put_back(before)


def asked_by() -> str | None:
    """The name of the first such signal that came."""
    return _Asked.by.name if _Asked.by else None


@contextmanager
def undisturbed() -> Iterator[None]:
    """For what takes a moment at the very end and has to be whole: signals that come meanwhile raise nothing."""
    before, _Asked.is_closing = _Asked.is_closing, True
    try:
        yield
    finally:
        _Asked.is_closing = before


@contextmanager
def handlers_kept() -> Iterator[None]:
    """The handlers are afterwards what they were, although a library replaces that of SIGTERM by one that exits.

    A SIGTERM that came meanwhile is a `KeyboardInterrupt` all the same.
    """
    before = {number: signal.getsignal(number) for number in _ASKS}
    try:
        yield
        _put_back(before)  # already here, where what the library's handler raises is still caught
    except SystemExit as error:
        _Asked.take(signal.SIGTERM)
        raise KeyboardInterrupt from error
    finally:
        _put_back(before)


def _put_back(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None:  # one that no Python code set
            signal.signal(number, handler)


def _write_nowhere() -> None:
    """What goes to a terminal that is gone, or to a program beside it, would fail; a file stays what it is."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        if not stat.S_ISREG(os.fstat(stream).st_mode):
            os.dup2(nowhere, stream)
    os.close(nowhere)
