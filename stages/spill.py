"""Tables too large for memory, on disk in parts."""

from pathlib import Path
from types import TracebackType

import polars as pl
import pyarrow as pa

_BUFFERED_BYTES = 64 * 2**20
_TOGETHER_BYTES = 32 * 2**20

Parts = tuple[str, ...]


class Spill:
    """Rows by part; those of one part come back in the order in which they came.

    Args:
        folder: made, and must not be there yet.
        part: text that names the part of a row; at most a few hundred different ones.
    """

    def __init__(self, folder: Path, part: pl.Expr) -> None:
        self._folder = folder
        self._part = part
        self._writers: dict[str, pa.ipc.RecordBatchStreamWriter] = {}
        self._waiting: list[pl.DataFrame] = []
        self._bytes = 0
        folder.mkdir(parents=True)

    def __enter__(self) -> "Spill":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._flush()
        for writer in self._writers.values():
            writer.close()

    def add(self, frame: pl.DataFrame) -> None:
        """Takes rows. Small frames wait for others: a part's share of them is a few rows."""
        self._waiting.append(frame)
        self._bytes += int(frame.estimated_size())
        if self._bytes >= _BUFFERED_BYTES:
            self._flush()

    @property
    def parts(self) -> list[Parts]:
        """The parts that hold a row, in order, small neighbours together; once all rows are in."""
        together: list[Parts] = []
        size = _TOGETHER_BYTES
        for part in sorted(self._writers):
            bytes_ = (self._folder / part).stat().st_size
            if size + bytes_ > _TOGETHER_BYTES:
                together.append(())
                size = 0
            together[-1] = (*together[-1], part)
            size += bytes_
        return together

    def read(self, parts: Parts, columns: list[str] | None = None) -> pl.DataFrame:
        """The rows of parts, in their order."""
        tables = []
        for part in parts:
            with pa.memory_map(str(self._folder / part)) as file:
                table = pa.ipc.open_stream(file).read_all()
            tables.append(table if columns is None else table.select(columns))
        return pl.DataFrame(pa.concat_tables(tables))

    def take(self, parts: Parts) -> pl.DataFrame:
        """The rows of parts, which are gone then."""
        frame = self.read(parts)
        for part in parts:
            (self._folder / part).unlink()
        return frame

    def _flush(self) -> None:
        if not self._waiting:
            return
        frame = pl.concat(self._waiting).with_columns(self._part.alias("#part"))
        self._waiting, self._bytes = [], 0
        for (part,), rows in sorted(frame.partition_by("#part", as_dict=True, include_key=False).items()):
            table = rows.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
            if part not in self._writers:
                self._writers[part] = pa.ipc.new_stream(str(self._folder / part), table.schema)
            self._writers[part].write_table(table)


class Pile:
    """Tables on disk by the parts of a spill that they were made from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.parts: list[Parts] = []
        """In the order in which the tables came."""
        folder.mkdir(parents=True)

    def add(self, parts: Parts, frame: pl.DataFrame) -> None:
        """Takes the table of some parts."""
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        with pa.ipc.new_file(str(self._folder / parts[0]), table.schema) as writer:
            writer.write_table(table)
        self.parts.append(parts)

    def read(self, parts: Parts, columns: list[str] | None = None) -> pl.DataFrame:
        """The table of some parts."""
        with pa.memory_map(str(self._folder / parts[0])) as file:
            table = pa.ipc.open_file(file).read_all()
        return pl.DataFrame(table if columns is None else table.select(columns))
