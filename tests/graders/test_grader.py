"""Batches: math and code side by side, from coroutines and threads, and what one bad answer costs the others."""

import asyncio
from threading import Barrier
from typing import Any

import pytest

from hipo_data.graders import Grader
from hipo_data.schemas.grading import GradingConfig
from hipo_data.schemas.records import Grade, Kind, Status
from tests.graders.conftest import code, math

ADD = {"inputs": ["1\n"], "outputs": ["2\n"]}
RIGHT = "print(int(input()) + 1)"
STUCK = "while True: pass"


def test_answers_and_programs_are_graded_side_by_side() -> None:
    """Each part waits for the other to have begun: one after the other, neither would end."""
    both = Barrier(2, timeout=30)

    class Part:
        def grade(self, requests: Any) -> list[Grade]:
            both.wait()
            return [Grade(status=Status.CORRECT, reason="met", grader="x/1") for _ in requests]

        def close(self) -> None:
            pass

    with Grader(GradingConfig()) as grader:
        grader._math, grader._code = Part(), Part()  # type: ignore[assignment]
        grades = grader.grade([math("1", "1"), code(ADD, RIGHT), math("2", "2")])
    assert [grade.reason for grade in grades] == ["met"] * 3


def test_the_order_of_a_mixed_batch_is_kept(grader: Grader) -> None:
    requests = [math("1", r"\boxed{1}"), code(ADD, RIGHT), math("1", r"\boxed{2}"), code(ADD, "print(1)")]
    statuses = [grade.status for grade in grader.grade(requests)]
    assert statuses == [Status.CORRECT, Status.CORRECT, Status.INCORRECT, Status.INCORRECT]


async def test_coroutines_share_a_grader(grader: Grader) -> None:
    batches = [[math("1", rf"\boxed{{{n}}}"), code(ADD, f"print({n} + 1)")] for n in range(4)]
    found = await asyncio.gather(*map(grader.agrade, batches))
    assert [[grade.status is Status.CORRECT for grade in grades] for grades in found] == [
        [number == 1] * 2 for number in range(4)
    ]


def test_a_gold_of_another_kind_is_refused(grader: Grader) -> None:
    with pytest.raises(ValueError, match="a gold of type stdin for kind math"):
        grader.grade([code(ADD, RIGHT).model_copy(update={"kind": Kind.MATH})])


@pytest.mark.slow
def test_a_poisoned_batch_of_programs_loses_only_the_poison() -> None:
    """With one worker of two stuck at a time, all others are right, and nobody else is out of time."""
    batch = [code(ADD, f"{RIGHT}  # {number}") for number in range(100)]
    batch[30] = code(ADD, STUCK)
    with Grader(GradingConfig(workers=2, code_timeout_s=1.0)) as grader:
        grades = grader.grade(batch)
    assert [(index, grade.reason) for index, grade in enumerate(grades) if grade.status is not Status.CORRECT] == [
        (30, "time_limit")
    ]
