"""One driver a run in storage, wherever the drivers are and whatever their clocks say."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from hipo_data.pipeline.store.remote_lock import RemoteLock
from hipo_data.pipeline.store.run_dir import held
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.schemas.errors import UserError
from tests.support.storage import Storage

# Of another machine: its process cannot be asked whether it lives.
ELSEWHERE = {"owner": "other", "host": "far-away", "machine": "m", "pids": "p", "pid": 1, "since": "1", "beat": 1}


def lock_of(path: RunPath, stale_s: float = 3_600, beat_s: float = 0.1) -> RemoteLock:
    return RemoteLock(path, lambda: None, beat_s, stale_s)  # type: ignore[arg-type]


def owner_of(path: RunPath) -> str | None:
    return json.loads(path.read_bytes())["owner"]  # type: ignore[no-any-return]


def test_a_second_driver_is_refused_while_the_first_is_at_work_and_let_in_after(folder: RunPath) -> None:
    first, second = lock_of(folder / "run.lock"), lock_of(folder / "run.lock")
    first.acquire()
    with pytest.raises(UserError, match="another hipo-data is at work in s3://bucket/"):
        second.acquire()
    first.release()
    assert owner_of(folder / "run.lock") is None
    second.acquire()
    second.release()
    assert not first.is_lost
    assert not second.is_lost


def test_of_many_that_find_a_dead_drivers_lock_one_takes_it(folder: RunPath) -> None:
    (folder / "run.lock").write_bytes(json.dumps(ELSEWHERE).encode())
    locks = [lock_of(folder / "run.lock", stale_s=2) for _ in range(5)]
    refused: list[RemoteLock] = []

    def take(lock: RemoteLock) -> None:
        try:
            lock.acquire()
        except UserError:
            refused.append(lock)

    takers = [threading.Thread(target=take, args=(lock,)) for lock in locks]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    assert len(refused) == 4
    for lock in locks:
        if lock not in refused:
            lock.release()
    assert owner_of(folder / "run.lock") is None


def test_a_driver_elsewhere_that_beats_is_not_robbed(folder: RunPath) -> None:
    path = folder / "run.lock"
    stop = threading.Event()

    def beat() -> None:
        for number in range(1_000):
            path.write_bytes(json.dumps({**ELSEWHERE, "beat": number}).encode())
            if stop.wait(0.2):
                return

    beating = threading.Thread(target=beat)
    beating.start()
    try:
        while not path.exists():
            time.sleep(0.01)
        said: list[str] = []
        with pytest.raises(UserError, match="on far-away"):
            lock_of(path).acquire(said.append)
    finally:
        stop.set()
        beating.join()
    assert all("watching" in text for text in said)


def test_a_killed_driver_of_this_machine_blocks_nobody(folder: RunPath) -> None:
    script = (
        "import sys, os, signal\n"
        "from hipo_data.pipeline.store.run_path import run_path\n"
        "from hipo_data.pipeline.store.remote_lock import RemoteLock\n"
        "RemoteLock(run_path(sys.argv[1]), lambda: None, 3600, 3600).acquire()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(folder / "run.lock")], check=False, env=dict(os.environ))
    assert owner_of(folder / "run.lock") is not None
    lock = lock_of(folder / "run.lock")
    lock.acquire()
    lock.release()


def test_while_the_storage_is_away_nobody_counts_as_dead(folder: RunPath, storage: Storage) -> None:
    lost = threading.Event()
    lock = RemoteLock(folder / "run.lock", lost.set, beat_s=0.1, stale_s=3_600)  # type: ignore[arg-type]
    lock.acquire()
    storage.failing = lambda method, path: True
    before = len(storage.requests)
    while len(storage.requests) < before + 8:  # beats that fail, for longer than it takes to count as dead
        time.sleep(0.05)
    storage.failing = lambda method, path: False
    with pytest.raises(UserError, match="another hipo-data is at work"):
        lock_of(folder / "run.lock").acquire()
    lock.release()
    assert not lost.is_set()


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN], ids=["foreground", "background"])
def test_a_driver_that_was_robbed_while_it_was_stopped_ends_and_says_why(
    folder: RunPath, monkeypatch: pytest.MonkeyPatch, handler: Any
) -> None:
    """Also one that a shell put in the background, which is started with SIGINT ignored."""
    signal.signal(signal.SIGINT, handler)
    monkeypatch.setattr("hipo_data.pipeline.store.remote_lock.BEAT_S", 0.1)
    with pytest.raises(UserError, match="took over"), held(folder):
        for _ in range(300):  # again and again: a beat under way may come after the robber's write, and undo it
            (folder / "run.lock").write_bytes(json.dumps(ELSEWHERE).encode())
            time.sleep(0.2)
    assert owner_of(folder / "run.lock") == "other"
    assert signal.getsignal(signal.SIGINT) is handler
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_storage_that_ignores_conditions_is_refused(folder: RunPath, storage: Storage) -> None:
    storage.ignores_conditions = True
    with pytest.raises(UserError, match="does not keep to conditions"):
        lock_of(folder / "run.lock").acquire()
