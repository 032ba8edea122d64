"""The mix of a run's examples, taken shard by shard: which rows stay, in which phase, and a file of those set aside."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.store.files import put_file
from hipo_data.pipeline.store.manifest import Output
from hipo_data.schemas.arrow import arrow_schema, fitted
from hipo_data.schemas.records import KEPT_CHARS, Rejected
from hipo_data.stages.publish.mix import PAIR, READ, ROW, SHARE, mix_figures, mixed

_DETAILS = {
    PAIR: "publish.mix.pairs: the other sort of rows of this problem stays",
    SHARE: "publish.mix.think: there are more rows of this sort than their share",
}


class Mixing:
    """Decided over all examples at once, by a narrow set of columns; each shard is then taken by itself."""

    def __init__(self, task: Task, examples: pl.LazyFrame, aside: Path) -> None:
        """Raises `UnfitError` where the examples cannot be mixed as the recipe says.

        Args:
            task: of publish.
            examples: columns of `schemas.records.Example`.
            aside: a file that is not there yet, on the disk of the run.
        """
        config = task.config.publish.mix
        assert config is not None
        rows = mixed(examples.select(READ).collect(), config, task.config.seed)
        self.phases = rows["phase"].drop_nulls().unique().sort().to_list()
        self.figures = mix_figures(rows)
        self._said = rows.select(*ROW, "phase", "aside")
        self._task, self._aside = task, aside
        aside.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(aside, arrow_schema(Rejected), compression="zstd")

    def staying(self, examples: pl.LazyFrame) -> pl.LazyFrame:
        """Those of the examples that stay, in their order."""
        stay = self._said.filter(pl.col("aside").is_null()).lazy()
        return examples.join(stay, on=ROW, how="semi", maintain_order="left")

    def take(self, examples: pl.DataFrame) -> pl.DataFrame:
        """Those of a shard that stay, with `phase`; the others are written to the file."""
        told = examples.join(self._said, on=ROW, how="left", maintain_order="left")
        self._writer.write_table(_rejected(told.filter(pl.col("aside").is_not_null())))
        return told.filter(pl.col("aside").is_null()).drop("aside")

    def put(self) -> dict[str, Output]:
        """Puts the file of those set aside into the run; what the manifest says of it, nothing where it has no rows."""
        self._writer.close()
        rows = sum(self.figures.set_aside.values())
        if not rows:
            return {}
        name, size = f"{self._task.folder}/{self._task.shard}.rejected.parquet", self._aside.stat().st_size
        sha256 = put_file(self._task.run_dir / name, self._aside)
        return {"rejected": Output(path=name, rows=rows, bytes=size, sha256=sha256)}

    def close(self) -> None:
        """Removes what is left of the file."""
        self._writer.close()
        self._aside.unlink(missing_ok=True)


def _rejected(rows: pl.DataFrame) -> pa.Table:
    response = pl.col("messages").list.last().struct.field("content")
    said = rows.select(
        stage=pl.lit("publish"),
        reason="aside",
        detail=pl.col("aside").replace_strict(_DETAILS, return_dtype=pl.String),
        key="problem_id",
        row=pl.format("[{} {}] {}", "mode", "rollout_index", response).str.head(KEPT_CHARS),
        sources="sources",
    )
    return fitted(said.to_arrow(), arrow_schema(Rejected))
