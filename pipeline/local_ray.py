"""The Ray of one driver on its own machine: its arguments, and its processes, which are children of the driver."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

from hipo_data.pipeline.ray_options import cpus_needed
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.errors import UserError

_OBJECT_STORE_BYTES = 100 * 2**20  # tables never pass through Ray; Ray's own minimum is 75 MiB
_OF_A_NODE = ("raylet", "gcs_server")
"""Names of the processes without which a local Ray neither works nor says so."""
_LOOKS_FOR_THE_DASHBOARD = "get_dashboard_dependency_error"
_AUTOSCALER = b"/monitor.py"


def arguments(config: RunConfig) -> dict[str, Any]:
    """Of `ray.init`. Raises `UserError` for a Ray that is too small to finish."""
    return {
        "address": "local",  # otherwise a cluster that happens to run on this machine would be joined
        "num_cpus": _cpus(config),
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
    }


def _cpus(config: RunConfig) -> int:
    needed = ceil(cpus_needed(config))
    given = config.ray.local_cpus
    if given is not None and given < needed:
        raise UserError(
            f"ray.local_cpus is {given}, but the engines and one task beside them ask for {needed}; "
            "raise it, or lower engines.*.resources.num_cpus"
        )
    return given or max(os.cpu_count() or 1, needed)


@contextmanager
def bare() -> Iterator[None]:
    """A local Ray that starts meanwhile starts without what nobody asks of it, in half of the time.

    Without a dashboard Ray still starts that dashboard's servers on each node, and waits for them: for seconds where
    another Ray on this machine has their port. Where the dashboard is not installed, Ray does without. And its
    autoscaler takes a second to end, so it is ended at once.
    """
    from ray._private import utils

    looks = getattr(utils, _LOOKS_FOR_THE_DASHBOARD, None)
    if looks is not None:  # another Ray may look another way, and then takes its time
        setattr(utils, _LOOKS_FOR_THE_DASHBOARD, lambda: ImportError("not needed"))
    try:
        yield
    finally:
        if looks is not None:
            setattr(utils, _LOOKS_FOR_THE_DASHBOARD, looks)
    for process in _children():
        if any(part.endswith(_AUTOSCALER) for part in _words(process)):
            _end(process)


def own_node() -> dict[str, int]:
    """Processes without which it does not work, as ids by name."""
    named = {_name(process): process for process in _children()}
    return {name: named[name] for name in _OF_A_NODE if name in named}


def ended(node: Mapping[str, int]) -> str | None:
    """The name of the first of these children that has ended."""
    return next((name for name, process in node.items() if not _runs(process)), None)


def end_what_started() -> None:
    """Ends the half of a local Ray that is there, without which its other processes end too."""
    while started := own_node():
        for process in started.values():
            _end(process)


def _end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _children() -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if (after := _after_name(folder)) and int(after.split()[1]) == os.getpid():
            found.append(int(folder.name))
    return found


def _after_name(folder: Path) -> str:
    """What `stat` of a process says after its name, which may hold any character: state, parent …"""
    return _stat(folder).rpartition(")")[2]


def _name(process: int) -> str:
    return _stat(Path("/proc") / str(process)).partition("(")[2].rpartition(")")[0]


def _stat(folder: Path) -> str:
    try:
        return (folder / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return ""


def _words(process: int) -> list[bytes]:
    """Of its command line; none of a process that has ended."""
    try:
        return (Path("/proc") / str(process) / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def _runs(child: int) -> bool:
    try:
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:  # it ended, and somebody took note
        return False
