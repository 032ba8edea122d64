"""Wrong programs are never graded right, whatever they do, in any gold shape; honest ones that look odd are."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from hipo_data.graders import Grader
from hipo_data.schemas.records import Grade, Status
from tests.graders.attacks_by_value import BY_VALUE
from tests.graders.attacks_on_the_machine import EXHAUSTING, ON_THE_MACHINE
from tests.graders.attacks_on_the_verdict import ON_THE_VERDICT
from tests.graders.conftest import code
from tests.graders.honest import HONEST
from tests.graders.shapes import golds, source

PROGRAMS = {
    "attack on the verdict": ON_THE_VERDICT,
    "attack by value": BY_VALUE,
    "attack on the machine": ON_THE_MACHINE,
    "exhausting": EXHAUSTING,
    "honest": HONEST,
}
SHAPES = list(golds())
AT_ONCE = ["stdin", "call", "check", "asserts by driver"]
"""Shapes that differ most; the others are left to the long tests."""
EXHAUSTED = ["stdin", "call", "check by driver"]
"""Shapes for programs that take all that they are let have, each up to its time limit."""
Graded = Callable[[str, str], dict[str, Grade]]


@pytest.fixture(scope="module")
def graded(grader: Grader, patient: Grader) -> Graded:
    @cache
    def column(kind: str, shape: str) -> dict[str, Grade]:
        """The grades of all programs of a kind in a shape, by name."""
        requests = [code(golds()[shape], source(program, shape)) for program in PROGRAMS[kind]]
        grades = (patient if kind == "honest" else grader).grade(requests)
        return dict(zip((program.name for program in PROGRAMS[kind]), grades, strict=True))

    return column


def cases() -> list[Any]:
    found = []
    for kind, programs in PROGRAMS.items():
        for shape in EXHAUSTED if kind == "exhausting" else SHAPES:
            marks = [pytest.mark.slow] if kind == "exhausting" else []
            if shape not in AT_ONCE or (kind == "exhausting" and shape != EXHAUSTED[0]):
                marks.append(pytest.mark.long)
            found += [pytest.param(kind, program.name, shape, marks=marks) for program in programs]
    return found


@pytest.mark.parametrize(("kind", "name", "shape"), cases())
def test_a_program_gets_its_verdict(graded: Graded, kind: str, name: str, shape: str) -> None:
    grade = graded(kind, shape)[name]
    if kind == "honest":
        assert grade.status is Status.CORRECT, grade
        assert grade.tests_passed == grade.tests_total == 4
    else:
        assert grade.status is Status.INCORRECT, grade


@pytest.mark.slow
def test_the_workers_live_on(graded: Graded, grader: Grader) -> None:
    graded("exhausting", "stdin")
    requests = [code(golds()[shape], source(HONEST[0], shape)) for shape in SHAPES]
    assert {grade.status for grade in grader.grade(requests)} == {Status.CORRECT}


TYPES = [
    ("1", "True", False),
    ("True", "1", False),
    ("0", "False", False),
    ("[1, 0]", "[True, False]", False),
    ("2", "2.0", True),
    ("0.3", "0.1 + 0.2", True),
    ("0.3", "0.301", False),
    ("'1'", "1", False),
    ("[1, 2]", "(1, 2)", False),
    ("(1, 2)", "(1, 2)", True),
    ("{1: 2}", "Counter({1: 2})", True),
    ("{1, 2}", "[1, 2]", False),
    ("None", "0", False),
    ("[]", "None", False),
    ("1", "type('Int', (int,), {})(1)", True),
    ("'a'", "type('Str', (str,), {})('a')", True),
    ("1", "type('Int', (int,), {'__eq__': lambda *a: True})(2)", False),
]


@pytest.mark.parametrize("driven", [False, True])
@pytest.mark.parametrize(("expected", "returned", "right"), TYPES)
def test_types_are_compared_strictly(grader: Grader, expected: str, returned: str, right: bool, driven: bool) -> None:
    line = f"for _ in range(2): assert f(0) == {expected}" if driven else f"assert f(0) == {expected}"
    grade = grader.grade([code({"assert_case": [line]}, f"def f(x): return {returned}")])[0]
    assert grade.status is (Status.CORRECT if right else Status.INCORRECT), grade


@pytest.mark.parametrize(
    ("expected", "returned", "right"),
    [
        ("1", "True", False),
        ("[1, 2]", "(1, 2)", True),
        ('{"1": 2}', "{1: 2}", True),
        ('{"1": 2}', "{2: 2}", False),
        ('{"1": 2}', "{True: 2}", False),
        ('"1"', "1", False),
        ("1", "'1'", False),
    ],
)
def test_json_values_are_compared_strictly(grader: Grader, expected: str, returned: str, right: bool) -> None:
    gold = {"fn_name": "f", "inputs": ["0"], "outputs": [expected]}
    grade = grader.grade([code(gold, f"def f(x): return {returned}")])[0]
    assert grade.status is (Status.CORRECT if right else Status.INCORRECT), grade


@pytest.mark.parametrize(
    ("body", "right"),
    [("yield from (1, 2)", True), ("yield 1", False), ("while True: yield 1", False), ("return\n    yield", False)],
)
def test_what_a_program_yields_is_a_list_in_json(grader: Grader, body: str, right: bool) -> None:
    gold = {"fn_name": "f", "inputs": [[0]], "outputs": [[[1, 2]]]}
    grade = grader.grade([code(gold, f"def f(x):\n    {body}")])[0]
    assert grade.status is (Status.CORRECT if right else Status.INCORRECT), grade


def test_arguments_that_tests_look_at_again_show_what_was_done_to_them(grader: Grader) -> None:
    test = "def check(candidate):\n    a = [3, 1]\n    candidate(a)\n    assert a == [1, 3]"
    gold = {"test_code": test, "entry_point": "f"}
    programs = ["def f(x): x.sort()", "def f(x): pass", "def f(x):\n    x.clear()\n    return x"]
    statuses = [grade.status for grade in grader.grade([code(gold, program) for program in programs])]
    assert statuses == [Status.CORRECT, Status.INCORRECT, Status.INCORRECT]


def test_an_argument_that_is_also_the_expected_value_cannot_be_changed(grader: Grader) -> None:
    test = "def check(candidate):\n    for a in ([1], [2]):\n        assert candidate(a) == a"
    program = "def f(x):\n    x.clear()\n    return x"
    assert grader.grade([code({"test_code": test, "entry_point": "f"}, program)])[0].status is Status.INCORRECT


def test_helpers_of_the_tests_are_never_the_candidates(grader: Grader) -> None:
    test = "def check(candidate):\n    for x in (1, 2):\n        assert encode(candidate(encode(x))) == encode(x)"
    gold = {"test_code": test, "entry_point": "decode"}
    question = "def encode(x):\n    return x + 7\n\ndef decode(x):\n    pass\n"
    cheat = "def encode(x): return 0\ndef decode(x): return 0"
    honest = "def decode(x): return x - 7"
    statuses = [grade.status for grade in grader.grade([code(gold, text, question) for text in (cheat, honest)])]
    assert statuses == [Status.INCORRECT, Status.CORRECT]
    assert grader.grade([code(gold, cheat)])[0].status is Status.UNKNOWN


def test_objects_of_the_candidate_serve_as_arguments(grader: Grader) -> None:
    gold = {"assert_case": ["assert longest([Pair(5, 24), Pair(1, 2)], 2) == 24", "assert Pair(1, 2).b == 2"]}
    program = """
class Pair:
    def __init__(self, a, b): self.a, self.b = a, b
def longest(pairs, n): return max(pair.b for pair in pairs)
"""
    assert grader.grade([code(gold, program)])[0].status is Status.CORRECT
