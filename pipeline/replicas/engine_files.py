"""An engine's own files: its log and its prompts in flight, on its machine's disk where the run is elsewhere."""

import logging
from pathlib import Path

from hipo_data.pipeline.replicas.in_flight_file import read_in_flight
from hipo_data.pipeline.store.files import put_bytes
from hipo_data.pipeline.store.run_path import RunPath, scratch

_LOG = logging.getLogger(__name__)
_ANSWER_S = 30.0


def keep_log(log: RunPath) -> None:
    """Copies an engine's log from this machine to where its run lives; on a disk it is there already."""
    if isinstance(log, Path) or not scratch(log).exists():
        return
    try:
        put_bytes(log, scratch(log).read_bytes())
    except Exception as error:  # a log is not worth a run, or an engine's own error
        _LOG.warning("%s could not be written: %s", log, error)


def left_in_flight(machine: str, log: RunPath, in_flight: RunPath | None) -> set[str]:
    """The prompts that a dead engine had in flight, none where that cannot be known any more; its log is kept.

    Args:
        machine: Ray's id of where it ran; empty if it never said. A machine that is gone says nothing: that it went is
            no prompt's doing.
        log, in_flight: the engine's files, as the run names them.
    """
    if isinstance(log, Path):
        return _read(log, in_flight)
    if not machine:
        return set()
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    there = NodeAffinitySchedulingStrategy(machine, soft=False)
    asked = ray.remote(_read).options(num_cpus=0, scheduling_strategy=there).remote(log, in_flight)
    try:
        found: set[str] = ray.get(asked, timeout=_ANSWER_S)
    except ray.exceptions.RayError as error:
        _LOG.warning("the machine of a dead engine does not answer: %s", error)
        return set()
    return found


def _read(log: RunPath, in_flight: RunPath | None) -> set[str]:
    keep_log(log)
    return read_in_flight(scratch(in_flight)) if in_flight else set()
