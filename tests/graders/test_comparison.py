"""When results agree: exactly, or as loosely as the gold or the question says."""

from typing import Any

import pytest

from hipo_data.graders import Grader
from hipo_data.graders.code.comparison import STATED, Comparison, comparison
from hipo_data.graders.code.output import matches
from hipo_data.graders.inside.equality import same_unordered
from hipo_data.schemas.gold import StdinGold
from hipo_data.schemas.records import Status
from tests.graders.conftest import code

PLAIN = StdinGold(inputs=[""], outputs=[""])
ANY_ORDER = "Return the answer in any order."


@pytest.mark.parametrize(("question", "wanted"), STATED)
def test_what_a_question_says(question: str, wanted: Comparison) -> None:
    assert comparison(PLAIN, f"Given n. {question} Then stop.") == wanted


@pytest.mark.parametrize(
    ("expected", "printed", "rules", "right"),
    [
        ("1 2\n3\n", "1 2 \n3", Comparison(), True),
        ("1 2\n3\n", "1 2 3", Comparison(), False),
        ("1 2\n3\n", "3\n1 2", Comparison(), False),
        ("1 2\n3\n", "3\n1 2", Comparison(unordered=True), True),
        ("1 2\n3\n", "2 1\n3", Comparison(unordered=True), True),
        ("1 2\n3\n", "1 3\n2", Comparison(unordered=True), False),
        ("1 2\n3\n", "1 2\n3\n3", Comparison(unordered=True), False),
        ("YES", "Yes", Comparison(), False),
        ("YES", "Yes", Comparison(any_case=True), True),
        ("YES", "No", Comparison(any_case=True), False),
        ("0.5", "0.50000001", Comparison(), True),
        ("0.5", "0.5001", Comparison(), False),
        ("0.5", "0.5001", Comparison(tolerance=1e-3), True),
        ("0.5", "0.6", Comparison(tolerance=1e-3), False),
        ("5", "5.0", Comparison(), False),
        ("5", "5.0", Comparison(tolerance=1e-3), True),
        ("5", "4.9996", Comparison(tolerance=1e-3), True),
        ("5", "4.99", Comparison(tolerance=1e-3), False),
        ("1000000", "1000001", Comparison(tolerance=1e-3), False),
        ("5", "nan", Comparison(tolerance=1e-3), False),
    ],
)
def test_outputs(expected: str, printed: str, rules: Comparison, right: bool) -> None:
    assert matches(expected, printed, rules) is right


@pytest.mark.parametrize(
    ("expected", "got", "right"),
    [
        ([1, 2, 2], [2, 1, 2], True),
        ([1, 2, 2], [1, 1, 2], False),
        ([[1, 2], [3, 4]], [[3, 4], [1, 2]], True),
        ([[1, 2], [3, 4]], [[2, 1], [3, 4]], False),
        ([0.1 + 0.2, 1.0], [1.0, 0.3], True),
        ([1, True], [True, 1], True),
        ([1, 1], [True, 1], False),
        ([], [1], False),
        (5, 5, True),
        ([1], (1,), False),
        (list(range(5000)), list(range(4999, -1, -1)), True),
        (list(range(5000)), list(range(5000, 0, -1)), False),
    ],
    ids=lambda value: str(value)[:30],
)
def test_results_in_any_order(expected: Any, got: Any, right: bool) -> None:
    assert same_unordered(expected, got) is right


SHAPES: dict[str, dict[str, Any]] = {
    "stdin": {"inputs": ["3"], "outputs": ["1\n2\n3"]},
    "call": {"fn_name": "f", "inputs": ["3"], "outputs": ["[1, 2, 3]"]},
    "check": {"test_code": "def check(c):\n    assert c(3) == [1, 2, 3]", "entry_point": "f"},
    "asserts": {"assert_case": ["assert f(3) == [1, 2, 3]"]},
    "driver": {"test_code": "def check(c):\n    for n in (3, 3): assert c(n) == [1, 2, 3]", "entry_point": "f"},
}


def reversed_list(shape: str) -> str:
    program = "def f(n): return list(range(n, 0, -1))"
    return f"{program}\nfor i in f(int(input())): print(i)" if shape == "stdin" else program


@pytest.mark.parametrize("shape", SHAPES)
def test_any_order_where_the_source_says_so(grader: Grader, shape: str) -> None:
    gold, program = SHAPES[shape], reversed_list(shape)
    requests = [code(gold, program), code(gold | {"unordered": True}, program), code(gold, program, ANY_ORDER)]
    wanted = [Status.INCORRECT, Status.CORRECT, Status.CORRECT]
    assert [grade.status for grade in grader.grade(requests)] == wanted
