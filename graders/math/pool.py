"""Worker processes that compare answers, each with a deadline after which it is killed and replaced."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

from graders.sandbox.spawn import spawn

START_S = 120.0
_ROOT = str(Path(__file__).parents[2])


class Pool:
    """`size` workers, started when first needed."""

    def __init__(self, size: int, limit_s: float) -> None:
        self.limit_s = limit_s
        self._idle: list[_Worker | None] = [None] * size
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="math")

    def compare(self, pairs: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """For each (gold, answer): {"equal", "parsed"}, or {"error": `time_limit`, `starved`, `crashed`}."""
        return list(self._threads.map(self._one, pairs))

    def close(self) -> None:
        """Ends all workers."""
        self._threads.shutdown(cancel_futures=True)
        for worker in self._idle:
            if worker is not None:
                worker.close()
        self._idle = [None] * len(self._idle)

    def _one(self, pair: tuple[str, str]) -> dict[str, Any]:
        with self._lock:
            worker = self._idle.pop()
        try:
            worker = worker or _Worker()
            started = time.perf_counter()
            reply = worker.ask({"gold": pair[0], "answer": pair[1], "limit_s": self.limit_s}, 10 * self.limit_s + 30)
            reply["wall_s"] = time.perf_counter() - started
            if "error" in reply and not worker.alive():
                worker.close()
                worker = None
            return reply
        except OSError:
            worker = None
            raise
        finally:
            with self._lock:
                self._idle.append(worker)


class _Worker:
    def __init__(self) -> None:
        self._process = spawn(
            [sys.executable, "-c", "from graders.math.worker import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": _ROOT},
            start_new_session=True,
        )
        self._rest = b""
        if not self._read(START_S):
            self.close()
            raise OSError("a math worker did not start")

    def ask(self, task: dict[str, Any], wall_s: float) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(task).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self._read(wall_s)
        if line:
            reply: dict[str, Any] = json.loads(line)
            return {"error": "crashed"} if "error" in reply else reply
        starved = line is None
        self._process.kill()
        code = self._process.wait()
        return {"error": "starved" if starved else "time_limit" if code == -signal.SIGPROF else "crashed"}

    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _read(self, wall_s: float) -> bytes | None:
        """A line; empty where the worker has ended, None where the time is over."""
        assert self._process.stdout is not None
        descriptor, deadline = self._process.stdout.fileno(), time.monotonic() + wall_s
        while b"\n" not in self._rest:
            if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
                return None
            part = os.read(descriptor, 1 << 16)
            if not part:
                return b""
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        return line
