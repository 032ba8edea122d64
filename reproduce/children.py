"""Processes that end with the command that started them, however that ends: none goes on training for nobody."""

import ctypes
import signal

_PDEATHSIG = 1


def end_with_parent() -> None:
    """Asks the kernel for a SIGTERM to this process once the thread that started it is gone; Linux alone has that."""
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGTERM)
