"""A time from which on no further long test is begun, so that CI, which has an hour, tells what it found."""

import os
import time
from collections.abc import Sequence
from typing import Any

VARIABLE = "HIPO_DATA_LONG_TESTS_UNTIL"
"""Seconds since 1970; without it, all are run."""
REASON = f"no time is left for it ({VARIABLE})"


def is_set() -> bool:
    """Whether there is one."""
    return VARIABLE in os.environ


def is_over() -> bool:
    """Whether it has come."""
    return time.time() > float(os.environ.get(VARIABLE, "inf"))


def left_out(skipped: Sequence[Any]) -> str:
    """How many of the reports of skipped tests are of such, in a sentence; nothing where none is."""
    count = sum(REASON in str(report.longrepr) for report in skipped)
    return f"{count} long tests were NOT RUN, as time was up; `make test-rest` runs them" if count else ""
