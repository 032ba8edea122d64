"""Ingest: source rows become problems, each question once, whatever source and however often it came.

Rows go through memory in blocks and wait on disk in partitions by problem id, so what is held does not grow with the
number of rows: read and filter, merge by question, drop near-duplicates, cap, write shards.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log2
from pathlib import Path

import polars as pl
import pyarrow as pa

from graders import Grader
from schemas.config import IngestConfig
from stages.caps import Caps
from stages.in_threads import in_threads
from stages.ingest_accounts import Accounts
from stages.ingest_merge import ORDER, Merged, merge
from stages.ingest_rows import read_rows
from stages.ingest_writing import by_shard, places, problem_table, rejected_table, response_table
from stages.near_duplicate_search import DUPLICATES, find_near_duplicates
from stages.origins import Origin, Origins
from stages.sources.blocks import blocks
from stages.sources.columns import DETAIL, REFUSED, ROW
from stages.sources.parquet_rows import UnreadableFileError
from stages.spill import Parts, Pile, Spill

VERSION = "2"
_RESPONSE = ["response", "response_model"]
_PART = pl.col("problem_id").str.head(2)


@dataclass(frozen=True)
class Sinks:
    """Where results go."""

    shard: Callable[[int, int, pa.Table], None]
    """Called with bits, index and the problems of each shard that holds any, sorted by id; from several threads."""
    responses: Callable[[int, int, pa.Table], None]
    """Called with bits, index and the imported responses of each shard that has any, sorted by problem."""
    rejected: Callable[[pa.Table], None]
    """Called with rejected rows, many times."""


def ingest(
    sources: Sequence[Origin], config: IngestConfig, seed: int, work: Path, grader: Grader, sinks: Sinks
) -> Accounts:
    """Reads all sources. Neither the number of threads nor the size of blocks changes what comes out.

    Args:
        work: a folder for what waits; it takes about twice the size of all questions and golds.
        grader: compares golds of one question that are written differently.

    Raises:
        SourceError: where the Hub fails for good.
    """
    return _Ingest(Origins(sources), config, seed, work, grader, sinks).run()


def shard_bits(problems: int, shard_size: int) -> int:
    """log2 of the number of shards that brings a shard of hashed problems near `shard_size`."""
    return max(0, ceil(log2(problems / shard_size))) if problems else 0


class _Ingest:
    def __init__(
        self, origins: Origins, config: IngestConfig, seed: int, work: Path, grader: Grader, sinks: Sinks
    ) -> None:
        self._origins = origins
        self._config = config
        self._seed = seed
        self._work = work
        self._grader = grader
        self._sinks = sinks
        self._accounts = Accounts()

    def run(self) -> Accounts:
        with Spill(self._work / "rows", _PART) as rows, Spill(self._work / "responses", _PART) as responses:
            for source in range(len(self._origins.sources)):
                self._read(source, rows, responses)
        merged, parts = Pile(self._work / "merged"), rows.parts
        found = in_threads(lambda part: merge(rows.take(part), self._grader), parts)
        for part, problems in zip(parts, map(self._take, found), strict=True):
            merged.add(part, problems)
        self._write(merged, self._near_duplicates(merged), responses)
        self._accounts.put_in_order()
        return self._accounts

    def _read(self, source: int, rows: Spill, responses: Spill) -> None:
        origin = self._origins.sources[source]
        account = self._accounts.of(origin.dataset)
        for number, file in enumerate(origin.files):
            place = [pl.lit(source, pl.UInt16).alias("source"), pl.lit(number, pl.UInt32).alias("file")]
            try:
                for read in in_threads(
                    lambda block: read_rows(block, origin.reader), blocks(file, origin.reader.columns)
                ):
                    account.read += read.rows
                    account.count_contaminated(read.contaminated)
                    accepted = read.accepted.with_columns(place)
                    if _RESPONSE[0] in accepted.columns:
                        responses.add(
                            accepted.drop_nulls(_RESPONSE).select("problem_id", *ORDER, "licence", *_RESPONSE)
                        )
                        accepted = accepted.drop(_RESPONSE)
                    rows.add(accepted)
                    self._reject(read.refused.with_columns(place))
            except UnreadableFileError as error:
                account.read += 1
                row = {ROW: 0, "licence": None, REFUSED: "unreadable_file", DETAIL: f"{file.label} {error}", "text": ""}
                schema = {ROW: pl.UInt32, "licence": pl.String}
                self._reject(pl.DataFrame([row], schema_overrides=schema).with_columns(place))

    def _take(self, merged: Merged) -> pl.DataFrame:
        self._accounts.other_tests += merged.other_tests
        self._accounts.count_overlaps(merged.problems["rows"], self._origins.names)
        conflicts = merged.conflicts.with_columns(self._origins.shown(merged.conflicts["rows"]).alias("where"))
        detail = pl.format("the same question has different golds in {}: {}", "where", "detail")
        self._reject_problems(conflicts, "gold_conflict", detail)
        return merged.problems

    def _near_duplicates(self, merged: Pile) -> pl.DataFrame:
        if self._config.near_duplicates is None:
            return pl.DataFrame(schema=DUPLICATES)
        found = find_near_duplicates(merged, self._config.near_duplicates, self._work / "bands")
        self._accounts.near_other_gold = found.other_gold
        return found.duplicates

    def _write(self, merged: Pile, duplicates: pl.DataFrame, responses: Spill) -> None:
        caps = Caps(self._config.caps, self._config.limit)
        kept: dict[Parts, pl.Series] = {}
        for part in merged.parts:
            problems = merged.read(part, ["problem_id", "source", "kind", "domain", "difficulty"])
            first = ~problems["problem_id"].is_in(duplicates["problem_id"].implode())
            within = caps.keep(problems.with_columns(self._origins.datasets(problems["source"])), first)
            kept[part] = first & within
        self._accounts.caps = caps.left_out
        self._accounts.problems = sum(int(mask.sum()) for mask in kept.values())
        bits = shard_bits(self._accounts.problems, self._config.shard_size)

        def write(shard: tuple[int, pl.DataFrame]) -> None:
            index, problems = shard
            table = problem_table(problems, self._origins, self._seed, self._config.validation_fraction)
            self._sinks.shard(bits, index, table)

        for _ in in_threads(write, by_shard(self._kept(merged, kept, duplicates), bits)):
            pass
        for index, found in by_shard(_responses_of(merged, kept, responses), bits):
            self._sinks.responses(bits, index, response_table(found, self._origins))

    def _kept(self, merged: Pile, kept: dict[Parts, pl.Series], duplicates: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """The problems that stay, part by part; what becomes of the others is recorded on the way."""
        for part in merged.parts:
            problems = merged.read(part)
            near = problems.join(duplicates, on="problem_id", maintain_order="left")
            percent = (100 * pl.col("similarity")).round().cast(pl.Int64)
            detail = pl.format("{}% of its word sequences are those of problem {}", percent, "first")
            self._reject_problems(near, "near_duplicate", detail)
            stays = problems.filter(kept[part])
            left_out = problems.filter(~kept[part]).join(near, on="problem_id", how="anti")
            self._count("left_out", left_out["rows"])
            self._count("kept", stays["rows"])
            self._count("merged", stays["rows"].list.slice(1))
            yield stays

    def _count(self, field: str, rows: pl.Series) -> None:
        sources = rows.explode().struct.field("source").drop_nulls()
        self._accounts.count_rows(field, self._origins.datasets(sources))

    def _reject_problems(self, problems: pl.DataFrame, reason: str, detail: pl.Expr) -> None:
        said = problems.select(
            "rows", detail.alias(DETAIL), pl.lit(reason).alias(REFUSED), pl.col("question").alias("text")
        )
        self._reject(places(said))

    def _reject(self, refused: pl.DataFrame) -> None:
        """Rows with source, file, #row, licence, refused, refused_detail and text."""
        if len(refused):
            self._accounts.count_refused(self._origins.datasets(refused["source"]), refused[REFUSED])
            self._sinks.rejected(rejected_table(refused, self._origins))


def _responses_of(merged: Pile, kept: Mapping[Parts, pl.Series], responses: Spill) -> Iterator[pl.DataFrame]:
    """The responses to the problems that stay, by id and then in the order of the sources."""
    present = {name for parts in responses.parts for name in parts}
    for parts, stays in kept.items():
        ids = merged.read(parts, ["problem_id"]).filter(stays)
        for name in parts:  # one by one, for responses are long
            if name in present:
                yield responses.read((name,)).join(ids, on="problem_id", how="semi").sort("problem_id", *ORDER)
