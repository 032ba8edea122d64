"""How many tests of how many a program passed, whatever shape the tests have and however the program fails."""

from collections.abc import Iterator

import pytest

from hipo_data.graders import Grader
from hipo_data.schemas.records import Grade
from tests.graders.conftest import code
from tests.graders.shapes import Program, golds, source
from tests.graders.test_evalplus import task

RIGHT = "return x * x + 1"
PROGRAMS = [
    Program("wrong for one", "", f"if x == 2: return 0\n{RIGHT}"),
    Program("raises for one", "", f"if x == 2: raise KeyError\n{RIGHT}"),
    Program("answers with no value for one", "", f"if x == 2: return object()\n{RIGHT}"),
    Program("wrong for all"),
    Program("cannot be loaded", "1 / 0"),
    Program("ends at the third", "import os", f"if x == 5: os._exit(0)\n{RIGHT}"),
    Program("stuck at the third", "", f"while x == 5: pass\n{RIGHT}"),
]
PASSED = [3, 3, 3, 0, 0, 2, 2]


@pytest.fixture(scope="module")
def counted(grader: Grader) -> Iterator[dict[tuple[str, str], Grade]]:
    cases = [(program, shape) for program in PROGRAMS for shape in golds()]
    grades = grader.grade([code(golds()[shape], source(program, shape)) for program, shape in cases])
    yield {(program.name, shape): grade for (program, shape), grade in zip(cases, grades, strict=True)}


@pytest.mark.parametrize("shape", golds())
@pytest.mark.parametrize(
    ("program", "passed"), list(zip(PROGRAMS, PASSED, strict=True)), ids=lambda item: str(item)[:40]
)
def test_tests_are_counted_past_the_first_failure(
    counted: dict[tuple[str, str], Grade], program: Program, passed: int, shape: str
) -> None:
    grade = counted[program.name, shape]
    # A program on standard input is started anew for each test, so what ends early ends only one of them.
    alone = program.name == "ends at the third" and shape in ("stdin", "test cases", "checker")
    assert (grade.tests_passed, grade.tests_total) == (3 if alone else passed, 4), grade


def test_evalplus_tasks_are_counted(grader: Grader) -> None:
    gold = task("f", "def f(x): return x + 1", [[1], [2], [3]])
    programs = ["def f(x): return x + 1", "def f(x): return 3", "def f(x): return [][x]", "def f(x): return g(x)"]
    grades = grader.grade([code(gold, program) for program in programs])
    assert [(grade.tests_passed, grade.tests_total) for grade in grades] == [(3, 3), (1, 3), (0, 3), (0, 3)]


@pytest.mark.parametrize(
    ("body", "counts"),
    [
        ("try:\n        assert c(1) == 0\n    except AssertionError: pass\n    assert c(1) == 2", (1, 1)),
        ("for x in (1, 2):\n        assert c(x) == 2", (1, 2)),
        ("a = c(1)\n    assert a == 2\n    assert c(2)[0] == 5\n    b = c(3)[0]\n    assert b", (1, 3)),
        ("for x in (1, 2):\n        y = c(x)[0]\n        assert y", (0, None)),
        ("assert (y := c(1)) == 2\n    assert y == 2", (2, 2)),
    ],
    ids=["caught", "loop", "ended by an error", "loop ended by an error", "bound in an assert"],
)
def test_tests_that_are_programs_are_counted(grader: Grader, body: str, counts: tuple[int, int | None]) -> None:
    gold = {"test_code": f"def check(c):\n    {body}", "entry_point": "f"}
    grade = grader.grade([code(gold, "def f(x): return x + x if x < 2 else 7")])[0]
    assert (grade.tests_passed, grade.tests_total) == counts, grade


def test_tests_that_never_end_after_a_failure_do_not_excuse_it(grader: Grader) -> None:
    gold = {"test_code": "def check(c):\n    while c(1):\n        assert c(2) == 4", "entry_point": "f"}
    grade = grader.grade([code(gold, "def f(x): return x")])[0]
    assert (grade.status, grade.reason) == ("incorrect", "wrong_result")
