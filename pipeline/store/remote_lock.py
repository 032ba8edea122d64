"""One driver a run in storage: a lock object that is only ever replaced on condition.

Who makes the object (`If-None-Match: *`), or replaces the version that was read (`If-Match`), has it; of several that
try, the storage lets one through. The holder replaces it every few seconds. Whoever finds it held watches it: once it
changes the holder is alive; while it does not, for a minute in which the storage answered, the holder is gone. Two
clocks are never compared. A holder of this machine whose process is gone is recognised at once.

A holder that was stopped for a minute and wakes up finds the lock taken at its next beat, and stops. What it wrote in
between is whole all the same: files appear whole, and a piece of work that two drivers do comes out the same.
"""

import json
import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsspec.asyn import sync
from upath import UPath

from hipo_data.pipeline.store.remote import impatient, in_words
from hipo_data.schemas.errors import UserError

_LOG = logging.getLogger(__name__)
BEAT_S = 5.0
STALE_S = 60.0
_LOST = (404, 409, 412)
"""What a condition that does not hold is answered with; 409 while another such request is under way."""
_NONE = {"IfNoneMatch": "*"}
_FREE: dict[str, Any] = {"owner": None}


class _ConditionError(Exception):
    """Somebody else was quicker."""


@dataclass(frozen=True)
class _Seen:
    """The lock object as it was read."""

    etag: str
    record: dict[str, Any]


class RemoteLock:
    """The lock of one driver, with a thread that keeps it.

    Args:
        path: the lock object.
        lost: called in that thread once somebody else has it.
        beat_s, stale_s: seconds between two beats, and without one after which the holder counts as gone.
    """

    def __init__(self, path: UPath, lost: Callable[[], None], beat_s: float, stale_s: float) -> None:
        self._path = path
        self._once = impatient(path)
        self._lost = lost
        self._beat_s, self._stale_s = beat_s, stale_s
        self._owner = {"owner": uuid.uuid4().hex, "host": socket.gethostname(), **_process()}
        self._etag = ""
        self._beats = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="run-lock", daemon=True)
        self.is_lost = False

    def acquire(self, say: Callable[[str], None] = lambda text: None) -> None:
        """Takes the lock, waiting while it is unclear whether its holder lives; `say` tells people so.

        Raises `UserError` where a driver is at work, or where the storage does not keep to conditions.
        """
        try:
            self._etag = self._put(self._record(), _NONE)
        except _ConditionError:
            self._take_over(say)
        self._check_conditions()
        self._thread.start()

    def release(self) -> None:
        """Lets go. A storage that fails now is left with a lock that turns stale."""
        self._closing.set()
        self._thread.join()
        if self.is_lost:
            return
        try:
            self._put(_FREE, {"IfMatch": self._etag}, once=True)
        except _ConditionError:
            self.is_lost = True
        except Exception as error:
            if in_words(error) is None:
                raise
            _LOG.warning("%s was not released: %s", self._path, error)

    def _take_over(self, say: Callable[[str], None]) -> None:
        said = False
        watched: _Seen | None = None
        quiet_s, last = 0.0, time.monotonic()
        while True:
            seen = self._read()
            now = time.monotonic()
            if seen is not None and seen.record.get("owner") == self._owner["owner"]:
                self._etag = seen.etag  # the answer to our own request was lost
                return
            if watched is not None and seen is not None and seen.etag == watched.etag:
                quiet_s += min(now - last, 2 * self._beat_s)  # while the storage was away nobody could beat
            elif watched is not None and seen is not None and seen.record.get("owner"):
                raise UserError(
                    f"another hipo-data is at work in {self._path.parent}, on {seen.record.get('host')}; "
                    "wait for it, or stop it, and run again"
                )
            watched, last = seen, now
            if seen is None or not seen.record.get("owner") or _is_gone(seen.record) or quiet_s >= self._stale_s:
                try:
                    self._etag = self._put(self._record(), {"IfMatch": seen.etag} if seen else _NONE)
                    return
                except _ConditionError:
                    watched, quiet_s = None, 0.0
                    continue
            if not said:
                said = True
                say(
                    f"{self._path.parent} was last held by a driver on {seen.record.get('host')}; watching for up to "
                    f"{self._stale_s:.0f} s whether it is alive …"
                )
            time.sleep(self._beat_s / 2)

    def _keep(self) -> None:
        while not self._closing.wait(self._beat_s):
            try:
                self._etag = self._put(self._record(), {"IfMatch": self._etag}, once=True)
            except _ConditionError:
                seen = self._read_quietly()
                if seen is not None and seen.record.get("owner") == self._owner["owner"]:
                    self._etag = seen.etag
                elif seen is not None:
                    self.is_lost = True
                    self._lost()
                    return
            except Exception as error:  # the next beat may get through; while none does, nobody else's does
                _LOG.warning("%s could not be renewed: %s", self._path, error)

    def _read_quietly(self) -> _Seen | None:
        try:
            return self._read(once=True)
        except Exception as error:
            _LOG.warning("%s could not be read: %s", self._path, error)
            return None

    def _record(self) -> dict[str, Any]:
        self._beats += 1
        return {**self._owner, "beat": self._beats}

    def _check_conditions(self) -> None:
        """Both kinds of request must be refused now. Raises `UserError` where one is not."""
        for condition in (_NONE, {"IfMatch": '"00000000000000000000000000000000"'}):
            try:
                self._put(self._record(), condition)
            except _ConditionError:
                continue
            raise UserError(
                f"the storage of {self._path.parent} does not keep to conditions of writes (If-None-Match, If-Match), "
                "so that nothing keeps two drivers apart there; use storage that does, or a shared file system"
            )

    def _put(self, record: dict[str, Any], condition: dict[str, str], once: bool = False) -> str:
        path = self._once if once else self._path
        bucket, key, _ = path.fs.split_path(path.path)
        try:
            done = path.fs.call_s3("put_object", Bucket=bucket, Key=key, Body=json.dumps(record).encode(), **condition)
        except OSError as error:
            if _status(error) in _LOST and getattr(error.__cause__, "response", {})["Error"]["Code"] != "NoSuchBucket":
                raise _ConditionError from error
            raise
        return str(done["ETag"])

    def _read(self, once: bool = False) -> _Seen | None:
        path = self._once if once else self._path
        bucket, key, _ = path.fs.split_path(path.path)
        try:
            found = path.fs.call_s3("get_object", Bucket=bucket, Key=key)
            body = sync(path.fs.loop, found["Body"].read)
        except FileNotFoundError:
            return None
        record = json.loads(body or b"{}")
        return _Seen(str(found["ETag"]), record)


