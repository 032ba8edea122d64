"""Where rows come from: the sources of a recipe opened, and their names for every record."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import polars as pl

from hipo_data.schemas.config import IngestConfig, SourceConfig
from hipo_data.stages.ingest.decontamination import EvaluationIndex
from hipo_data.stages.ingest.reading.columns import ROW
from hipo_data.stages.ingest.reading.files import SourceFile, declared_licence, resolved_revision, source_files
from hipo_data.stages.ingest.rows import Reader
from hipo_data.stages.ingest.sources import adapter_of, own_config


@dataclass(frozen=True)
class Origin:
    """One source of the recipe."""

    dataset: str
    revision: str | None
    split: str
    files: list[SourceFile]
    reader: Reader


def files_of(source: SourceConfig) -> list[SourceFile]:
    """The files of a source. Raises `FileNotFoundError` or `SourceError`."""
    adapter = adapter_of(source)
    files = source_files(source, adapter.DATASET, adapter.FILES)
    opened = getattr(adapter, "opened", None)  # of those whose files are no rows yet
    return files if opened is None else list(opened(files, source))


def open_source(
    source: SourceConfig,
    ingest: IngestConfig,
    evaluation: EvaluationIndex | None,
    keeps_without_gold: bool = False,
) -> Origin:
    """A source, ready to be read. Raises `FileNotFoundError` or `SourceError`."""
    adapter = adapter_of(source)
    dataset, revision, licence = source.name or adapter.DATASET, source.revision, source.licence
    files = files_of(source)
    if source.path is None and revision is not None:
        licence = licence or declared_licence(dataset, revision, source.stream)
        revision = resolved_revision(dataset, revision)
    reader = Reader(adapter, own_config(source), ingest, evaluation, licence, keeps_without_gold)
    return Origin(dataset, revision, source.split, files, reader)


class Origins:
    """The sources of a recipe by number, and what records say of numbered rows."""

    def __init__(self, sources: Sequence[Origin]) -> None:
        self.sources = sources
        self.names = {number: source.dataset for number, source in enumerate(sources)}
        self._datasets = pl.Series("dataset", list(self.names.values()), dtype=pl.String)
        self._revisions = pl.Series([source.revision for source in sources], dtype=pl.String)
        self._splits = pl.Series([source.split for source in sources], dtype=pl.String)
        files = [file.label for source in sources for file in source.files]
        self._files = pl.Series(files, dtype=pl.String)
        counts = accumulate((len(source.files) for source in sources), initial=0)
        self._first_files = pl.Series([*counts], dtype=pl.UInt32)

    def records(self, places: pl.DataFrame) -> pl.Series:
        """`Source` structs of rows with source, file, #row, licence and own_id."""
        columns = {
            "dataset": self.datasets(places["source"]),
            "revision": self._revisions.gather(places["source"]),
            "split": self._splits.gather(places["source"]),
            "file": self._files.gather(self._first_files.gather(places["source"]) + places["file"]),
            "row": places[ROW].cast(pl.Int64),
            "licence": places["licence"],
            "id": places["own_id"],
        }
        return pl.DataFrame(columns).to_struct("record")

    def datasets(self, numbers: pl.Series) -> pl.Series:
        """Dataset names of source numbers, as a series `dataset`."""
        return self._datasets.gather(numbers)

    def shown(self, rows: pl.Series) -> pl.Series:
        """Lists of rows as text: `dataset file:row, …`."""
        at = rows.alias("rows").to_frame().with_row_index("at").explode("rows").unnest("rows")
        named = at.select("at", self.records(at)).unnest("record")
        shown = named.select("at", pl.format("{} {}:{}", "dataset", "file", "row").alias("shown"))
        return shown.group_by("at", maintain_order=True).agg(pl.col("shown").str.join(", "))["shown"]
