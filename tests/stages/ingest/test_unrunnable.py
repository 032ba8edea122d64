"""Golds that nobody can run never become problems: no token is spent on what the grader would refuse as well."""

import json
from pathlib import Path
from typing import Any

import pytest

from hipo_data.schemas.gold import CallGold, StdinGold
from tests.stages.ingest.ingesting import Ingested, read, reasons, sky_row, skywork, write

CHECKER = "def check(input, output, expected): return output != ''"


def ingested(path: Path, gold: Any, question: str = "The question.", **config: Any) -> Ingested:
    return read(skywork(write(path / "x.jsonl", [sky_row(question, json.dumps(gold), "code")])), **config)


@pytest.mark.parametrize(
    ("gold", "reason", "said"),
    [
        ({"inputs": [None], "outputs": ["1"]}, "empty_gold", "every test lacks its input or output"),
        ({"inputs": [{"n": 1}], "outputs": ["1"]}, "bad_gold", "a test has a dict"),
        ({"inputs": ["[1, 2"], "outputs": ["1"], "fn_name": "f"}, "bad_gold", "neither JSON nor Python: '[1, 2'"),
        ({"assert_case": ["assert f(1"]}, "bad_gold", "assert_case does not parse"),
        ({"assert_case": ["assert 1 == 1"]}, "bad_gold", "the asserts call nothing that a program could define"),
        ({"test_code": "def check(c):\n    c(1)", "entry_point": "f"}, "bad_gold", "the tests assert nothing"),
        ({"inputs": ["1"], "outputs": ["1"], "checker": "print(1)"}, "bad_gold", "neither defines check"),
        ({"inputs": ["1"], "outputs": ["1"], "checker": CHECKER + "\neval"}, "bad_gold", "decide its own verdict"),
    ],
)
def test_a_gold_that_nobody_can_run_is_refused_with_the_reason(
    tmp_path: Path, gold: Any, reason: str, said: str
) -> None:
    found = ingested(tmp_path, gold)
    assert found.problems == []
    assert reasons(found) == {reason: 1}
    assert said in found.rejected[0].detail


def test_tests_that_lack_a_side_are_left_out(tmp_path: Path) -> None:
    (problem,) = ingested(tmp_path, {"inputs": ["1", None, "3"], "outputs": ["2", "2", "4"]}).problems
    assert problem.gold == StdinGold(inputs=["1", "3"], outputs=["2", "4"])


def test_results_that_are_texts_stay_texts(tmp_path: Path) -> None:
    (problem,) = ingested(tmp_path, {"inputs": [["abc"]], "outputs": [["cba"]], "fn_name": "f"}).problems
    assert problem.gold == CallGold(fn_name="f", inputs=['"abc"'], outputs=['"cba"'])


def test_a_question_with_several_answers_needs_a_checker(tmp_path: Path) -> None:
    question = "Find a divisor of n. If there are several, print any of them."
    gold = {"inputs": ["15"], "outputs": ["3"]}
    assert reasons(ingested(tmp_path, gold, question, filters={})) == {"any_output": 1}
    (problem,) = ingested(tmp_path, gold | {"checker": CHECKER}, question, filters={}).problems
    assert problem.gold == StdinGold(inputs=["15"], outputs=["3"], checker=CHECKER)
