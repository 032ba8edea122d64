"""Near-duplicates among problems that are too many for memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hipo_data.schemas.config import NearDuplicates
from hipo_data.stages.ingest.choices import compared_golds, compared_questions
from hipo_data.stages.ingest.in_threads import in_threads
from hipo_data.stages.ingest.merging import ORDER
from hipo_data.stages.ingest.spill import Pile, Spill
from hipo_data.stages.texts.near_duplicates import (
    PAIRS,
    bands,
    candidate_pairs,
    clusters,
    through_representatives,
    verify,
)

DUPLICATES = pl.Schema({"problem_id": pl.String, "first": pl.String, "similarity": pl.Float64})
_BAND_PART = (pl.col("band") // 2**58).cast(pl.String)


@dataclass(frozen=True)
class NearDuplicatesFound:
    """What a search gave."""

    duplicates: pl.DataFrame
    """Columns of `DUPLICATES`: `first` is the id of the problem that comes first in the order of the sources."""
    other_gold: int
    """Pairs alike in words that both stay, because their golds differ."""


def find_near_duplicates(merged: Pile, config: NearDuplicates, work: Path) -> NearDuplicatesFound:
    """Searches merged problems. Texts are in memory part by part, and those of candidates together.

    Args:
        work: folder for the bands, about 16 bytes a band and problem; made, and must not be there yet.
    """
    if not merged.parts:
        return NearDuplicatesFound(pl.DataFrame(schema=DUPLICATES), 0)
    spilled = Spill(work, _BAND_PART)
    for found in in_threads(lambda numbered: _bands(numbered, config), _numbered(merged, ["question", "kind"])):
        spilled.add(found)
    pairs = pl.concat([pl.DataFrame(schema=PAIRS), *(candidate_pairs(spilled.read(part)) for part in spilled.parts)])
    candidates = _candidates(merged, pairs.unique())
    verified = verify(candidates.pairs, candidates.problems, config)
    # Of a bucket of many not all pairs are candidates: those that a representative may stand for are looked at too.
    more = through_representatives(candidates.pairs, clusters(verified))
    verified = pl.concat([verified, verify(more, candidates.problems, config)])
    ids = candidates.problems.select("row", "problem_id")
    duplicates = (
        clusters(verified)
        .join(verified, left_on=["representative", "row"], right_on=["a", "b"])
        .join(ids, on="row")
        .join(ids.select(representative="row", first="problem_id"), on="representative")
        .select(*DUPLICATES)
        .sort("problem_id")
    )
    return NearDuplicatesFound(duplicates, int((~verified["same_gold"]).sum()))


def _numbered(merged: Pile, columns: list[str]) -> Iterator[pl.DataFrame]:
    """The problems part by part, with `row`: their number in the order of their ids."""
    first = 0
    for part in merged.parts:
        frame = merged.read(part, columns).with_row_index("row", first)
        first += len(frame)
        yield compared_questions(frame)


def _bands(numbered: pl.DataFrame, config: NearDuplicates) -> pl.DataFrame:
    found = bands(numbered["question"], config)
    return found.with_columns(numbered["row"].gather(found["row"]))


@dataclass(frozen=True)
class _Candidates:
    pairs: pl.DataFrame
    problems: pl.DataFrame


def _candidates(merged: Pile, pairs: pl.DataFrame) -> _Candidates:
    """Pairs and their problems, renumbered in the order of the sources, which decides what comes first."""
    rows = pl.concat([pairs["a"], pairs["b"]]).unique()
    columns = ["problem_id", "question", "gold", "kind", *ORDER]
    problems = pl.concat([part.filter(pl.col("row").is_in(rows.implode())) for part in _numbered(merged, columns)])
    problems = compared_golds(problems).sort(ORDER).rename({"row": "number"}).with_row_index("row")
    renumbered = problems.select("number", "row")
    both = pairs.join(renumbered, left_on="a", right_on="number").join(
        renumbered.rename({"row": "other"}), left_on="b", right_on="number"
    )
    ends = pl.min_horizontal("row", "other").alias("a"), pl.max_horizontal("row", "other").alias("b")
    return _Candidates(both.select(*ends), problems)
