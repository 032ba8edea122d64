"""The files of a published table: of bounded length, named once their number is known, and of one phase each."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hipo_data.stages.publish.tables import PHASE


class ShardedWriter:
    """Rows of one split in files of bounded length, named `<split>-00000-of-00002.parquet` once the count is known."""

    def __init__(self, folder: Path, split: str, schema: pa.Schema, rows_per_file: int, aside: str = "") -> None:
        """`aside` tells the unfinished files of several writers of one split apart."""
        self._folder, self._split, self._schema, self._limit = folder, split, schema, rows_per_file
        self._aside = aside
        self._writer: pq.ParquetWriter | None = None
        self._in_file = 0
        self.files = 0
        self.rows = 0

    def write(self, table: pa.Table) -> None:
        """Appends rows."""
        while table.num_rows:
            if self._writer is None or self._in_file == self._limit:
                self._next_file()
            assert self._writer is not None
            piece = table.slice(0, self._limit - self._in_file)
            self._writer.write_table(piece)
            self._in_file += piece.num_rows
            self.rows += piece.num_rows
            table = table.slice(piece.num_rows)

    def close(self) -> None:
        """Gives the files their final names."""
        close_together([self])

    def named(self, first: int, total: int) -> list[str]:
        """Gives the files their final names, which are returned, as those from `first` on of `total`."""
        if self._writer is not None:
            self._writer.close()
        names = [f"{self._split}-{first + number:05d}-of-{total:05d}.parquet" for number in range(self.files)]
        for number, name in enumerate(names):
            self._part(number).rename(self._folder / name)
        return names

    def _next_file(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(self._part(self.files), self._schema, compression="zstd")
        self.files += 1
        self._in_file = 0

    def _part(self, number: int) -> Path:
        return self._folder / f"{self._split}-{self._aside}{number:05d}.part"


def close_together(writers: Sequence[ShardedWriter]) -> list[list[str]]:
    """Gives the files of several writers of one split their final names, numbered on from one to the next; returns
    those of each."""
    total, names = sum(writer.files for writer in writers), list[list[str]]()
    for writer in writers:
        names.append(writer.named(sum(map(len, names)), total))
    return names


class PhasedWriter:
    """Rows of one split by their `phase`, in files of one phase each, the first phase first."""

    def __init__(self, folder: Path, split: str, schema: pa.Schema, rows_per_file: int, phases: Sequence[int]) -> None:
        self._writers = {
            phase: ShardedWriter(folder, split, schema, rows_per_file, f"{phase}-") for phase in sorted(phases)
        }
        self.files: dict[int, list[str]] = {}
        """Names by phase, once it is closed."""

    def write(self, table: pa.Table) -> None:
        """Appends rows."""
        for phase, writer in self._writers.items():
            writer.write(table.filter(pc.equal(table[PHASE.name], phase)))

    @property
    def rows(self) -> int:
        """Of all phases."""
        return sum(self.rows_by_phase.values())

    @property
    def rows_by_phase(self) -> dict[int, int]:
        """Of each."""
        return {phase: writer.rows for phase, writer in self._writers.items()}

    def close(self) -> None:
        """Gives the files their final names."""
        self.files = dict(zip(self._writers, close_together(list(self._writers.values())), strict=True))
