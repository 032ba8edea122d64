"""Responses of an arm with a budget: those that think for longer are unknown, and never wrong."""

from collections.abc import Sequence

import pytest

from hipo_data.schemas.grading import GradeRequest
from hipo_data.schemas.records import Grade, Mode, Status
from hipo_data.stages.verify.verify import verify
from tests.stages.builders import make_problem, make_rollout

PROBLEM = make_problem()


class Right:
    """Grades every response as right."""

    def grade(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        return [Grade(status=Status.CORRECT, reason="match", grader="test/1") for _ in requests]


@pytest.mark.parametrize(
    ("tokens", "budget", "status", "reason"),
    [
        (100, 100, "correct", "match"),
        (102, 100, "correct", "match"),  # with an opening tag of the response's own
        (103, 100, "unknown", "over_budget"),
        (10**6, None, "correct", "match"),
    ],
)
def test_reasoning_over_the_budget_of_an_arm_is_unknown(
    tokens: int, budget: int | None, status: str, reason: str
) -> None:
    rollout = make_rollout(PROBLEM, Mode("short"), 0, reasoning="so", answer="4").model_copy(
        update={"reasoning_tokens": tokens}
    )
    (verdict,) = verify({PROBLEM.problem_id: PROBLEM}, [rollout], Right(), budget=budget)
    assert (verdict.status, verdict.reason, verdict.mode) == (status, reason, "short")


def test_a_response_that_was_cut_off_far_beyond_its_budget_is_unknown_too() -> None:
    rollout = make_rollout(PROBLEM, Mode("short"), 0, reasoning="so", answer=None).model_copy(
        update={"reasoning_tokens": 900}
    )
    (verdict,) = verify({PROBLEM.problem_id: PROBLEM}, [rollout], Right(), budget=100)
    assert verdict.status is Status.UNKNOWN
