"""Ingest, last part: tables in the form of the records."""

from collections.abc import Iterator

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from hipo_data.schemas.arrow import arrow_schema, fitted
from hipo_data.schemas.keys import seeds
from hipo_data.schemas.records import KEPT_CHARS, Problem, Record, Rejected, Response
from hipo_data.stages.ingest.choices import shown
from hipo_data.stages.ingest.origins import Origins
from hipo_data.stages.ingest.reading.columns import DETAIL, REFUSED, ROW


def rejected_table(refused: pl.DataFrame, origins: Origins) -> pa.Table:
    """`Rejected` records of rows with source, file, #row, licence, own_id, refused, refused_detail and text."""
    frame = refused.with_columns(origins.records(refused).alias("record"))
    source = pl.col("record").struct
    return _table(
        frame.select(
            stage=pl.lit("ingest"),
            reason=REFUSED,
            detail=pl.col(DETAIL).str.head(KEPT_CHARS),
            key=pl.format("{}:{}", source.field("file"), source.field("row")),
            row=pl.col("text").str.head(KEPT_CHARS),
            sources=pl.concat_list("record"),
        ),
        Rejected,
    )


def problem_table(problems: pl.DataFrame, origins: Origins, seed: int, validation_fraction: float) -> pa.Table:
    """`Problem` records, in the given order."""
    problems = shown(problems, seed)
    lists = problems["rows"].to_arrow()
    records = origins.records(pl.DataFrame(problems["rows"].explode().struct.unnest())).to_arrow()
    offsets = pc.subtract(lists.offsets, lists.offsets[0])  # of part of a table they start anywhere
    sources = pl.Series("sources", pa.LargeListArray.from_arrays(offsets, records))
    held_out = seeds(seed, "split", pl.col("problem_id")) < validation_fraction * 2**31
    return _table(
        problems.select(
            "problem_id",
            "kind",
            "question",
            "gold",
            sources,
            "domain",
            "difficulty",
            "licence",
            pl.when(held_out).then(pl.lit("validation")).otherwise(pl.lit("train")).alias("split"),
            "gold_text",
            "options",
        ),
        Problem,
    )


def response_table(responses: pl.DataFrame, origins: Origins) -> pa.Table:
    """`Response` records, in the given order."""
    source = origins.records(responses).alias("source")
    columns = responses.select(
        "problem_id",
        model="response_model",
        text="response",
        mode="response_mode",
        finish_reason="response_ended",
        given="response_given",
        given_by="response_given_by",
    )
    return _table(columns.with_columns(source), Response)


def places(frame: pl.DataFrame) -> pl.DataFrame:
    """All rows of problems, by the columns of a place: `rows` as rows with source, file, #row, licence and own_id."""
    return frame.drop("source", "file", ROW, "licence", "own_id", strict=False).explode("rows").unnest("rows")


def by_shard(parts: Iterator[pl.DataFrame], bits: int) -> Iterator[tuple[int, pl.DataFrame]]:
    """Problems sorted by id, in parts, as whole shards."""
    shard = pl.col("problem_id").str.head(8).str.to_integer(base=16) // 2 ** (32 - bits)
    held: list[pl.DataFrame] = []
    current = -1
    for part in parts:
        start = 0
        for rows, index in part.select(shard.rle()).to_series().struct.unnest().iter_rows():
            if index != current and held:
                yield current, pl.concat(held)
                held = []
            current = index
            held.append(part.slice(start, rows))
            start += rows
    if held:
        yield current, pl.concat(held)


def _table(frame: pl.DataFrame, record: type[Record]) -> pa.Table:
    schema = arrow_schema(record)
    return fitted(frame.to_arrow(compat_level=pl.CompatLevel.oldest()), schema)
