"""Math problems without a gold are refused unless responses are to vote on them; what else is wrong still counts."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hipo_data.schemas.config import SourceConfig
from hipo_data.schemas.gold import MathGold, NoGold
from tests.stages.ingest.ingesting import (
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
    table,
    write,
)

TESTS = '{"inputs": ["1"], "outputs": ["2"]}'
SOURCES: dict[str, Any] = {
    "acereason": acereason, "skywork": skywork, "am_thinking": am_thinking, "ii_thought": ii_thought, "table": table
}  # fmt: skip


def source(kind: str, folder: Path, *rows: Line, **changes: Any) -> SourceConfig:
    made: SourceConfig = SOURCES[kind](write(folder / f"{kind}.jsonl", rows), **changes)
    return made


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("table", {"question": "q"}),
        ("table", {"question": "q", "answer": None}),
        ("table", {"question": "q", "answer": " "}),
        ("acereason", ace_row("q", "")),
        ("skywork", sky_row("q", "[]")),
        ("am_thinking", am_row("q", None)),
        ("am_thinking", am_row("q", "nan")),
        ("ii_thought", ii_row("q", {"value": None})),
    ],
)
def test_a_math_problem_without_a_gold_is_kept_only_where_responses_are_to_vote(
    kind: str, row: Line, tmp_path: Path
) -> None:
    given = source(kind, tmp_path, row)
    assert read(given).problems == []
    found = read(given, keeps_without_gold=True)
    assert [problem.gold for problem in found.problems] == [NoGold()]
    assert found.accounts.without_gold == 1
    assert "kept for responses to vote on: 1." in found.accounts.remarks[0]


@pytest.mark.parametrize(
    ("kind", "row", "reason"),
    [
        ("am_thinking", am_row("q", None, "code"), "no_gold"),
        ("skywork", sky_row("q", "[]", "code"), "empty_gold"),
        ("skywork", sky_row("q", "{", "code"), "bad_gold"),
        ("acereason", ace_row("q", None), "bad_column"),
        ("table", {"question": " "}, "empty_question"),
    ],
)
def test_programs_without_tests_and_rows_that_cannot_be_read_are_still_refused(
    kind: str, row: Line, reason: str, tmp_path: Path
) -> None:
    assert reasons(read(source(kind, tmp_path, row), keeps_without_gold=True)) == {reason: 1}


def test_a_pattern_that_finds_nothing_does_not_turn_golds_into_votes(tmp_path: Path) -> None:
    rows = [{"question": "q", "answer": "#### 5"}, {"question": "r", "answer": None}]
    found = read(source("table", tmp_path, *rows, gold_pattern="A: (.*)"), keeps_without_gold=True)
    assert reasons(found) == {"gold_not_found": 1}
    assert [problem.question for problem in found.problems] == ["r"]


@pytest.mark.parametrize("first", ["acereason", "table"])
def test_a_gold_of_another_source_is_taken_and_nothing_is_voted_on(first: str, tmp_path: Path) -> None:
    both = [source("acereason", tmp_path, ace_row("q", "5")), source("table", tmp_path, {"question": "q"})]
    found = read(*(both if first == "acereason" else reversed(both)), keeps_without_gold=True)
    (problem,) = found.problems
    assert problem.gold == MathGold(answers=["5"])
    assert len(problem.sources) == 2 and found.accounts.without_gold == 0


def test_two_sources_without_a_gold_are_one_problem_and_one_with_tests_is_a_conflict(tmp_path: Path) -> None:
    plain = source("table", tmp_path, {"question": "q"}, {"question": "p"})
    other = source("skywork", tmp_path, sky_row("q", "[]"), sky_row("p", TESTS, "code"))
    found = read(plain, other, keeps_without_gold=True)
    (problem,) = found.problems
    assert (problem.question, problem.gold, len(problem.sources)) == ("q", NoGold(), 2)
    assert Counter(row.reason for row in found.rejected) == {"gold_conflict": 2}
