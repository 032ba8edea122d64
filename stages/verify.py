"""Verify: a verdict for every rollout."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from schemas.grading import GradeRequest
from schemas.records import FinishReason, Grade, Problem, Rollout, Status, Verdict

VERSION = "1"
_PIPELINE_GRADER = "pipeline/1"
_RETRIES = 2


class GradesBatches(Protocol):
    """What verify needs of a grader."""

    def grade(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        """A grade for each request, in order."""


def verify(
    problems: Mapping[str, Problem],
    rollouts: Iterable[Rollout],
    grader: GradesBatches,
    known: Iterable[Verdict] = (),
) -> list[Verdict]:
    """Verdicts in the order of the rollouts; those `known` by this grader already are taken over.

    A rollout that failed in its engine is `unknown` (`engine_error`); one without an answer is `incorrect`, as
    `truncated` where it ran into the token limit and `no_answer` elsewhere. What a grader could not tell is asked
    again, twice at most.
    """
    rollouts = list(rollouts)
    before = {(verdict.problem_id, verdict.mode, verdict.index): verdict for verdict in known}
    grades: dict[int, Grade] = {}
    open_: list[int] = []
    for place, rollout in enumerate(rollouts):
        without = _grade_in(before.get((rollout.problem_id, rollout.mode, rollout.index))) or _without_grader(rollout)
        if without is None:
            open_.append(place)
        else:
            grades[place] = without
    for _ in range(1 + _RETRIES):
        requests = [_request(problems[rollouts[place].problem_id], rollouts[place], place) for place in open_]
        grades.update(zip(open_, grader.grade(requests) if requests else [], strict=True))
        open_ = [place for place in open_ if grades[place].status is Status.UNKNOWN]
    return [
        Verdict(problem_id=rollout.problem_id, mode=rollout.mode, index=rollout.index, **grades[place].model_dump())
        for place, rollout in enumerate(rollouts)
    ]


def _grade_in(verdict: Verdict | None) -> Grade | None:
    return verdict and Grade.model_validate(verdict.model_dump(include=set(Grade.model_fields)))


def _without_grader(rollout: Rollout) -> Grade | None:
    if rollout.finish_reason is FinishReason.ERROR:
        return Grade(status=Status.UNKNOWN, reason="engine_error", extracted=None, grader=_PIPELINE_GRADER)
    if rollout.answer is None:
        reason = "truncated" if rollout.finish_reason is FinishReason.LENGTH else "no_answer"
        return Grade(status=Status.INCORRECT, reason=reason, extracted=None, grader=_PIPELINE_GRADER)
    return None


def _request(problem: Problem, rollout: Rollout, place: int) -> GradeRequest:
    return GradeRequest(
        id=str(place), kind=problem.kind, question=problem.question, gold=problem.gold, response=rollout.answer or ""
    )
