"""One question from many rows: equal golds make one problem with all its sources, golds that differ make none."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.schemas.config import LicencePolicy, SourceConfig
from hipo_data.schemas.gold import AssertGold, CallGold, CheckGold, Gold, MathGold, StdinGold
from hipo_data.schemas.keys import problem_id, problem_ids
from tests.stages.ingest.ingesting import (
    ACEREASON,
    AM_THINKING,
    II_THOUGHT,
    SKYWORK,
    Ingested,
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
    write,
    write_parquet,
)


def ingested(path: Path, *golds: Any, ability: str = "math") -> Ingested:
    """One question with a gold a row."""
    rows = [sky_row("The question.", gold if isinstance(gold, str) else json.dumps(gold), ability) for gold in golds]
    return read(skywork(write(path / "x.jsonl", [*rows])))


@pytest.mark.parametrize(
    ("golds", "kept"),
    [
        (["1/2", "\\frac{1}{2}"], ["1/2"]),
        (["\\frac{1}{2}", "0.5", "1/2"], ["\\frac{1}{2}"]),
        (["1000", "1,000"], ["1000"]),
        (["x+1", "1+x"], ["x+1"]),
        (["(0,1)", "(0, 1)"], ["(0,1)"]),
        (["['1', '2']", "2"], ["1", "2"]),
        (["2", "['1', '2']"], ["2"]),
        (["42", "['42']", '["42"]'], ["42"]),
        (["blue", "Blue"], ["blue"]),
    ],
)
def test_one_answer_in_other_writing_is_one_problem_with_the_first_gold(
    tmp_path: Path, golds: list[str], kept: list[str]
) -> None:
    (problem,) = ingested(tmp_path, *golds).problems
    assert problem.gold == MathGold(answers=kept)
    assert [source.row for source in problem.sources] == list(range(len(golds)))


@pytest.mark.parametrize(
    "golds",
    [["1", "2"], ["1/2", "0.5", "1/3"], ["1", "1", "1", "2"], ["0.333", "1/3"], ["x+1", "x-1"], ["yes", "no"]],
)
def test_answers_that_differ_leave_no_row_and_each_names_all(tmp_path: Path, golds: list[str]) -> None:
    found = ingested(tmp_path, *golds)
    assert found.problems == []
    assert reasons(found) == {"gold_conflict": len(golds)}
    for row in found.rejected:
        assert all(f"{SKYWORK} x.jsonl:{number}" in row.detail for number in range(len(golds)))
        assert "is not" in row.detail
        assert row.row == "The question."


TWO = {"inputs": ["1", "2"], "outputs": ["a", "b"]}
THREE = {"inputs": ["1", "2", "3"], "outputs": ["a", "b", "c"]}
SPACED = {"inputs": ["1 \n", "2", "5"], "outputs": ["a\n", " b", "e"]}
CHECKER = "def check(input, output, expected): return True"
OTHER = {"inputs": ["2"], "outputs": ["x"]}
CHECK = {"test_code": "def check(f):\n    assert f(1) == 2", "entry_point": "f"}
CHECK_TWO = {"test_code": "def check(f):\n    assert f(1) == 2\n    assert f(2) == 3", "entry_point": "f"}


def called(tests: dict[str, list[str]]) -> dict[str, list[str]]:
    """What is made of tests of a function: results that are no JSON are texts."""
    return tests | {"outputs": [json.dumps(text) for text in tests["outputs"]]}


@pytest.mark.parametrize(
    ("golds", "kept"),
    [
        ([TWO, THREE], StdinGold(**THREE)),
        ([THREE, TWO], StdinGold(**THREE)),
        ([TWO, {"inputs": ["3", "4"], "outputs": ["c", "d"]}], StdinGold(**TWO)),
        ([TWO, SPACED], StdinGold(**SPACED)),
        ([{"fn_name": "f"} | TWO, {"fn_name": "f"} | THREE], CallGold(fn_name="f", **called(THREE))),
        ([{"fn_name": "f"} | TWO, {"fn_name": "g"} | OTHER], CallGold(fn_name="f", **called(TWO))),
        (
            [TWO, {"inputs": ["1"], "outputs": ["z"], "checker": CHECKER}],
            StdinGold(inputs=["1"], outputs=["z"], checker=CHECKER),
        ),
        ([CHECK, CHECK_TWO], CheckGold(**CHECK_TWO)),
        ([{"assert_case": ["assert f(1) == 2"]}, CHECK_TWO], CheckGold(**CHECK_TWO)),
        ([{"assert_case": ["assert f(1)", "assert f(2)"]}, CHECK], AssertGold(asserts=["assert f(1)", "assert f(2)"])),
    ],
)
def test_of_tests_that_differ_the_most_are_kept(tmp_path: Path, golds: list[Any], kept: Gold) -> None:
    found = ingested(tmp_path, *golds, ability="code")
    (problem,) = found.problems
    assert problem.gold == kept
    assert len(problem.sources) == len(golds)
    assert found.accounts.other_tests == 1
    assert "different tests, of which the most were kept: 1." in found.accounts.remarks[0]


@pytest.mark.parametrize(
    "golds", [[TWO, OTHER], [THREE, TWO, OTHER], [{"fn_name": "f"} | TWO, {"fn_name": "f"} | OTHER]]
)
def test_tests_that_want_two_outputs_of_one_input_are_in_conflict(tmp_path: Path, golds: list[Any]) -> None:
    found = ingested(tmp_path, *golds, ability="code")
    assert reasons(found) == {"gold_conflict": len(golds)}
    assert "two outputs are wanted of the input '2'" in found.rejected[0].detail


def test_math_in_one_source_and_code_in_another_is_a_conflict(tmp_path: Path) -> None:
    ace = write(tmp_path / "ace.jsonl", [ace_row("The question.", "1")])
    sky = write(tmp_path / "sky.jsonl", [sky_row("The question.", json.dumps(TWO), "code")])
    orders: list[list[SourceConfig]] = [[acereason(ace), skywork(sky)], [skywork(sky), acereason(ace)]]
    for sources in orders:
        found = read(*sources)
        assert reasons(found) == {"gold_conflict": 2}
        assert "one source has it as math, another as code" in found.rejected[0].detail


def test_conflicts_of_one_question_leave_all_others_alone(tmp_path: Path) -> None:
    rows = [ace_row(f"q{n % 50}", str(n % 50 + (n == 57))) for n in range(100)]
    found = read(acereason(write(tmp_path / "x.jsonl", [*rows])))
    assert {place[2] for place, outcome in found.outcomes.items() if outcome == "gold_conflict"} == {7, 57}


def in_four_sources(path: Path, **licences: str | None) -> list[Any]:
    """One question in all four shapes, each in a dress of its own."""
    write(path / "ace.jsonl", [ace_row("How much is $2^{3}$, in ½ steps?", "16")])
    write_parquet(path / "sky.parquet", [sky_row("how much is  $2^{3}$, in 1⁄2 steps? ", '["16"]')])
    write(path / "am.jsonl", [am_row("HOW MUCH IS $2^{3}$,\nin ½ steps?", 16)])
    write_parquet(path / "ii.parquet", [ii_row("\tHow\u00a0much is $2^{3}$, ｉｎ ½ steps?", {"value": "16.0"})])
    return [
        acereason(path / "ace.jsonl", licence=licences.get("ace")),
        skywork(path / "sky.parquet", licence=licences.get("sky")),
        am_thinking(path / "am.jsonl", licence=licences.get("am")),
        ii_thought(path / "ii.parquet", licence=licences.get("ii")),
    ]


def test_one_question_in_four_shapes_and_dresses_is_one_problem(tmp_path: Path) -> None:
    (problem,) = read(*in_four_sources(tmp_path)).problems
    assert problem.problem_id == problem_id("How much is $2^{3}$, in ½ steps?")
    assert problem.question == "How much is $2^{3}$, in ½ steps?"
    assert [source.dataset for source in problem.sources] == [ACEREASON, SKYWORK, AM_THINKING, II_THOUGHT]


@settings(max_examples=200)
@given(st.lists(st.text(max_size=12) | st.text("aA ½²₁ｗ\u00a0\t", max_size=8), min_size=1, max_size=8))
def test_an_id_does_not_depend_on_the_questions_beside(questions: list[str]) -> None:
    assert problem_ids(pl.Series(questions)).to_list() == [problem_id(question) for question in questions]


def test_provenance_is_in_the_order_of_the_recipe_then_of_files_then_of_rows(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write(tmp_path / f"{name}.jsonl", [ace_row("other"), ace_row("q"), ace_row("Q ")])
    write(tmp_path / "sky.jsonl", [sky_row("q")])
    found = read(skywork(tmp_path / "sky.jsonl"), acereason(tmp_path / "[ab].jsonl"))
    (sources,) = [problem.sources for problem in found.problems if problem.question == "q"]
    assert [(source.file, source.row) for source in sources] == [
        ("sky.jsonl", 0),
        *[(file, row) for file in ("a.jsonl", "b.jsonl") for row in (1, 2)],
    ]


def test_what_the_first_row_does_not_say_comes_from_the_next_that_does(tmp_path: Path) -> None:
    ace = acereason(write(tmp_path / "ace.jsonl", [ace_row("q")]))
    sky = skywork(write(tmp_path / "sky.jsonl", [sky_row("q")]))
    (problem,) = read(ace, sky).problems
    assert (problem.domain, problem.difficulty) == ("train-math-deepscaler", 0.5)


def test_each_source_keeps_its_own_licence(tmp_path: Path) -> None:
    (problem,) = read(*in_four_sources(tmp_path, ace="CC-BY-4.0", am="MIT")).problems
    assert [source.licence for source in problem.sources] == ["CC-BY-4.0", None, "MIT", None]
    assert problem.licence == "CC-BY-4.0"


@pytest.mark.parametrize(
    ("policy", "refused"),
    [
        (LicencePolicy(refuse=["cc-by-4.0"]), [ACEREASON]),
        (LicencePolicy(undeclared="refuse"), [SKYWORK, II_THOUGHT]),
        (LicencePolicy(accept=["MIT"]), [ACEREASON]),
        (LicencePolicy(accept=["MIT"], undeclared="refuse"), [ACEREASON, SKYWORK, II_THOUGHT]),
    ],
)
def test_a_refused_licence_costs_the_row_but_not_the_same_question_under_another(
    tmp_path: Path, policy: LicencePolicy, refused: list[str]
) -> None:
    sources = in_four_sources(tmp_path, ace="CC-BY-4.0", am="MIT")
    found = read(*sources, filters={}, licences=policy)
    (problem,) = found.problems
    every = [ACEREASON, SKYWORK, AM_THINKING, II_THOUGHT]
    assert [source.dataset for source in problem.sources] == [name for name in every if name not in refused]
    assert {(row.sources[0].dataset, row.reason) for row in found.rejected} == {(name, "licence") for name in refused}
    if ACEREASON in refused:
        assert problem.licence != "CC-BY-4.0"
        assert problem.question != "How much is $2^{3}$, in ½ steps?"


def test_overlaps_count_each_problem_once_for_every_pair_of_its_sources(tmp_path: Path) -> None:
    ace = acereason(write(tmp_path / "ace.jsonl", [ace_row(f"q{n}") for n in range(10)] * 2))
    sky = skywork(write(tmp_path / "sky.jsonl", [sky_row(f"q{n}") for n in range(5, 20)]))
    am = am_thinking(write(tmp_path / "am.jsonl", [am_row(f"q{n}") for n in (9, 19, 29)]))
    assert read(ace, sky, am, limit=1).accounts.overlaps == {
        ACEREASON: {ACEREASON: 10, SKYWORK: 5, AM_THINKING: 1},
        SKYWORK: {SKYWORK: 15, ACEREASON: 5, AM_THINKING: 2},
        AM_THINKING: {AM_THINKING: 3, ACEREASON: 1, SKYWORK: 2},
    }
