"""Wrong programs are never graded right, whatever they do, in any gold shape; honest ones that look odd are."""

from collections.abc import Iterator

import pytest

from graders import Grader
from schemas.records import Grade, Status
from tests.graders.conftest import code
from tests.graders.programs import ATTACKS, HONEST, SLOW_ATTACKS, Program, golds, source

Graded = dict[tuple[str, str], Grade]


def _grade(grader: Grader, programs: list[Program], shapes: list[str]) -> Graded:
    cases = [(program, shape) for program in programs for shape in shapes]
    raw = golds()
    grades = grader.grade([code(raw[shape], source(program, shape)) for program, shape in cases])
    return {(program.name, shape): grade for (program, shape), grade in zip(cases, grades, strict=True)}


SOME = ["stdin", "call", "check", "asserts by driver"]
REST = [shape for shape in golds() if shape not in SOME]


@pytest.fixture(scope="module")
def attacked(grader: Grader) -> Iterator[Graded]:
    yield _grade(grader, ATTACKS, SOME)


@pytest.fixture(scope="module")
def attacked_again(grader: Grader) -> Iterator[Graded]:
    yield _grade(grader, ATTACKS, REST)


@pytest.fixture(scope="module")
def honest(grader: Grader) -> Iterator[Graded]:
    yield _grade(grader, HONEST, list(golds()))


@pytest.mark.parametrize("shape", SOME)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_a_wrong_program_is_wrong(attacked: Graded, attack: Program, shape: str) -> None:
    grade = attacked[attack.name, shape]
    assert grade.status is Status.INCORRECT, grade


@pytest.mark.slow
@pytest.mark.parametrize("shape", REST)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_a_wrong_program_is_wrong_in_every_shape(attacked_again: Graded, attack: Program, shape: str) -> None:
    grade = attacked_again[attack.name, shape]
    assert grade.status is Status.INCORRECT, grade


@pytest.mark.parametrize("shape", golds())
@pytest.mark.parametrize("program", HONEST, ids=lambda program: program.name)
def test_an_honest_program_is_right(honest: Graded, program: Program, shape: str) -> None:
    grade = honest[program.name, shape]
    assert grade.status is Status.CORRECT, grade
    assert grade.tests_passed == grade.tests_total == 4


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
]


@pytest.mark.parametrize("driven", [False, True])
@pytest.mark.parametrize(("expected", "returned", "right"), TYPES)
def test_types_are_compared_strictly(grader: Grader, expected: str, returned: str, right: bool, driven: bool) -> None:
    line = f"for _ in range(2): assert f(0) == {expected}" if driven else f"assert f(0) == {expected}"
    grade = grader.grade([code({"assert_case": [line]}, f"def f(x): return {returned}")])[0]
    assert grade.status is (Status.CORRECT if right else Status.INCORRECT), grade


@pytest.mark.parametrize(("expected", "returned", "right"), [("1", "True", False), ("[1, 2]", "(1, 2)", True)])
def test_json_values_are_compared_strictly(grader: Grader, expected: str, returned: str, right: bool) -> None:
    gold = {"fn_name": "f", "inputs": ["0"], "outputs": [expected]}
    grade = grader.grade([code(gold, f"def f(x): return {returned}")])[0]
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


SHAPES = ["stdin", "call", "check by driver"]


@pytest.fixture(scope="module")
def exhausted(grader: Grader) -> Iterator[Graded]:
    yield _grade(grader, SLOW_ATTACKS, SHAPES)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("attack", SLOW_ATTACKS, ids=lambda attack: attack.name)
def test_an_exhausting_program_is_wrong(exhausted: Graded, attack: Program, shape: str) -> None:
    grade = exhausted[attack.name, shape]
    assert grade.status is Status.INCORRECT, grade


@pytest.mark.slow
def test_the_worker_lives_on(exhausted: Graded, grader: Grader) -> None:
    grade = _grade(grader, HONEST[:1], SHAPES)
    assert {item.status for item in grade.values()} == {Status.CORRECT}
