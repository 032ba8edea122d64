"""Questions that take any one of several outputs: without a checker, another one is neither right nor wrong."""

from typing import Any

import pytest

from hipo_data.graders import Grader
from hipo_data.graders.code.several import TAKES_ANY, may_be_another, may_be_another_output, takes_any
from hipo_data.schemas.records import Status
from hipo_data.stages.ingest.filters.rules import rules
from tests.graders.conftest import code

QUESTION = "Find a divisor of n. If there are multiple answers, print any of them."


@pytest.mark.parametrize(("said", "any_one"), TAKES_ANY)
def test_what_a_question_says(said: str, any_one: bool) -> None:
    assert takes_any(f"Given n. {said} Then stop.") is any_one


def test_the_grader_and_the_filter_of_questions_agree() -> None:
    (rule,) = [rule for rule in rules() if rule.name == "any_output"]
    assert [example.question for example in rule.reject if not takes_any(example.question)] == []
    without_checker = [example.question for example in rule.accept if "checker" not in example.gold]
    assert list(filter(takes_any, without_checker)) == []


STDIN = {"inputs": ["15\n"], "outputs": ["3\n"]}
CALL = {"fn_name": "f", "inputs": [[15]], "outputs": [[[3]]]}


@pytest.mark.parametrize(
    ("gold", "program", "status", "reason"),
    [
        (STDIN, "print(3)", Status.CORRECT, "passed"),
        (STDIN, "print(5)", Status.UNKNOWN, "several_answers"),
        (STDIN, "print()", Status.INCORRECT, "wrong_output"),
        (STDIN, "print(1/0)", Status.INCORRECT, "runtime_error"),
        ({"inputs": ["1"], "outputs": ["YES\n1 2"]}, "print('NO')", Status.INCORRECT, "wrong_output"),
        ({"inputs": ["1"], "outputs": ["YES\n1 2"]}, "print('YES\\n2 1')", Status.UNKNOWN, "several_answers"),
        (
            {"inputs": ["1", "2"], "outputs": ["3", "4"]},
            "print(5 if input() == '1' else 1/0)",
            Status.INCORRECT,
            "runtime_error",
        ),
        (CALL, "def f(n): return [3]", Status.CORRECT, "passed"),
        (CALL, "def f(n): return [5]", Status.UNKNOWN, "several_answers"),
        (CALL, "def f(n): return []", Status.INCORRECT, "wrong_result"),
        (CALL, "def f(n): return None", Status.INCORRECT, "wrong_result"),
        (CALL, "def f(n): return '5'", Status.INCORRECT, "wrong_result"),
        ({"assert_case": ["assert f(15) == 3"]}, "def f(n): return 5", Status.UNKNOWN, "several_answers"),
        ({"assert_case": ["assert f(15)"]}, "def f(n): return 0", Status.INCORRECT, "wrong_result"),
        ({"assert_case": ["assert 15 % f(15) == 0"]}, "def f(n): return 4", Status.UNKNOWN, "several_answers"),
        (
            {"test_code": "def check(c):\n    for n in (15, 9): assert n % c(n) < 1", "entry_point": "f"},
            "def f(n): return 4",
            Status.INCORRECT,
            "wrong_result",
        ),
    ],
)
def test_another_output(grader: Grader, gold: dict[str, Any], program: str, status: Status, reason: str) -> None:
    (grade, plain) = grader.grade([code(gold, program, QUESTION), code(gold, program)])
    assert (grade.status, grade.reason) == (status, reason)
    assert plain.status is (Status.CORRECT if status is Status.CORRECT else Status.INCORRECT)


@pytest.mark.parametrize(
    ("expected", "got", "may_be"),
    [
        (3, 5, True),
        (3, 5.0, True),
        (3, True, False),
        (True, False, False),
        ("ab", "ba", True),
        ("ab", "", False),
        ([], [1], False),
        ([1], (2,), True),
        ({"a": 1}, {"b": 1}, True),
        (3, None, False),
        (None, None, False),
    ],
)
def test_which_results_may_be_another(expected: Any, got: Any, may_be: bool) -> None:
    assert may_be_another(expected, got) is may_be


@pytest.mark.parametrize(
    ("expected", "got", "may_be"),
    [("3", "5", True), ("3", " ", False), ("NO", "YES\n1", False), ("YES\n1", "Yes\n2", True), ("-1", "5", True)],
)
def test_which_outputs_may_be_another(expected: str, got: str, may_be: bool) -> None:
    assert may_be_another_output(expected, got) is may_be
