"""What is kept of batches on disk, so that a driver that starts again takes up those in flight."""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hipo_data.engines.json_body import parsed

_RECORD = ".batch.json"
_OUTPUTS = (".output.jsonl", ".errors.jsonl")


@dataclass
class BatchRecord:
    """One batch, written down before it is created: its metadata hold `name`, so it is found without its id."""

    name: str
    custom_ids: list[str]
    input_file_id: str | None = None
    batch_id: str | None = None
    ended: str | None = None
    """Its last status, once its results are here."""


@dataclass
class BatchFolder:
    """Records and the files of requests and results beside them."""

    path: Path
    longest: int
    """Bytes of a line of results; a longer one is not read."""
    _lines: dict[str, dict[str, tuple[Path, int, int]]] = field(default_factory=dict)
    _unreadable: dict[str, int] = field(default_factory=dict)

    def new(self, custom_ids: Iterable[str], now: float) -> BatchRecord:
        """A record, not yet saved. Names sort by time; `now` is in seconds since the epoch."""
        return BatchRecord(f"{int(now * 1000):013d}-{secrets.token_hex(4)}", list(custom_ids))

    def save(self, record: BatchRecord) -> None:
        """Writes the record, so that it is on disk whole when this returns."""
        self.path.mkdir(parents=True, exist_ok=True)
        _write(self.path / f"{record.name}{_RECORD}", json.dumps(asdict(record)).encode())

    def remove(self, record: BatchRecord) -> None:
        """Forgets a batch and its files."""
        for suffix in (_RECORD, ".input.jsonl", *_OUTPUTS):
            (self.path / f"{record.name}{suffix}").unlink(missing_ok=True)

    def records(self) -> list[BatchRecord]:
        """All records, the oldest first."""
        paths = sorted(self.path.glob(f"*{_RECORD}"))
        return [BatchRecord(**json.loads(path.read_bytes())) for path in paths]

    def input(self, record: BatchRecord) -> Path:
        """The file of requests."""
        return self.path / f"{record.name}.input.jsonl"

    def write_input(self, record: BatchRecord, bodies: Mapping[str, bytes], url: str) -> None:
        """Writes the file of requests: a line each, with the JSON body as given."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self.input(record).open("wb") as file:
            for custom_id, body in bodies.items():
                head = json.dumps({"custom_id": custom_id, "method": "POST", "url": url})
                file.write(head[:-1].encode() + b', "body": ' + body + b"}\n")

    def outputs(self, record: BatchRecord) -> tuple[Path, Path]:
        """The files of responses and of errors; either may be missing."""
        first, second = (self.path / f"{record.name}{suffix}" for suffix in _OUTPUTS)
        return first, second

    def index(self, record: BatchRecord) -> None:
        """Reads the results once, to know which line answers which request. Lines that are broken answer none."""
        found: dict[str, tuple[Path, int, int]] = {}
        broken = 0
        for path in self.outputs(record):
            if path.exists():
                indexed, odd = _indexed(path, self.longest)
                found |= indexed
                broken += odd
        self._lines[record.name], self._unreadable[record.name] = found, broken

    def result(self, record: BatchRecord, custom_id: str) -> Any:
        """The line that answers a request, parsed, or None. `index` comes before."""
        place = self._lines[record.name].get(custom_id)
        if place is None:
            return None
        path, offset, size = place
        with path.open("rb") as file:
            file.seek(offset)
            return parsed(file.read(size))

    def unreadable(self, record: BatchRecord) -> int:
        """Lines of results that are broken, too deep or too long. `index` comes before."""
        return self._unreadable[record.name]


def _indexed(path: Path, longest: int) -> tuple[dict[str, tuple[Path, int, int]], int]:
    """Places of lines by the request that they answer, and how many answer none, which are asked again."""
    found, broken, offset = {}, 0, 0
    with path.open("rb") as file:
        while line := file.readline(longest):
            whole = line.endswith(b"\n") or len(line) < longest
            read = parsed(line) if whole else None
            if isinstance(read, dict) and isinstance(read.get("custom_id"), str):
                found[read["custom_id"]] = (path, offset, len(line))
            elif line.strip():
                broken += 1
            while not whole:
                rest = file.readline(longest)
                whole = rest.endswith(b"\n") or len(rest) < longest
            offset = file.tell()
    return found, broken


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
