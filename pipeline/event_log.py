"""What happened in a run, one JSON object a line: `logs/events.jsonl` of the run directory.

Appended to by every attempt at the run, so that whoever comes later, perhaps after the driver died, sees what failed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from pipeline.graph import Node
from pipeline.manifest import Manifest
from pipeline.watching import RunState

EVENTS = Path("logs") / "events.jsonl"


class EventLog:
    """Writes each event as it comes, whole lines."""

    def __init__(self, folder: Path, run: str) -> None:
        path = folder / EVENTS
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)
        self._run = run
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
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
        """Too often for a log."""

    def closed(self, error: str | None) -> None:
        """Ends the file."""
        self._write("closed", error=error)
        self._file.close()

    def _write(self, event: str, node: Node | None = None, **fields: Any) -> None:
        line: dict[str, Any] = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "run": self._run}
        line["event"] = event
        if node is not None:
            line |= {"stage": node.stage, "mode": node.mode, "shard": node.shard}
        self._file.write(json.dumps(line | fields) + "\n")


def read_events(folder: Path) -> Iterator[dict[str, Any]]:
    """All events so far, without lines that a killed driver left unfinished, or that are being written."""
    try:
        lines = (folder / EVENTS).read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue


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


def last_attempt(folder: Path) -> LastAttempt | None:
    """Null where there is no log."""
    attempt: LastAttempt | None = None
    failed: dict[tuple[str, str | None, str], dict[str, Any]] = {}
    for event in read_events(folder):
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
