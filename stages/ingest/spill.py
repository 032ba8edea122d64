"""Tables too large for memory: what fits into a bound stays there, the rest goes to disk."""

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from threading import Lock

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

_HELD_BYTES = 256 * 2**20
_TOGETHER_BYTES = 32 * 2**20
_RUN_BYTES = 16 * 2**20
"""Rows are sorted and put away so many at once: each part is read from every run, so runs should be few."""

Parts = tuple[str, ...]
"""Neighbours in the order of their names."""


class Spill:
    """Rows by part; those of one part come back in the order in which they came.

    Args:
        folder: made, and must not be there yet.
        part: text that names the part of a row; at most a few hundred different ones.
    """

    def __init__(self, folder: Path, part: pl.Expr) -> None:
        self._part = part
        self._room = _Room(folder)
        self._lock = Lock()
        self._waiting: list[pl.DataFrame] = []
        self._waiting_bytes = 0
        self._runs: list[_Run] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Takes rows. From several threads, the order in which they came is any."""
        if frame.is_empty():
            return
        with self._lock:
            self._waiting.append(frame)
            self._waiting_bytes += int(frame.estimated_size())
            frames = self._taken() if self._waiting_bytes >= _RUN_BYTES else []
        self._put_away(frames)

    def _taken(self) -> list[pl.DataFrame]:
        frames, self._waiting, self._waiting_bytes = self._waiting, [], 0
        return frames

    def _put_away(self, frames: list[pl.DataFrame]) -> None:
        if not frames:
            return
        frame = pl.concat(frames).with_columns(self._part.alias("#part")).sort("#part", maintain_order=True)
        parts = frame["#part"].rle().struct.unnest()
        rows = _packed(frame.drop("#part"))
        ends = [*accumulate(parts["len"], initial=0)]
        self._runs.append(_Run(parts["value"].to_list(), ends, rows.nbytes, self._room.keep(rows)))

    @property
    def parts(self) -> list[Parts]:
        """The parts that hold a row, in order, small neighbours together; once all rows are in."""
        self._put_away(self._taken())
        sizes: Counter[str] = Counter()
        for run in self._runs:
            a_row = run.bytes / run.ends[-1]
            for part, (start, end) in zip(run.parts, pairwise(run.ends), strict=True):
                sizes[part] += round(a_row * (end - start))
        together: list[Parts] = []
        size = _TOGETHER_BYTES
        for part in sorted(sizes):
            if size + sizes[part] > _TOGETHER_BYTES:
                together.append(())
                size = 0
            together[-1] = (*together[-1], part)
            size += sizes[part]
        return together

    def read(self, parts: Parts, columns: list[str] | None = None) -> pl.DataFrame:
        """The rows of some of `parts`, which are neighbours."""
        tables = [rows for run in self._runs if (rows := run.read(parts[0], parts[-1]))]
        return pl.DataFrame(pa.concat_tables(rows.select(columns or rows.column_names) for rows in tables))


@dataclass(frozen=True)
class _Run:
    """Rows that came together, sorted by part."""

    parts: list[str]
    ends: list[int]
    """Where each part starts, and last the number of rows."""
    bytes: int
    rows: pa.Table | Path

    def read(self, first: str, last: str) -> pa.Table | None:
        """The rows from one part to another; null where there is none."""
        at, until = bisect_left(self.parts, first), bisect_right(self.parts, last)
        if at == until:
            return None
        start, end = self.ends[at], self.ends[until]
        if isinstance(self.rows, pa.Table):
            return self.rows.slice(start, end - start)
        # Copied, for around a few rows of a mapped file much else becomes memory too, until it is no longer mapped.
        return _mapped(self.rows).take(pl.int_range(start, end, eager=True).to_arrow())


class Pile:
    """Tables by the parts of a spill that they were made from.

    Args:
        folder: made, and must not be there yet.
        parts: in the order in which they are read.
    """

    def __init__(self, folder: Path, parts: list[Parts]) -> None:
        self.parts = parts
        self._room = _Room(folder)
        self._tables: dict[Parts, pa.Table | Path] = {}

    def add(self, parts: Parts, frame: pl.DataFrame) -> None:
        """Takes the table of some parts; from any thread."""
        self._tables[parts] = self._room.keep(_packed(frame))

    def read(self, parts: Parts, columns: list[str] | None = None) -> pl.DataFrame:
        """The table of some parts."""
        table = self._tables[parts]
        table = _mapped(table) if isinstance(table, Path) else table
        return pl.DataFrame(table.select(columns or table.column_names))

    def text_bytes(self, parts: Parts, columns: list[str], kept: pl.Series) -> int:
        """Bytes of the texts of some columns in the rows that are kept. Of what is on disk, no text is read."""
        table = self._tables[parts]
        table = _mapped(table) if isinstance(table, Path) else table
        lengths = [pl.Series(pc.binary_length(table[name])) for name in columns]
        return sum(int(length.filter(kept).sum()) for length in lengths)


class _Room:
    """Memory for tables, and a folder for those that it is too small for. Safe to use from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._held = 0
        self._written = 0
        folder.mkdir(parents=True)

    def keep(self, table: pa.Table) -> pa.Table | Path:
        """The table, or the file that it is in."""
        with self._lock:
            fits = self._held + table.nbytes <= _HELD_BYTES
            self._held += table.nbytes if fits else 0
            self._written += not fits
            path = self._folder / str(self._written)
        if fits:
            return table
        with pa.ipc.new_stream(str(path), table.schema) as writer:
            writer.write_table(table)
        return path


def _mapped(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_stream(file).read_all()


def _packed(frame: pl.DataFrame) -> pa.Table:
    """As an Arrow table with texts of its own: those of Polars may be a few words out of a large buffer."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
