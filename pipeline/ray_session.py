"""The Ray that tasks run on: joined or started, watched while it is needed, and let go."""

import logging
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from hipo_data.pipeline import local_ray
from hipo_data.pipeline.stop_signals import asked_by, handlers_kept
from hipo_data.schemas.config import RayConfig, RunConfig
from hipo_data.schemas.errors import RunFailedError
from hipo_data.schemas.without_secrets import shown_text, shown_url

_LOOK_EVERY_S = 1.0
_STARTS = 3
_TOO_SLOW = "timed out during startup"
"""What Ray says of a node that needs more than its fixed 30 s, as it does on a machine that is busy with other work."""
_LOG = logging.getLogger(__name__)


@contextmanager
def connected(config: RunConfig) -> Iterator[None]:
    """The configured cluster, or the one in RAY_ADDRESS, or a local one, until the context is left.

    Raises `RunFailedError` where the cluster does not answer, or a local one dies meanwhile, and `UserError` for a
    local one too small to finish.
    """
    import ray

    address = address_of(config.ray)
    try:
        _connect(address, config)
        with _watched({} if address else local_ray.own_node()):
            yield
    finally:
        ray.shutdown()


def address_of(config: RayConfig) -> str | None:
    """Of the cluster to join; null for a Ray of this process alone."""
    return config.address or os.environ.get("RAY_ADDRESS")


def _connect(address: str | None, config: RunConfig) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    cluster = {"address": address} if address else local_ray.arguments(config)
    verbose = _LOG.isEnabledFor(logging.DEBUG)  # whoever wants to see all sees what workers say, too
    for left in reversed(range(1 if address else _STARTS)):
        try:
            with handlers_kept(), _deaf_to_hangups(), local_ray.bare(show_logs=verbose):
                ray.init(**cluster, log_to_driver=verbose, logging_level=logging.ERROR, ignore_reinit_error=True)
            break
        except Exception as error:
            if not left or _TOO_SLOW not in str(error):
                where = f"join the Ray cluster at {shown_url(address)}" if address else "start a local Ray"
                raise RunFailedError(f"could not {where}: {shown_text(str(error))}") from error
            local_ray.end_what_started()
    _LOG.debug("Ray %s, %s", ray.__version__, f"joined at {shown_url(address)}" if address else "started here")


@contextmanager
def _deaf_to_hangups() -> Iterator[None]:
    """Processes that start meanwhile never see a SIGHUP, as Ray does it with SIGINT: a terminal that is closed sends it
    to all of them, and the driver needs them to stop in good order. This process takes its own afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _watched(node: Mapping[str, int]) -> Iterator[None]:
    """Interrupts the main thread once one of the processes ends: a driver whose raylet is dead would wait for ever, and
    one whose GCS is dead is aborted by Ray a minute later."""
    main = threading.main_thread().ident or 0
    leaving = threading.Event()
    lost: list[str] = []

    def look() -> None:
        while not leaving.wait(_LOOK_EVERY_S):
            if found := local_ray.ended(node):
                if asked_by() is None:  # a batch system asks all processes of a job at once
                    lost.append(found)
                    signal.pthread_kill(main, signal.SIGINT)
                return

    watching = threading.Thread(target=look, name="ray-watch", daemon=True)
    watching.start()
    try:
        yield
    except KeyboardInterrupt as error:
        if lost:
            raise _lost(lost[0]) from error
        raise
    except Exception as error:
        if found := local_ray.ended(node):
            raise _lost(found) from error
        raise
    finally:
        leaving.set()
        watching.join()


def _lost(name: str) -> RunFailedError:
    return RunFailedError(
        f"the local Ray died: its process {name} ended, most often because the machine was out of memory (the system's "
        "log has it then); finished work is kept, run the same command again to go on"
    )
