"""Verdicts: one a rollout, unknown asked again and never taken for wrong."""

from collections.abc import Callable, Sequence

import pytest

from hipo_data.schemas.gold import AssertGold
from hipo_data.schemas.grading import GradeRequest
from hipo_data.schemas.records import FinishReason, Grade, Mode, Status
from hipo_data.stages.verify.verify import verify
from tests.stages.builders import make_problem, make_rollout

PROBLEM = make_problem()
PROBLEMS = {PROBLEM.problem_id: PROBLEM}


class Grades:
    """Grades by a function of the request and the round; keeps the rounds."""

    def __init__(self, status: Callable[[GradeRequest, int], Status]) -> None:
        self._status = status
        self.rounds: list[list[GradeRequest]] = []

    def grade(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        self.rounds.append(list(requests))
        return [
            Grade(
                status=self._status(request, len(self.rounds)),
                reason=f"round {len(self.rounds)}",
                extracted=request.response,
                grader="test/1",
            )
            for request in requests
        ]


def right(request: GradeRequest, number: int) -> Status:
    return Status.CORRECT


def test_every_rollout_gets_one_verdict_in_order_with_what_was_graded() -> None:
    rollouts = [make_rollout(PROBLEM, mode, index, answer=f"{mode} {index}") for mode in Mode for index in (1, 0)]
    grader = Grades(right)
    verdicts = verify(PROBLEMS, iter(rollouts), grader)
    assert [(v.problem_id, v.mode, v.index) for v in verdicts] == [(r.problem_id, r.mode, r.index) for r in rollouts]
    assert [verdict.extracted for verdict in verdicts] == [rollout.answer for rollout in rollouts]
    assert {(verdict.status, verdict.grader) for verdict in verdicts} == {(Status.CORRECT, "test/1")}


def test_the_grader_is_told_question_gold_and_kind_and_only_the_answer() -> None:
    code = make_problem("Write f.", AssertGold(asserts=["assert f()"]))
    grader = Grades(right)
    verify({code.problem_id: code}, [make_rollout(code, reasoning="secret thoughts", answer="def f(): ...")], grader)
    ((request,),) = grader.rounds
    assert (request.question, request.gold, request.kind) == ("Write f.", code.gold, code.kind)
    assert request.response == "def f(): ..."


@pytest.mark.parametrize(
    ("finish", "answer", "status", "reason"),
    [
        (FinishReason.ERROR, None, Status.UNKNOWN, "engine_error"),
        (FinishReason.EMPTY, None, Status.UNKNOWN, "empty_response"),
        (FinishReason.LENGTH, None, Status.INCORRECT, "truncated"),
        (FinishReason.STOP, None, Status.INCORRECT, "no_answer"),
    ],
)
def test_what_has_no_answer_needs_no_grader(
    finish: FinishReason, answer: str | None, status: Status, reason: str
) -> None:
    grader = Grades(right)
    (verdict,) = verify(PROBLEMS, [make_rollout(PROBLEM, finish_reason=finish, answer=answer)], grader)
    assert (verdict.status, verdict.reason, verdict.grader) == (status, reason, "pipeline/1")
    assert grader.rounds == []


def test_a_truncated_response_with_an_answer_is_graded() -> None:
    (verdict,) = verify(PROBLEMS, [make_rollout(PROBLEM, finish_reason=FinishReason.LENGTH)], Grades(right))
    assert verdict.status is Status.CORRECT


def test_what_is_unknown_is_asked_again_and_nothing_else() -> None:
    def shaky(request: GradeRequest, number: int) -> Status:
        return Status.UNKNOWN if request.response == "shaky" and number == 1 else Status.INCORRECT

    answers = ["steady", "shaky", "steady"]
    grader = Grades(shaky)
    verdicts = verify(PROBLEMS, [make_rollout(PROBLEM, index=i, answer=a) for i, a in enumerate(answers)], grader)
    assert [verdict.reason for verdict in verdicts] == ["round 1", "round 2", "round 1"]
    assert [[request.response for request in requests] for requests in grader.rounds] == [answers, ["shaky"]]


def test_what_stays_unknown_is_unknown_after_three_rounds_and_not_wrong() -> None:
    grader = Grades(lambda request, number: Status.UNKNOWN)
    failed = make_rollout(PROBLEM, index=1, finish_reason=FinishReason.ERROR, answer=None)
    verdicts = verify(PROBLEMS, [make_rollout(PROBLEM), failed], grader)
    assert [verdict.status for verdict in verdicts] == [Status.UNKNOWN, Status.UNKNOWN]
    assert [len(requests) for requests in grader.rounds] == [1, 1, 1]


def test_a_grader_that_loses_a_grade_is_caught() -> None:
    class Forgetful(Grades):
        def grade(self, requests: Sequence[GradeRequest]) -> list[Grade]:
            return super().grade(requests)[1:]

    with pytest.raises(ValueError, match="shorter"):
        verify(PROBLEMS, [make_rollout(PROBLEM), make_rollout(PROBLEM, index=1)], Forgetful(right))


def test_no_rollouts_give_no_verdicts() -> None:
    assert verify(PROBLEMS, [], Grades(right)) == []


def test_a_verdict_that_came_with_a_rollout_is_kept_and_says_whose_it_is() -> None:
    came = [
        make_rollout(PROBLEM, index=0, answer=None).model_copy(update={"given": Status.CORRECT, "given_by": "tool"}),
        make_rollout(PROBLEM, index=1).model_copy(update={"given": Status.INCORRECT, "given_by": "tool"}),
        make_rollout(PROBLEM, index=2),
    ]
    verdicts = verify(PROBLEMS, came, Grades(right))
    assert [(each.status, each.reason, each.grader) for each in verdicts] == [
        (Status.CORRECT, "given", "given/tool"),
        (Status.INCORRECT, "given", "given/tool"),
        (Status.CORRECT, "round 1", "test/1"),
    ]
