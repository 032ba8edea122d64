"""What happened in a run, one JSON object a line: `logs/events.jsonl` of the run directory.

Appended to by every attempt at the run, so that whoever comes later, perhaps after the driver died, sees what failed.
A line ends with the CRC-32 of what stands before it, `"check"`; lines of earlier versions have none.
"""

import json
import logging
import re
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TextIO

from hipo_data.pipeline.graph.nodes import Node
from hipo_data.pipeline.store.files import put_bytes
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.store.run_path import RunPath, scratch
from hipo_data.pipeline.watch.watcher import RunState, Watcher

_LOG = logging.getLogger(__name__)
_NAME = "events.jsonl"
_KEEP_EVERY_S = 30.0
_KEYS = {*("time", "run", "event", "stage", "mode", "shard"), *("seconds", "rows", "counts", "error", "text")}
_CHECKED = re.compile(rb'(.*), "check": "([0-9a-f]{8})"}')


class EventLog(Watcher):
    """Writes each event as it comes, whole lines."""

    def __init__(self, run_dir: RunPath, run: str) -> None:
        self._path = run_dir / "logs" / _NAME
        self._own = scratch(self._path)
        self._own.parent.mkdir(parents=True, exist_ok=True)
        if self._own != self._path:
            self._own.write_bytes(_content(self._path))
        torn = not (_content(self._own) or b"\n").endswith(b"\n")
        self._file: TextIO = self._own.open("a", encoding="utf-8", buffering=1)
        self._kept = 0.0
        self._run = run
        if torn:
            self._file.write("\n")  # the last driver was killed in the middle of a line
        self._write("attempt")

    def began(self, node: Node) -> None:
        """A line."""
        self._write("began", node)

    def ended(self, node: Node, manifest: Manifest) -> None:
        """A line with the node's counts."""
        rows = {"in": manifest.rows_in, "out": manifest.rows_out, "rejected": manifest.rows_rejected}
        self._write("ended", node, seconds=round(manifest.seconds, 3), rows=rows, counts=manifest.counts)

    def failed(self, node: Node, error: str) -> None:
        """A line with the error."""
        self._write("failed", node, error=error)

    def said(self, text: str) -> None:
        """A line with the words."""
        self._write("said", text=text)

    def looked(self, state: RunState) -> None:
        """Too often for a line; of a run in storage, what there is is put there now and then."""
        if time.monotonic() - self._kept > _KEEP_EVERY_S:
            self._keep()

    def closed(self, error: str | None) -> None:
        """Ends the file."""
        self._write("closed", error=error)
        self._file.close()
        self._keep()

    def _keep(self) -> None:
        self._kept = time.monotonic()
        if self._own == self._path:
            return
        try:
            put_bytes(self._path, self._own.read_bytes())
        except Exception as failure:  # a log is not worth a run
            _LOG.warning("%s could not be written: %s", self._path, failure)

    def _write(self, event: str, node: Node | None = None, **fields: Any) -> None:
        line: dict[str, Any] = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "run": self._run}
        line["event"] = event
        if node is not None:
            line |= {"stage": node.stage, "mode": node.mode, "shard": node.shard}
        text = json.dumps(line | fields)[:-1]
        self._file.write(f'{text}, "check": "{zlib.crc32(text.encode()):08x}"}}\n')


def _content(path: RunPath) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def read_events(run_dir: RunPath) -> Iterator[dict[str, Any]]:
    """All events so far, without lines that a killed driver left unfinished, that are being written, or are damaged."""
    return (event for event in _events(run_dir) if event is not None)


def damaged_lines(run_dir: RunPath) -> int:
    """Lines that hold no event as it was written; one that was never finished counts as well."""
    unfinished = not (_content(run_dir / "logs" / _NAME) or b"\n").endswith(b"\n")
    return sum(event is None for event in _events(run_dir)) + unfinished


def _events(run_dir: RunPath) -> Iterator[dict[str, Any] | None]:
    lines = _content(run_dir / "logs" / _NAME).split(b"\n")
    for line in lines[:-1]:  # what follows the last line end is being written
        if line:
            yield _event(line)


def _event(line: bytes) -> dict[str, Any] | None:
    checked = _CHECKED.fullmatch(line)
    if checked and zlib.crc32(checked[1]) != int(checked[2], 16):
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not {"time", "run", "event"} <= event.keys():
        return None
    # Beside a key that no line of before has, which may be the checksum's own, there has to be a checksum.
    return event if checked or event.keys() <= _KEYS else None


@dataclass
class LastAttempt:
    """What the log says of the last attempt at a run."""

    began: str
    """Time, ISO 8601."""
    failures: list[dict[str, Any]] = field(default_factory=list)
    """Events of pieces that failed and were not done since."""
    closed: bool = False
    """Whether the driver came to its end; one that was killed did not, nor did one that is still at work."""
    error: str | None = None
    """What ended it, where that was an error."""


def last_attempt(run_dir: RunPath) -> LastAttempt | None:
    """Null where there is no log."""
    attempt: LastAttempt | None = None
    failed: dict[tuple[str, str | None, str], dict[str, Any]] = {}
    for event in read_events(run_dir):
        if event["event"] == "attempt":
            attempt = LastAttempt(began=event["time"])
            failed = {}
        elif attempt is not None and event["event"] == "closed":
            attempt.closed, attempt.error = True, event["error"]
        elif "stage" in event:
            failed.pop((event["stage"], event["mode"], event["shard"]), None)
            if event["event"] == "failed":
                failed[event["stage"], event["mode"], event["shard"]] = event
    if attempt is not None:
        attempt.failures = list(failed.values())
    return attempt