def _status(error: OSError) -> int | None:
    response = getattr(error.__cause__, "response", {})
    status: int | None = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status


def _process() -> dict[str, Any]:
    """What tells this process from all others, also those in other containers of this machine."""
    return {
        "machine": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "pids": os.readlink("/proc/self/ns/pid"),
        "pid": os.getpid(),
        "since": _started(os.getpid()),
    }


def _is_gone(record: dict[str, Any]) -> bool:
    """Whether a lock's holder was a process of this machine that no longer runs."""
    here = _process()
    if any(record.get(name) != here[name] for name in ("machine", "pids")):
        return False
    return bool(_started(record["pid"]) != record["since"])


def _started(pid: int) -> str | None:
    """When a process started, in ticks since the machine did; null without such a process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name before may hold spaces
    return None if fields[0] == "Z" else fields[19]


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGINT interrupts, also where a shell that put this process in the background had it ignored."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def held_in_storage(path: UPath, say: Callable[[str], None]) -> Iterator[None]:
    """Holds a lock object. Once it is lost, the main thread is interrupted as by Ctrl-C, and `UserError` says why."""
    main = threading.main_thread().ident or 0
    lock = RemoteLock(path, lambda: signal.pthread_kill(main, signal.SIGINT), BEAT_S, STALE_S)
    lock.acquire(say)
    try:
        with _interruptible():
            yield
    except KeyboardInterrupt:
        if lock.is_lost:
            raise UserError(
                f"another hipo-data took over {path.parent} while this one was not heard of; finished work is kept"
            ) from None
        raise
    finally:
        lock.release()
