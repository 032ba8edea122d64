"""A text in questions and responses, looked for shard by shard beside whoever waits for it."""

import threading
from collections.abc import Sequence

import polars as pl
from polars.exceptions import PolarsError

from hipo_data.pipeline.store.files import scan_tables
from hipo_data.pipeline.store.run_path import RunPath, storage_errors
from hipo_data.pipeline.viewer.index import Index
from hipo_data.schemas.errors import StorageError

_BATCH_BYTES = 64 * 2**20
"""Of tables on disk that are read at once; texts take several times that in memory."""


class Search:
    """All problems of an index in whose question or responses a text stands, upper and lower case of ASCII alike.

    It begins at once, and goes on until it is done or stopped; what it has found so far can be asked for meanwhile.
    """

    def __init__(self, index: Index, text: str) -> None:
        self.index, self.text = index, text
        self.failed: StorageError | None = None
        self._found: list[pl.Series] = []
        self._batches = _batches(index)
        self._read = 0
        self._ended, self._stopped = threading.Event(), threading.Event()
        threading.Thread(target=self._run, name="search", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether it is done, within so many seconds."""
        return self._ended.wait(seconds)

    def stop(self) -> None:
        """Nobody waits for it any more."""
        self._stopped.set()

    @property
    def done(self) -> float:
        """How much of it, from 0 to 1."""
        return 1.0 if self._ended.is_set() or not self._batches else self._read / len(self._batches)

    @property
    def rows(self) -> pl.Series:
        """Rows, in the index, of the problems found so far. Raises `StorageError` where the storage failed."""
        if self.failed is not None:
            raise self.failed
        ids = pl.concat([pl.Series(dtype=pl.String), *list(self._found)]).unique()
        return self.index.problems.filter(pl.col("problem_id").is_in(ids.implode()))["row"]

    def _run(self) -> None:
        try:
            for column, paths in self._batches:
                if self._stopped.is_set():
                    return
                self._found.append(self._holding(column, paths))
                self._read += 1
        except StorageError as error:
            self.failed = error
        finally:
            self._ended.set()

    def _holding(self, column: str, paths: Sequence[RunPath]) -> pl.Series:
        """Ids of the problems of these tables that hold it; what cannot be read is told by the index."""
        holds = pl.col(column).str.contains_any([self.text], ascii_case_insensitive=True)
        try:
            with storage_errors(paths[0]):
                found = scan_tables(paths).filter(holds).select("problem_id").unique().collect(engine="streaming")
        except (PolarsError, OSError):
            if len(paths) == 1:
                return pl.Series(dtype=pl.String)
            return pl.concat([self._holding(column, [path]) for path in paths])
        return found["problem_id"]


def _batches(index: Index) -> list[tuple[str, list[RunPath]]]:
    """Small tables together."""
    made: list[tuple[str, list[RunPath]]] = []
    modes = index.files.config.roles.dear_first
    for folder, column in {"ingest": "question", **{f"sample.{mode}": "text" for mode in modes}}.items():
        total = _BATCH_BYTES
        for output in index.files.outputs(folder):
            total += output.bytes
            if total > _BATCH_BYTES:
                made.append((column, []))
                total = output.bytes
            made[-1][1].append(index.files.run_dir / output.path)
    return made
