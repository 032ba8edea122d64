"""Damaged rows: each becomes a source of one problem or one row in quarantine with a reason, and nothing crashes."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hipo_data.schemas.config import Decontamination, EvaluationSet, NearDuplicates
from tests.stages.ingest.ingesting import (
    ACEREASON,
    AM_THINKING,
    II_THOUGHT,
    SKYWORK,
    Ingested,
    Place,
    acereason,
    am_thinking,
    ii_thought,
    read,
    skywork,
    write,
)
from tests.stages.ingest.mutations import damaged, mutated_array, mutated_csv, mutated_lines, mutated_parquet
from tests.stages.ingest.test_formats import COMPRESSIONS

DATASETS = {"ace": ACEREASON, "skywork": SKYWORK, "am_thinking": AM_THINKING, "ii_thought": II_THOUGHT}
LINES = 1_000
PARQUET_FILES = 12
PARQUET_ROWS = 25


def build(folder: Path, seed: int) -> set[Place]:
    """Writes the files of all shapes and tells the places of their rows."""
    places: set[Place] = set()
    for shape, dataset in DATASETS.items():
        random = Random(f"{seed} {shape}")
        data = mutated_lines(shape, LINES, random)
        (folder / f"{shape}.jsonl").write_bytes(data)
        lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        places |= {(dataset, f"{shape}.jsonl", at) for at, line in enumerate(lines) if line.strip(b" \t\r\x0b\x0c")}
        for number in range(PARQUET_FILES):
            name = f"{shape}-{number}.parquet"
            (folder / name).write_bytes(mutated_parquet(shape, PARQUET_ROWS, random))
            places |= {(dataset, name, row) for row in range(PARQUET_ROWS)}
    return places


def read_all(folder: Path, **config: Any) -> Ingested:
    """What becomes of the files of all datasets."""
    return read(
        acereason(folder / "ace*"),
        skywork(folder / "skywork*"),
        am_thinking(folder / "am_thinking*", import_rollouts=True),
        ii_thought(folder / "ii_thought*"),
        filters={},
        near_duplicates=NearDuplicates(),
        **config,
    )


@pytest.mark.parametrize("seed", [pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.long)])
def test_every_damaged_row_is_a_problem_or_refused_with_a_reason(tmp_path: Path, seed: int) -> None:
    places = build(tmp_path, seed)
    assert len(places) >= 5_000
    known = write(tmp_path / "known" / "evaluation.jsonl", [{"question": f"What is {n} + 1?"} for n in range(5)])
    found = read_all(tmp_path, decontaminate=Decontamination(sets=[EvaluationSet(name="known", path=str(known))]))
    outcomes = found.outcomes
    # A file that is no Parquet any more is refused as one row.
    gone = {(dataset, file) for (dataset, file, _), outcome in outcomes.items() if outcome == "unreadable_file"}
    assert set(outcomes) == {place for place in places if place[:2] not in gone or place[2] == 0}
    assert found.accounts.rows_read == len(outcomes)
    for dataset in DATASETS.values():
        became = Counter(outcome for place, outcome in outcomes.items() if place[0] == dataset)
        print(dataset, dict(became.most_common()))
        assert became["problem"] > 100
        assert {"unreadable", "empty_gold", "gold_conflict"} <= set(became)


WRITTEN: dict[str, Callable[[str, int, Random], tuple[bytes, int]]] = {
    "jsonl": lambda shape, rows, random: _counted(mutated_lines(shape, rows, random)),
    "json": mutated_array,
    "csv": lambda shape, rows, random: mutated_csv(shape, rows, random, ","),
    "tsv": lambda shape, rows, random: mutated_csv(shape, rows, random, "\t"),
}


def _counted(lines: bytes) -> tuple[bytes, int]:
    return lines, sum(bool(line.strip(b" \t\r\x0b\x0c")) for line in lines.removeprefix(b"\xef\xbb\xbf").split(b"\n"))


@pytest.mark.parametrize("rows", [5, pytest.param(190, marks=pytest.mark.long)])
def test_rows_in_any_form_and_compression_are_conserved(tmp_path: Path, rows: int) -> None:
    """Rows in are rows kept and quarantined: 400, and at length 15,200; a file that is damaged too is one row."""
    random = Random(rows)
    whole: dict[tuple[str, str], int] = {}
    spoilt: set[tuple[str, str]] = set()
    for shape, dataset in DATASETS.items():
        for form, write_rows in WRITTEN.items():
            for compression in ("", *COMPRESSIONS):
                data, count = write_rows(shape, rows, random)
                packed = COMPRESSIONS[compression](data) if compression else data
                name = f"{shape}.{form}{compression}"
                (tmp_path / name).write_bytes(packed)
                whole[dataset, name] = count
                if compression:
                    (tmp_path / f"{shape}-damaged.{form}{compression}").write_bytes(damaged(packed, random))
                    spoilt.add((dataset, f"{shape}-damaged.{form}{compression}"))
    found = read_all(tmp_path)
    assert found.accounts.rows_read == len(found.outcomes)
    by_file = Counter((dataset, file) for dataset, file, _ in found.outcomes)
    assert {place: by_file[place] for place in whole} == whole
    assert {place for place in spoilt if not by_file[place]} == set()
    became = Counter(found.outcomes.values())
    print(sum(whole.values()), dict(became.most_common()))
    assert became["problem"] > sum(whole.values()) / 8
