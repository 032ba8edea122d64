"""Neither threads nor the size of blocks, parts or groups changes a byte of what ingest gives."""

import json
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hipo_data.schemas.config import Cap, Decontamination, EvaluationSet, NearDuplicates, SourceConfig
from hipo_data.stages.ingest import spill
from hipo_data.stages.ingest.reading import blocks
from tests.stages.ingest.ingesting import (
    Ingested,
    Line,
    ace_row,
    acereason,
    am_row,
    am_thinking,
    ii_row,
    ii_thought,
    read,
    reasons,
    sky_row,
    skywork,
    the_same,
    write,
    write_parquet,
)

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"]


def question(number: int) -> str:
    return f"In case {number}, how many of the " + " ".join(Random(number % 90).choices(WORDS, k=18)) + " are there?"


def sources(path: Path) -> list[SourceConfig]:
    """Four shapes, with copies, conflicts, contaminated and broken rows."""
    ace: list[Line] = [ace_row(question(n), str(n % 7)) for n in range(150)]
    ace += ["{broken", "", b"\xff", "[]"] * 20
    ace += [ace_row(question(n).upper(), str(n % 7 + (n % 10 == 0))) for n in range(60)]
    Random(0).shuffle(ace)
    write(path / "ace.jsonl", ace)
    sky: list[Line] = [sky_row(question(n), f"['{n % 7}']") for n in range(100, 250)]
    write_parquet(path / "sky.parquet", sky, row_group_size=40)
    tests = [{"inputs": [str(n), "9"][: 1 + n % 2], "outputs": ["x", "y"][: 1 + n % 2]} for n in range(30)]
    write(path / "am.jsonl", [am_row(question(1_000 + n // 2), tests[n], "code") for n in range(30)])
    write_parquet(
        path / "ii.parquet",
        [ii_row(question(n) + " Say it." * (n % 9 == 0), {"value": str(n % 7)}) for n in range(200, 300)],
    )
    write(path / "evaluation.jsonl", [{"question": question(n)} for n in (3, 120, 220, 290)])
    return [
        acereason(path / "ace.jsonl"),
        skywork(path / "sky.parquet"),
        am_thinking(path / "am.jsonl"),
        ii_thought(path / "ii.parquet"),
    ]


def run(path: Path) -> Ingested:
    evaluation = EvaluationSet(name="evaluation", path=str(path / "evaluation.jsonl"))
    return read(
        *sources(path),
        seed=3,
        filters={},
        decontaminate=Decontamination(sets=[evaluation]),
        near_duplicates=NearDuplicates(),
        caps=[Cap(problems=5, difficulty_from=0.5)],
        limit=180,
        shard_size=20,
    )


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    return run(tmp_path_factory.mktemp("usual"))


def test_the_sample_goes_every_way(usual: Ingested) -> None:
    assert len(usual.shards) > 4
    assert set(reasons(usual)) >= {"unreadable", "gold_conflict", "contaminated", "near_duplicate"}
    assert any(account.left_out for account in usual.accounts.datasets.values())


CHANGES: dict[str, list[tuple[Any, str, Any]]] = {
    "one thread": [(os, "sched_getaffinity", lambda pid: {0})],
    "sixteen threads": [(os, "sched_getaffinity", lambda pid: set(range(16)))],
    "small blocks": [(blocks, "_BLOCK_BYTES", 2_000)],
    "small blocks, many threads": [
        (blocks, "_BLOCK_BYTES", 3_777),
        (os, "sched_getaffinity", lambda pid: set(range(8))),
    ],
    "small parts": [(spill, "_TOGETHER_BYTES", 1)],
    "all on disk": [(spill, "_HELD_BYTES", 0)],
    "some on disk": [(spill, "_HELD_BYTES", 20_000), (blocks, "_BLOCK_BYTES", 2_000)],
    "large parts": [(spill, "_TOGETHER_BYTES", 2**40)],
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_bytes_come_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usual: Ingested, change: str) -> None:
    for where, name, value in CHANGES[change]:
        monkeypatch.setattr(where, name, value)
    found = run(tmp_path)
    assert the_same(found, usual)
    assert json.dumps(found.accounts.model_dump()) == json.dumps(usual.accounts.model_dump())
