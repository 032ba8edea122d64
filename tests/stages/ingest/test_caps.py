"""Caps: never more than allowed, the same problems whatever the order of rows, and a higher cap only adds."""

from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.schemas.config import Cap, SourceConfig
from hipo_data.schemas.records import Kind
from hipo_data.stages.ingest.caps import Caps
from tests.stages.ingest.ingesting import ACEREASON, SKYWORK, Ingested, acereason, read, sky_row, skywork, write

problems = st.fixed_dictionaries(
    {
        "dataset": st.sampled_from(["a", "b"]),
        "kind": st.sampled_from(["math", "code"]),
        "domain": st.sampled_from([None, "x", "y"]),
        "difficulty": st.sampled_from([None, 0.0, 0.5, 1.0]),
        "kept": st.sampled_from([True, True, False]),
    }
)
caps = st.builds(
    Cap,
    problems=st.integers(1, 4),
    source=st.sampled_from([None, "a", "c"]),
    kind=st.sampled_from([None, Kind.MATH]),
    domain=st.sampled_from([None, "x"]),
    difficulty_from=st.sampled_from([None, 0.5]),
    difficulty_to=st.sampled_from([None, 0.5]),
)
SCHEMA = {"dataset": pl.String, "kind": pl.String, "domain": pl.String, "difficulty": pl.Float64, "kept": pl.Boolean}


def fits(row: dict[str, Any], cap: Cap) -> bool:
    """What a cap means, said plainly."""
    difficulty = row["difficulty"]
    if (cap.difficulty_from, cap.difficulty_to) != (None, None) and difficulty is None:
        return False
    return (
        cap.source in (None, row["dataset"])
        and cap.kind in (None, row["kind"])
        and cap.domain in (None, row["domain"])
        and (cap.difficulty_from is None or difficulty >= cap.difficulty_from)
        and (cap.difficulty_to is None or difficulty <= cap.difficulty_to)
    )


def kept(rows: list[dict[str, Any]], caps: list[Cap], limit: int | None, part: int = 100) -> tuple[set[int], list[int]]:
    """Which rows stay when they are shown in parts of `part` rows, and how many each cap left out."""
    deciding = Caps(caps, limit)
    stays: list[bool] = []
    for at in range(0, len(rows), part):
        frame = pl.DataFrame(rows[at : at + part], schema=SCHEMA)
        stays += deciding.keep(frame.drop("kept"), frame["kept"]).to_list()
    return {at for at, stay in enumerate(stays) if stay}, deciding.left_out


rows = st.lists(problems, max_size=25)
limits = st.none() | st.integers(1, 10)


@settings(max_examples=300)
@given(rows=rows, caps=st.lists(caps, max_size=3), limit=limits, part=st.integers(1, 5))
def test_no_cap_is_ever_exceeded_nor_a_problem_left_out_without_one(
    rows: list[dict[str, Any]], caps: list[Cap], limit: int | None, part: int
) -> None:
    stays, left_out = kept(rows, caps, limit)
    assert (stays, left_out) == kept(rows, caps, limit, part)
    every = [*caps, *([Cap(problems=limit)] if limit else [])]
    for cap in every:
        assert sum(fits(rows[at], cap) for at in stays) <= cap.problems
    candidates = {at for at, row in enumerate(rows) if row["kept"]}
    assert stays <= candidates
    assert len(candidates) - len(stays) == sum(left_out)
    for at in candidates - stays:
        assert any(fits(rows[at], cap) for cap in every)


@settings(max_examples=300)
@given(rows=rows, earlier=st.lists(caps, max_size=2), cap=caps, more=st.integers(0, 5))
def test_a_higher_last_cap_only_adds(rows: list[dict[str, Any]], earlier: list[Cap], cap: Cap, more: int) -> None:
    higher = cap.model_copy(update={"problems": cap.problems + more})
    assert kept(rows, [*earlier, cap], None)[0] <= kept(rows, [*earlier, higher], None)[0]


@settings(max_examples=200)
@given(rows=rows, caps=st.lists(caps, max_size=2), limit=st.integers(1, 10), more=st.integers(0, 5))
def test_a_higher_limit_only_adds(rows: list[dict[str, Any]], caps: list[Cap], limit: int, more: int) -> None:
    assert kept(rows, caps, limit)[0] <= kept(rows, caps, limit + more)[0]


def test_what_an_earlier_cap_left_out_takes_no_room_under_a_later_one() -> None:
    row = {"dataset": "a", "kind": "math", "domain": "x", "difficulty": None, "kept": True}
    listed = [row, row, row | {"kind": "code"}]
    assert kept(listed, [Cap(problems=1, kind=Kind.MATH), Cap(problems=2)], None) == ({0, 2}, [1, 0])


@pytest.mark.parametrize("difficulty", [None, 0.25, 0.5, 1.0])
def test_bounds_of_difficulty_are_within_it_and_the_unknown_is_outside(difficulty: float | None) -> None:
    row = {"dataset": "a", "kind": "math", "domain": None, "difficulty": difficulty, "kept": True}
    none_left = kept([row], [Cap(problems=0, difficulty_from=0.25, difficulty_to=0.5)], None)[0]
    assert none_left == (set() if difficulty in (0.25, 0.5) else {0})


def mixed(path: Path, seed: int, first: str = "ace", **config: Any) -> Ingested:
    """60 questions of each of two sources, 20 of them in both; the seed orders the rows."""
    shuffle = Random(seed).shuffle
    ace = [{"problem": f"q{n}", "answer": "1"} for n in range(60)]
    sky = [sky_row(f"Q{n}", "1") for n in range(40, 100)]
    shuffle(ace)
    shuffle(sky)
    sources: list[SourceConfig] = [
        acereason(write(path / "ace.jsonl", [*ace])),
        skywork(write(path / "sky.jsonl", [*sky])),
    ]
    return read(*(sources if first == "ace" else sources[::-1]), **config)


@pytest.mark.parametrize("config", [{"limit": 30}, {"caps": [Cap(problems=25, kind=Kind.MATH)], "limit": 80}])
def test_neither_the_order_of_rows_nor_that_of_sources_changes_what_stays(tmp_path: Path, config: Any) -> None:
    runs = [mixed(tmp_path, seed, first, **config) for seed in (0, 1) for first in ("ace", "sky")]
    assert len({frozenset(p.problem_id for p in run.problems) for run in runs}) == 1
    assert len({tuple(run.accounts.caps) for run in runs}) == 1


def test_caps_by_source_count_problems_by_their_first_source_and_say_what_they_left_out(tmp_path: Path) -> None:
    found = mixed(tmp_path, 0, caps=[Cap(problems=10, source=ACEREASON), Cap(problems=5, source=SKYWORK)], limit=12)
    first = [problem.sources[0].dataset for problem in found.problems]
    assert first.count(ACEREASON) <= 10
    assert first.count(SKYWORK) <= 5
    assert len(first) == 12
    assert found.accounts.caps == [50, 35, 3]
    left_out = sum(account.left_out for account in found.accounts.datasets.values())
    assert left_out == 120 - sum(len(problem.sources) for problem in found.problems)


def test_a_cap_of_none_leaves_all_out_and_loses_no_row(tmp_path: Path) -> None:
    found = mixed(tmp_path, 0, caps=[Cap(problems=0, kind=Kind.MATH), Cap(problems=0, kind=Kind.CODE)])
    assert (found.problems, sum(found.accounts.caps)) == ([], 100)
