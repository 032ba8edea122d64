"""Finished work of unfinished nodes, kept in small batches.

A batch is a file of JSON Lines that appears whole. Its first line counts the requests started so far, so that a later
attempt can say how many were under way when this one stopped. Once the node commits its table, its journal is removed.

Batches are found by listing their folder. In storage whose listings lag, an attempt that starts at once after another
may miss the last ones and makes their requests again; nothing comes out wrong. A batch that is missed when a journal is
removed stays, and is taken for finished work that the table holds as well.
"""

import asyncio
import contextlib
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from hipo_data.pipeline.store.files import put_bytes, read_many, remove_files
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.schemas.records import Record

R = TypeVar("R", bound=Record)


class Journal(Generic[R]):
    """Collects the records of one attempt at a node; use as an async context manager.

    A failed write (a full disk) is raised by `add` of the next record, or on leaving if it fails once more then.
    """

    def __init__(self, folder: RunPath, flush_s: float) -> None:
        self._folder = folder
        self._flush_s = flush_s
        self._attempt = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._batches = 0
        self._started = 0
        self._started_written = 0
        self._lines: list[str] = []
        self._task: asyncio.Task[None] | None = None
        self._leaving = asyncio.Event()

    def start(self) -> None:
        """Counts a request as started."""
        self._started += 1

    def add(self, record: R) -> None:
        """Keeps a finished record. Raises `OSError` if writing an earlier batch failed."""
        if self._task is not None and self._task.done():
            self._task.result()
        self._lines.append(record.model_dump_json())

    async def flush(self) -> None:
        """Writes what was added or started since the last batch."""
        if not self._lines and self._started == self._started_written:
            return
        lines, self._lines = self._lines, []
        started_written, self._started_written = self._started_written, self._started
        head = json.dumps({"attempt": self._attempt, "started": self._started})
        path = self._folder / f"{self._attempt}-{self._batches:06d}.jsonl"
        try:
            await asyncio.to_thread(put_bytes, path, "\n".join([head, *lines, ""]).encode())
            self._batches += 1  # only now: a write that failed may have arrived, and the next one replaces it
        except Exception:
            self._lines, self._started_written = lines + self._lines, started_written
            raise

    async def __aenter__(self) -> "Journal[R]":
        self._task = asyncio.create_task(self._flush_forever())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._leaving.set()
        with contextlib.suppress(Exception):  # what was to be written is tried again
            await self._task
        await self.flush()

    async def _flush_forever(self) -> None:
        while not self._leaving.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), self._flush_s)
            await self.flush()


def read_journal(folder: RunPath, model: type[R]) -> Iterator[R]:
    """The records in all batches in `folder`."""
    for lines in _batches(sorted(folder.glob("*.jsonl"))):
        for line in lines[1:]:
            yield model.model_validate_json(line)


def lost_requests(folder: RunPath) -> int:
    """Requests that earlier attempts started and never finished, as far as their last batches knew."""
    started: dict[str, int] = {}
    finished: dict[str, int] = {}
    for lines in _batches(list(folder.glob("*.jsonl"))):
        head = json.loads(lines[0])
        attempt = head["attempt"]
        started[attempt] = max(started.get(attempt, 0), head["started"])
        finished[attempt] = finished.get(attempt, 0) + len(lines) - 1
    # Records of requests that were refused before they started are finished all the same.
    return sum(max(0, started[attempt] - finished[attempt]) for attempt in started)


def count_journalled(folder: RunPath) -> int:
    """Records in all batches below `folder`, those of shards below it included."""
    return sum(len(lines) - 1 for lines in _batches(list(folder.rglob("*.jsonl"))))


def remove_journal(folder: RunPath) -> None:
    """Deletes the batches in `folder`."""
    remove_files(list(folder.glob("*.jsonl")))
    if isinstance(folder, Path) and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _batches(paths: Sequence[RunPath]) -> Iterator[list[bytes]]:
    for _, data in read_many(paths):
        yield data.splitlines()  # of bytes, which splits at ASCII line ends alone; text may hold U+2028
