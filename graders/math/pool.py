"""Worker processes that compare answers, each with a deadline after which it is killed and replaced."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

from hipo_data.graders.sandbox.spawn import spawn
from hipo_data.graders.sandbox.usage import usage

Case = tuple[str, str, str] | tuple[str, str, str, str]
"""Gold, answer, question; of a measured quantity also its unit, tolerance and error, as a JSON object."""

START_S = 120.0
_CHUNK = 16
_CHUNK_BYTES = 32_000
_ROOT = str(Path(__file__).parents[3])
"""Where hipo_data is imported from: a worker finds it wherever it is started."""


class Pool:
    """`size` workers, started when first needed."""

    def __init__(self, size: int, limit_s: float) -> None:
        self.limit_s = limit_s
        self._idle: list[_Worker | None] = [None] * size
        self._lock = Lock()
        self._seen = False
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="math")

    def compare(self, pairs: Sequence[Case]) -> list[dict[str, Any]]:
        """For each case: "wall_s" and "cpu_s", and "equal" or an "error"; of a quantity also the "reason".

        Where "equal" is null, the "reason" says why. Errors are `time_limit`, `starved` and `crashed`. Raises `OSError`
        where no worker has ever started.
        """
        waiting = deque(enumerate(pairs))
        replies: list[dict[str, Any]] = [{}] * len(pairs)
        for _ in self._threads.map(lambda _: self._work(waiting, replies), range(len(self._idle))):
            pass
        return replies

    def _work(self, waiting: deque[tuple[int, Case]], replies: list[dict[str, Any]]) -> None:
        """Takes pairs in chunks until none is left; what a worker that ended had not come to goes to the next one."""
        with self._lock:
            worker = self._idle.pop()
        try:
            while chunk := self._chunk(waiting):
                try:
                    worker = worker or _Worker()
                except OSError:
                    if not self._seen:
                        raise
                    for index, _ in chunk:
                        replies[index] = {"error": "crashed", "wall_s": 0.0, "cpu_s": 0.0}
                    continue
                self._seen = True
                started = time.perf_counter()
                for number, (index, _) in enumerate(worker.send(chunk, self.limit_s)):
                    reply = worker.reply(10 * self.limit_s + 30)
                    replies[index] = reply | {"wall_s": time.perf_counter() - started}
                    started = time.perf_counter()
                    if not worker.alive():
                        waiting.extendleft(reversed(chunk[number + 1 :]))
                        worker.close()
                        worker = None
                        break
        finally:
            with self._lock:
                self._idle.append(worker)

    def _chunk(self, waiting: deque[tuple[int, Case]]) -> list[tuple[int, Case]]:
        """A share of what is left, so that all workers end together, and never more than a pipe takes at once."""
        with self._lock:
            chunk: list[tuple[int, Case]] = []
            most, room = max(1, min(_CHUNK, len(waiting) // (2 * len(self._idle) + 2))), _CHUNK_BYTES
            while waiting and len(chunk) < most and (not chunk or room > 0):
                chunk.append(waiting.popleft())
                room -= 6 * sum(map(len, chunk[-1][1])) + 100
            return chunk

    def close(self) -> None:
        """Ends all workers."""
        self._threads.shutdown(cancel_futures=True)
        for worker in self._idle:
            if worker is not None:
                worker.close()
        self._idle = [None] * len(self._idle)


class _Worker:
    def __init__(self) -> None:
        self._process = spawn(
            [sys.executable, "-c", "from hipo_data.graders.math.worker import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": _ROOT},
            start_new_session=True,
        )
        self._rest = b""
        self._used_s = 0.0
        """Processor time of all that was answered so far, and of the start."""
        ready = self._read(START_S)
        if not ready:
            self.close()
            raise OSError("a math worker did not start")
        self._took(json.loads(ready)["cpu_s"])

    def send(self, chunk: list[tuple[int, Case]], limit_s: float) -> list[tuple[int, Case]]:
        """Sends pairs; as many replies follow as long as the worker lives."""
        assert self._process.stdin is not None
        names = ("gold", "answer", "question", "quantity")
        lines = [json.dumps({**dict(zip(names, case, strict=False)), "limit_s": limit_s}) for _, case in chunk]
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write("".join(f"{line}\n" for line in lines).encode())
            self._process.stdin.flush()
        return chunk

    def reply(self, wall_s: float) -> dict[str, Any]:
        """The next reply, with the processor time that it took; where none comes, the worker is ended."""
        line = self._read(wall_s)
        if line:
            reply: dict[str, Any] = json.loads(line)
            took = {"cpu_s": self._took(reply["cpu_s"])}
            return ({"error": "crashed"} if "error" in reply else reply) | took
        starved = line is None
        took = {"cpu_s": self._took(usage(self._process.pid).cpu_s)}  # the kernel counts on until the parent has waited
        self._process.kill()
        code = self._process.wait()
        return {"error": "starved" if starved else "time_limit" if code == -signal.SIGPROF else "crashed"} | took

    def _took(self, used_s: float) -> float:
        """How much the processor time has grown to `used_s` since the last call."""
        before, self._used_s = self._used_s, max(self._used_s, used_s)
        return self._used_s - before

    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
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
