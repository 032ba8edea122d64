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


@pytest.fixture(scope="module")
def attacked(grader: Grader) -> Iterator[Graded]:
    yield _grade(grader, ATTACKS, list(golds()))


@pytest.fixture(scope="module")
def honest(grader: Grader) -> Iterator[Graded]:
    yield _grade(grader, HONEST, list(golds()))


@pytest.mark.parametrize("shape", golds())
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_a_wrong_program_is_wrong(attacked: Graded, attack: Program, shape: str) -> None:
    grade = attacked[attack.name, shape]
    assert grade.status is Status.INCORRECT, grade


@pytest.mark.parametrize("shape", golds())
@pytest.mark.parametrize("program", HONEST, ids=lambda program: program.name)
def test_an_honest_program_is_right(honest: Graded, program: Program, shape: str) -> None:
    grade = honest[program.name, shape]
    assert grade.status is Status.CORRECT, grade
    assert grade.tests_passed == grade.tests_total == 4


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
