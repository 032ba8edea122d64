"""Whose a name in the tests is: the program has to bring what it is asked for, and nothing that judges it."""

import ast
from typing import Any

import pytest

from hipo_data.graders import Grader
from hipo_data.graders.code.names import names_under_test
from hipo_data.schemas.records import Status
from tests.graders.conftest import code


@pytest.mark.parametrize(
    ("asserted", "tested"),
    [
        ("assert f(1) == 2", ["f"]),
        ("assert sum(10, 15) == 25", ["sum"]),
        ("assert set(similar((1, 2))) == set((1, 2))", ["similar"]),
        ("assert round(sqrt(2), 3) == 1.414", ["sqrt"]),
        ("assert isclose(sqrt(2), 1.414, abs_tol=0.01)", ["sqrt"]),
        ("assert count([1]) == Counter([1])", ["count"]),
        ("assert 3 == gcd(3, 6)", ["gcd"]),
        ("assert str(5) == '5'", ["str"]),
        ("assert is_same_list(merge(list_node([1]), list_node([2])), list_node([1, 2]))", ["merge"]),
        ("assert np.allclose(f(2), 3)", ["f"]),
        ("assert Solution().sum(1, 2) == 3", ["Solution"]),
        ("x = 3\nassert helper(x) == 3", []),
        ("assert True", []),
    ],
)
def test_the_names_that_asserts_leave_to_the_program(asserted: str, tested: list[str]) -> None:
    assert names_under_test(ast.parse(asserted), {"helper"}) == tested


NAMED_LIKE_OTHERS: dict[str, tuple[Any, str, str]] = {
    "sum in a call": ({"fn_name": "sum", "inputs": [[[1, 2]]], "outputs": [[3]]}, "sum", "xs"),
    "gcd in a call": ({"fn_name": "gcd", "inputs": [[4, 6]], "outputs": [[2]]}, "gcd", "a, b"),
    "sum in asserts": ({"assert_case": ["assert sum([1, 2]) == 3"]}, "sum", "xs"),
    "gcd in asserts": ({"assert_case": ["assert gcd(4, 6) == 2"]}, "gcd", "a, b"),
    "sum by driver": ({"assert_case": ["assert [sum([1, 2])] == [3]"]}, "sum", "xs"),
    "sqrt in another call": ({"assert_case": ["assert isclose(sqrt(4), 2)"]}, "sqrt", "x"),
    "sum in a check": ({"test_code": "def check(c):\n    assert c([1, 2]) == 3", "entry_point": "sum"}, "sum", "xs"),
    "gcd by driver": (
        {"test_code": "def check(c):\n    for n in (1, 2): assert c(4, 6) == 2", "entry_point": "gcd"},
        "gcd",
        "a, b",
    ),
}
ANSWERS = {"sum": "3", "gcd": "2", "sqrt": "2"}


@pytest.mark.parametrize("case", NAMED_LIKE_OTHERS)
def test_a_function_named_like_one_that_python_has_is_the_programs_own(grader: Grader, case: str) -> None:
    gold, name, parameters = NAMED_LIKE_OTHERS[case]
    programs = [
        f"def {name}({parameters}): return {ANSWERS[name]}",
        f"def {name}({parameters}): return 99",
        "def other(): pass",
        "isclose = lambda *a, **k: True\ndef other(): pass",
        f"class Solution:\n    def {name}(self, {parameters}): return {ANSWERS[name]}",
    ]
    statuses = [grade.status for grade in grader.grade([code(gold, program) for program in programs])]
    assert statuses[:4] == [Status.CORRECT, Status.INCORRECT, Status.INCORRECT, Status.INCORRECT]
    assert statuses[4] is Status.CORRECT


def test_what_a_program_imports_under_the_name_is_its_own(grader: Grader) -> None:
    gold = {"fn_name": "gcd", "inputs": [[4, 6]], "outputs": [[2]]}
    programs = ["from math import gcd", "from math import *"]
    assert {grade.status for grade in grader.grade([code(gold, program) for program in programs])} == {Status.CORRECT}


MATCH = "import re\ndef found(s): return re.search('y', s)"
TRUTH = [
    ("assert found('xyz')", MATCH, True),
    ("assert found('x')", MATCH, False),
    ("assert not found('x')", MATCH, True),
    ("assert not found('xyz')", MATCH, False),
    ("for s in ('y', 'xy'): assert found(s)", MATCH, True),
    ("for s in ('y', 'x'): assert found(s)", MATCH, False),
    ("assert found('xyz') and not found('x')", MATCH, True),
    ("assert found('xyz') == True", MATCH, False),
    ("assert found('x')", "def found(s): raise ValueError", False),
    ("assert not found('x')", "def found(s): raise ValueError", False),
    ("assert found('x')", "class T:\n    def __bool__(self): raise SystemExit\ndef found(s): return T()", False),
    ("assert found('x')", "class T:\n    def __bool__(self): return 1\ndef found(s): return T()", False),
    ("assert found('x') == 3", "class T:\n    def __eq__(self, o): return True\ndef found(s): return T()", False),
    (
        "assert abs(found('x') - 3) < 1",
        "class T:\n    def __bool__(self): return True\ndef found(s): return T()",
        False,
    ),
    ("assert found('x') in [3]", "class T:\n    def __eq__(self, o): return True\ndef found(s): return T()", False),
]


@pytest.mark.parametrize(("asserted", "program", "right"), TRUTH)
def test_asserts_on_truth(grader: Grader, asserted: str, program: str, right: bool) -> None:
    (grade,) = grader.grade([code({"assert_case": [asserted]}, program)])
    assert grade.status is (Status.CORRECT if right else Status.INCORRECT), grade


def test_an_object_says_once_whether_it_is_true(grader: Grader) -> None:
    turns = "class T:\n    n = 0\n    def __bool__(self):\n        T.n += 1\n        return T.n % 2 == 1\n"
    turns += "def f(x): return T()"
    test = "def check(c):\n    for n in (1,):\n        got = c(n)\n        assert got\n        assert not got"
    (grade,) = grader.grade([code({"test_code": test, "entry_point": "f"}, turns)])
    assert grade.status is Status.INCORRECT
