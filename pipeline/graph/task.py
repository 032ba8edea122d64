"""A node ready to run: names and digests, no data. And how its results are committed."""

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from hipo_data.pipeline.store.files import parquet_bytes
from hipo_data.pipeline.store.journal import put_sums
from hipo_data.pipeline.store.manifest import Manifest, Output, put_named, write_manifest
from hipo_data.pipeline.store.run_path import RunPath, run_path
from hipo_data.pipeline.store.whole import whole_table
from hipo_data.schemas.arrow import from_table, to_table
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.records import Mode, Record, Rejected

R = TypeVar("R", bound=Record)

_JOURNALLED = ("sample", "justify")


class Task(BaseModel):
    """What a worker needs to know to run a node."""

    model_config = ConfigDict(frozen=True)
    run_dir: Annotated[RunPath, PlainValidator(run_path)]
    name: str
    stage: str
    mode: Mode | None
    shard: str
    config: RunConfig
    parts: dict[str, str]
    inputs: dict[str, Output]
    model: str = ""
    identity: str = ""
    asking: str = ""
    """How the engine is asked, as a digest."""
    driver: str = ""
    """Who hands it out, by a name that no other has."""
    urgency: int = 0
    """Of two nodes on one engine, the requests of the one with the lower number go first."""
    cwd: str = ""
    """The driver's folder, where relative paths of the config start."""
    deaths: dict[str, int] = Field(default_factory=dict)
    """How often an engine died with this prompt under way, by problem."""

    def enter_folder(self) -> None:
        """Goes to where relative paths start. Where a node lacks that folder, errors name the one that it is in."""
        if self.cwd and Path(self.cwd).is_dir():
            os.chdir(self.cwd)

    @property
    def folder(self) -> str:
        """Folder of the node within the run directory."""
        return self.name.rpartition("/")[0]

    def table(self, label: str, columns: list[str] | None = None) -> pa.Table:
        """An input, by its label. Raises `DamagedError` where it is not what the node wrote that made it."""
        output = self.inputs[label]
        return whole_table(self.run_dir / output.path, output, columns)

    def records(self, label: str, model: type[R]) -> list[R]:
        """An input as records. Raises `DamagedError`, and `ValueError` where it holds another kind."""
        return list(from_table(self.table(label), model))

    @property
    def problems_label(self) -> str:
        """Label of the problems of this shard."""
        return f"problems/{self.shard}"

    @property
    def journal(self) -> RunPath:
        """Folder of this node's journal."""
        return self.run_dir / "journal" / self.folder / self.shard


def write_output(task: Task, suffix: str, table: pa.Table) -> Output:
    """Writes one output of a node, whole or not at all."""
    return put_output(task, suffix, table.num_rows, parquet_bytes(table))


def put_output(task: Task, suffix: str, rows: int, data: bytes) -> Output:
    """The same of a file's content, which holds so many rows."""
    return put_named(task.run_dir, f"{task.folder}/{task.shard}{suffix}", data, rows)


def commit(
    task: Task,
    tables: Mapping[str, pa.Table],
    rejected: list[Rejected],
    *,
    rows_in: int,
    rows_out: int,
    started: float,
    retry: int = 0,
    counts: dict[str, int] | None = None,
) -> Manifest:
    """Writes a node's tables, then its manifest. The table named `rows` is the node's main output.

    Args:
        started: `time.monotonic()` at the node's start.
    """
    every = {**tables, **({"rejected": to_table(rejected, Rejected)} if rejected else {})}
    written = {name: (table.num_rows, parquet_bytes(table)) for name, table in every.items()}
    if task.stage in _JOURNALLED:  # a table that takes the place of an earlier one holds what no journal has
        put_sums(task.journal, [hashlib.sha256(data).hexdigest() for _, data in written.values()])
    outputs = {
        name: put_output(task, ".parquet" if name == "rows" else f".{name}.parquet", rows, data)
        for name, (rows, data) in written.items()
    }
    manifest = Manifest(
        node=task.name,
        parts=task.parts,
        outputs=outputs,
        rows_in=rows_in,
        rows_out=rows_out,
        rows_rejected=len(rejected),
        retry=retry,
        asking=task.asking,
        counts=counts or {},
        seconds=time.monotonic() - started,
    )
    write_manifest(task.run_dir / task.folder / f"{task.shard}.json", manifest)
    return manifest
