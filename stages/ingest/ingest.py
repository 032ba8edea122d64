"""Ingest: source rows become problems, each question once, whatever source and however often it came.

Rows go through memory in blocks, and what is too much for it waits on disk, to be merged by ranges of problem ids. So
what is held does not grow with the number of rows: read and filter, merge by question, drop near-duplicates, cap, write
shards.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from hipo_data.graders import Grader
from hipo_data.schemas.config import IngestConfig
from hipo_data.schemas.gold import NO_GOLD
from hipo_data.stages.ingest.accounts import Accounts
from hipo_data.stages.ingest.caps import Caps
from hipo_data.stages.ingest.in_threads import in_threads
from hipo_data.stages.ingest.merging import ORDER, Merged, merge
from hipo_data.stages.ingest.near_duplicate_search import DUPLICATES, find_near_duplicates
from hipo_data.stages.ingest.none_accepted import Taken, refused_file, why_none
from hipo_data.stages.ingest.origins import Origin, Origins
from hipo_data.stages.ingest.reading.blocks import Block, blocks
from hipo_data.stages.ingest.reading.columns import DETAIL, REFUSED, ROW
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError
from hipo_data.stages.ingest.rows import RESPONSE, read_rows
from hipo_data.stages.ingest.shard_count import shard_bits
from hipo_data.stages.ingest.spill import Parts, Pile, Spill
from hipo_data.stages.ingest.writing import by_shard, places, problem_table, rejected_table, response_table

VERSION = "5"
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


_WRITTEN_BYTES = 2**30
"""Of the shards that are written at the same time."""


@dataclass(frozen=True)
class _Piece:
    """Part of a file, or why none of the file can be read."""

    source: int
    file: int
    block: Block | UnreadableFileError


@dataclass(frozen=True)
class _Read:
    """What is told of a piece; its accepted rows are in the spill."""

    source: int
    rows: int
    accepted: int
    refused: pl.DataFrame
    contaminated: pl.Series


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
        merged, responses = self._merged()
        self._write(merged, self._near_duplicates(merged), responses)
        self._accounts.put_in_order()
        return self._accounts

    def _merged(self) -> tuple[Pile, Spill]:
        """All problems and all responses."""
        rows, responses = Spill(self._work / "rows", _PART), Spill(self._work / "responses", _PART)
        for source in self._origins.sources:
            self._accounts.of(source.dataset)
        taken = [Taken() for _ in self._origins.sources]
        for read in in_threads(lambda piece: self._read(piece, rows, responses), self._pieces()):
            taken[read.source].add(read.rows, read.accepted, read.refused)
            account = self._accounts.of(self._origins.names[read.source])
            account.read += read.rows
            account.count_contaminated(read.contaminated)
            self._reject(read.refused)
        told = zip(self._origins.sources, taken, strict=True)
        self._accounts.none_accepted = [why_none(origin, each) for origin, each in told if not each.accepted]
        merged = Pile(self._work / "merged", rows.parts)

        def merge_part(parts: Parts) -> Merged:
            found = merge(rows.read(parts), self._grader)
            merged.add(parts, found.problems)
            return found

        for found in in_threads(merge_part, merged.parts):
            self._take(found)
        return merged, responses

    def _pieces(self) -> Iterator[_Piece]:
        for source, origin in enumerate(self._origins.sources):
            for number, file in enumerate(origin.files):
                try:
                    for block in blocks(file, origin.reader.columns):
                        yield _Piece(source, number, block)
                except UnreadableFileError as error:
                    yield _Piece(source, number, error)

    def _read(self, piece: _Piece, rows: Spill, responses: Spill) -> _Read:
        origin = self._origins.sources[piece.source]
        place = [pl.lit(piece.source, pl.UInt16).alias("source"), pl.lit(piece.file, pl.UInt32).alias("file")]
        if isinstance(piece.block, UnreadableFileError):
            refused = refused_file(origin.files[piece.file].label, piece.block).with_columns(
                pl.lit(piece.block.row, pl.UInt32).alias(ROW),
                pl.lit(None, pl.String).alias("licence"),
                pl.lit(None, pl.String).alias("own_id"),
                pl.lit("").alias("text"),
            )
            return _Read(piece.source, 1, 0, refused.with_columns(place), pl.Series(dtype=pl.String))
        read = read_rows(piece.block, origin.reader)
        accepted = read.accepted.with_columns(place)
        if RESPONSE[0] in accepted.columns:
            came = accepted.drop_nulls(RESPONSE[:2])
            responses.add(came.select("problem_id", *ORDER, "licence", "own_id", *RESPONSE))
            accepted = accepted.drop(RESPONSE)
        rows.add(accepted)
        return _Read(piece.source, read.rows, len(accepted), read.refused.with_columns(place), read.contaminated)

    def _take(self, merged: Merged) -> None:
        self._accounts.other_tests += merged.other_tests
        self._accounts.count_overlaps(merged.problems["rows"], self._origins.names)
        conflicts = merged.conflicts.with_columns(self._origins.shown(merged.conflicts["rows"]).alias("where"))
        detail = pl.format("the same question has different golds in {}: {}", "where", "detail")
        self._reject_problems(conflicts, "gold_conflict", detail)

    def _near_duplicates(self, merged: Pile) -> pl.DataFrame:
        if self._config.near_duplicates is None:
            return pl.DataFrame(schema=DUPLICATES)
        found = find_near_duplicates(merged, self._config.near_duplicates, self._work / "bands")
        self._accounts.near_other_gold = found.other_gold
        return found.duplicates

    def _write(self, merged: Pile, duplicates: pl.DataFrame, responses: Spill) -> None:
        caps = Caps(self._config.caps, self._config.limit)
        kept: dict[Parts, pl.Series] = {}
        size = 0
        for part in merged.parts:
            problems = merged.read(part, ["problem_id", "source", "kind", "domain", "difficulty"])
            first = ~problems["problem_id"].is_in(duplicates["problem_id"].implode())
            within = caps.keep(problems.with_columns(self._origins.datasets(problems["source"])), first)
            kept[part] = first & within
            size += merged.text_bytes(part, ["question", "gold"], kept[part])
        self._accounts.caps = caps.left_out
        self._accounts.problems = sum(int(mask.sum()) for mask in kept.values())
        bits = shard_bits(self._accounts.problems, self._config.shard_size, size)
        at_once = _WRITTEN_BYTES * 2**bits // max(1, size)

        def write(shard: tuple[int, pl.DataFrame]) -> None:
            index, problems = shard
            table = problem_table(problems, self._origins, self._seed, self._config.validation_fraction)
            self._sinks.shard(bits, index, table)

        for _ in in_threads(write, by_shard(self._kept(merged, kept, duplicates), bits), at_once):
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
            self._accounts.without_gold += int((stays["gold"] == NO_GOLD).sum())
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
        """Rows with source, file, #row, licence, own_id, refused, refused_detail and text."""
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
