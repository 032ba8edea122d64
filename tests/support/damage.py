"""Ways in which files of a run get damaged."""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

KINDS = [
    "ingest/02-0001.parquet",
    "ingest/all.accounts.json",
    "ingest/all.json",
    "sample.think_on/02-0000.parquet",
    "sample.think_on/02-0000.json",
    "sample.think_off/02-0002.parquet",
    "verify.think_on/02-0003.parquet",
    "verify.think_off/02-0001.json",
    "select/02-0002.parquet",
    "select/02-0001.picks.parquet",
    "select/02-0003.json",
    "justify/02-0001.parquet",
    "justify/02-0002.attempts.parquet",
    "justify/02-0000.json",
    "publish/all.json",
    "publish/statistics.json",
    "publish/versions.json",
    "report.html",
    "dataset/sft/train-00000-of-00001.parquet",
    "dataset/rl/train-00000-of-00001.parquet",
    "dataset/README.md",
    "run.json",
    "spent.json",
    "logs/events.jsonl",
]
"""One file of each kind of the recorded run."""


def cut(path: Path, draw: random.Random) -> None:
    """Loses its end."""
    data = path.read_bytes()
    path.write_bytes(data[: draw.randrange(1, len(data))])


def flipped(path: Path, draw: random.Random) -> None:
    """One bit is another."""
    data = bytearray(path.read_bytes())
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)


def rotten(path: Path, draw: random.Random) -> None:
    """One bit is another, and the file system knows nothing of it."""
    before = path.stat()
    flipped(path, draw)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def zeroed(path: Path, draw: random.Random) -> None:
    """All zeros, as after a crash of the machine."""
    path.write_bytes(bytes(path.stat().st_size))


def emptied(path: Path, draw: random.Random) -> None:
    """No bytes."""
    path.write_bytes(b"")


def removed(path: Path, draw: random.Random) -> None:
    """Not there."""
    path.unlink()


def garbage(path: Path, draw: random.Random) -> None:
    """Other JSON."""
    path.write_text('{"outputs": [1, {}], "config": 7}')


def swapped(path: Path, draw: random.Random) -> None:
    """Changed places with that of another shard."""
    others = sorted(path.parent.glob(f"??-????{path.name[7:]}"))
    other = draw.choice([each for each in others if each != path])
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)


WAYS: list[Callable[[Path, random.Random], None]] = [
    cut, flipped, rotten, zeroed, emptied, removed, garbage, swapped,
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One file, damaged in one way."""

    name: str
    way: Callable[[Path, random.Random], None]

    def __str__(self) -> str:
        return f"{self.name} {self.way.__name__}"

    def apply(self, run_dir: Path) -> None:
        """Damages it, always alike."""
        self.way(run_dir / self.name, random.Random(str(self)))


def cases() -> Iterator[Case]:
    """Every kind of file in every way that leaves a trace; a log that is cut at the end of a line leaves none."""
    for name in KINDS:
        for way in WAYS:
            of_shard = name.partition("/")[2].startswith("02-")
            if (way is not swapped or of_shard) and (way is not cut or name != "logs/events.jsonl"):
                yield Case(name, way)
