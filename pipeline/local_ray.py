"""The Ray of one driver on its own machine: its arguments, and its processes, which are children of the driver."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from math import ceil
from pathlib import Path
from types import ModuleType
from typing import Any

from hipo_data.pipeline.ray_options import cpus_needed
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.errors import UserError

_OBJECT_STORE_BYTES = 100 * 2**20  # tables never pass through Ray; Ray's own minimum is 75 MiB
_OF_A_NODE = ("raylet", "gcs_server")
"""Names of the processes without which a local Ray neither works nor says so."""
_NODE_S, _LOOK_S = 5.0, 0.02
"""Of waiting for a node that starts, and between looks for it."""


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
def bare(*, show_logs: bool = False) -> Iterator[None]:
    """A local Ray that starts meanwhile starts without what nobody asks of it, in a third of the time.

    Without a dashboard Ray still starts that dashboard's servers, an autoscaler and a reader of logs, waits for them
    (for seconds where another Ray on this machine has their port), and then looks for its own node once a second.

    Args:
        show_logs: whether what workers print is to be shown here.
    """
    from ray._private import parameter, services, utils

    started: Any = partial(parameter.RayParams, no_monitor=True, include_log_monitor=show_logs)  # type: ignore[arg-type]
    with ExitStack() as stack:
        stack.enter_context(_replaced(parameter, "RayParams", started))
        stack.enter_context(_replaced(services, "start_api_server", lambda *_, **__: (None, None)))
        stack.enter_context(_replaced(services, "get_node", partial(_node, services.get_node)))
        # Its agents on each node go without the dashboard's packages, as where these are not installed.
        stack.enter_context(_replaced(utils, "get_dashboard_dependency_error", lambda: ImportError("not needed")))
        yield


@contextmanager
def _replaced(module: ModuleType, name: str, by: object) -> Iterator[None]:
    """Ray has no options for these; another Ray may name them another way, and then takes its time."""
    if (was := getattr(module, name, None)) is None:
        yield
        return
    setattr(module, name, by)
    try:
        yield
    finally:
        setattr(module, name, was)


def _node(get_node: Callable[[str, str], dict[str, Any]], gcs_address: str, node_id: str) -> dict[str, Any]:
    """What `get_node` says, once the node is known or has had the time that it gives a node: its own looks are a second
    apart."""
    from ray._private import services, state

    known: Any = state.GlobalState()  # type: ignore[no-untyped-call]
    known._initialize_global_state(services._get_gcs_client_options(gcs_address))  # type: ignore[no-untyped-call]
    until = time.monotonic() + _NODE_S
    while time.monotonic() < until and not any(node["NodeID"] == node_id for node in known.node_table()):
        time.sleep(_LOOK_S)
    return get_node(gcs_address, node_id)


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


def _runs(child: int) -> bool:
    try:
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:  # it ended, and somebody took note
        return False
