"""Finished work of unfinished nodes, kept in small batches.

A batch is a file of JSON Lines that appears whole. Its first line counts the requests started so far, so that a later
attempt can say how many were under way when this one stopped, and holds a checksum of the batch. Once the node commits
its table, its journal is removed.

Batches are found by listing their folder. In storage whose listings lag, an attempt that starts at once after another
may miss the last ones and makes their requests again; nothing comes out wrong. A batch that is missed when a journal is
removed stays, and is taken for finished work that the table holds as well.

A file `*.sums` beside the batches holds the checksums of tables that are being written from them, until the manifest
does.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from hipo_data.pipeline.store.files import put_bytes, read_many, remove_files
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.schemas.errors import DamagedError
from hipo_data.schemas.records import Record

R = TypeVar("R", bound=Record)

_HEAD = {"attempt", "started"}
"""Keys of a first line, beside the checksum."""


class Journal(Generic[R]):
    """Collects the records of one attempt at a node; use as an async context manager.

    A failed write (a full disk) is raised by `add` of the next record, or on leaving if it fails once more then.
    """

    def __init__(self, folder: RunPath, flush_s: float, driver: str = "") -> None:
        self._folder = folder
        self._flush_s = flush_s
        self._attempt = f"{driver}.{os.getpid()}-{uuid.uuid4().hex[:8]}".removeprefix(".")
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
        head: dict[str, Any] = {"attempt": self._attempt, "started": self._started}
        body = "\n".join([*lines, ""])
        head["checksum"] = _checksum(head, body.encode())
        path = self._folder / f"{self._attempt}-{self._batches:06d}.jsonl"
        try:
            await asyncio.to_thread(put_bytes, path, f"{json.dumps(head)}\n{body}".encode())
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


def read_journal(folder: RunPath, model: type[R], driver: str | None = None) -> Iterator[R]:
    """The records in all batches in `folder`, or in those of one driver.

    Raises `DamagedError` at the first batch that is not as it was written.
    """
    for path, _, lines in _batches(sorted(folder.glob("*.jsonl" if driver is None else f"{driver}.*.jsonl"))):
        for line in lines:
            try:
                yield model.model_validate_json(line)
            except ValidationError as error:
                raise DamagedError(path, "holds a line that is no record") from error


def lost_requests(folder: RunPath) -> int:
    """Requests that earlier attempts started and never finished, as far as their last batches knew.

    Raises `DamagedError`.
    """
    started: dict[str, int] = {}
    finished: dict[str, int] = {}
    for _, head, lines in _batches(list(folder.glob("*.jsonl"))):
        attempt = head["attempt"]
        started[attempt] = max(started.get(attempt, 0), head["started"])
        finished[attempt] = finished.get(attempt, 0) + len(lines)
    # Records of requests that were refused before they started are finished all the same.
    return sum(max(0, started[attempt] - finished[attempt]) for attempt in started)


def count_journalled(folder: RunPath) -> int:
    """Records in all whole batches below `folder`, those of shards below it included."""
    return sum(len(lines) for _, lines in whole_batches(folder, []))


def whole_batches(folder: RunPath, damaged: list[DamagedError]) -> Iterator[tuple[RunPath, list[bytes]]]:
    """The batches below `folder` with the lines of their records; `damaged` gets what is said of the others."""
    for path, _, lines in _batches(sorted(folder.rglob("*.jsonl")), damaged):
        yield path, lines


def put_sums(folder: RunPath, sums: Sequence[str]) -> None:
    """Keeps the SHA-256 of tables about to be written: one without a manifest is whole if it has one of these."""
    put_bytes(folder / f"{uuid.uuid4().hex[:8]}.sums", "\n".join(sums).encode())


def read_sums(folder: RunPath) -> set[str]:
    """What `put_sums` said."""
    files = read_many(list(folder.glob("*.sums")))
    return {line.decode("ascii", "replace") for _, data in files for line in data.split()}


def remove_journal(folder: RunPath) -> None:
    """Deletes the batches in `folder`."""
    remove_files([*folder.glob("*.jsonl"), *folder.glob("*.sums")])
    if isinstance(folder, Path) and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def remove_late_batches(root: RunPath, done: Container[str]) -> None:
    """Deletes the batches, in the journals below `root`, of nodes that are done, named as `folder/shard`.

    An engine that outlives its driver, or the driver's sight of its machine, may write one behind the table that has
    them all.
    """
    remove_files([path for path in root.rglob("*.jsonl") if f"{path.parent.parent.name}/{path.parent.name}" in done])


def _batches(
    paths: Sequence[RunPath], damaged: list[DamagedError] | None = None
) -> Iterator[tuple[RunPath, dict[str, Any], list[bytes]]]:
    """Batches with their first line and the others. Damaged ones go to the list, or are raised where there is none."""
    for path, data in read_many(paths):
        try:
            head, lines = _parsed(path, data)
        except DamagedError as error:
            if damaged is None:
                raise
            damaged.append(error)
            continue
        yield path, head, lines


def _parsed(path: RunPath, data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    first, _, body = data.partition(b"\n")
    try:
        head = json.loads(first)
        attempt, started = head["attempt"], head["started"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise DamagedError(path, "has no first line that can be read" if data else "is empty") from error
    lines = body.splitlines()  # of bytes, which splits at ASCII line ends alone; text may hold U+2028
    if head.keys() == _HEAD:  # of before there were checksums
        if not isinstance(attempt, str) or not isinstance(started, int) or not all(map(_is_json, lines)):
            raise DamagedError(path, "holds a line that is no record")
    elif head.get("checksum") != _checksum({"attempt": attempt, "started": started}, body):
        raise DamagedError(path, "does not fit its checksum")
    return head, lines


def _checksum(head: dict[str, Any], body: bytes) -> str:
    return hashlib.sha256(json.dumps(head).encode() + b"\n" + body).hexdigest()


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
