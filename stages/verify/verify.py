"""Verify: a verdict for every rollout."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from hipo_data.schemas.gold import Gold, MathGold, NoGold
from hipo_data.schemas.grading import GradeRequest
from hipo_data.schemas.records import FinishReason, Grade, Problem, Rollout, Status, Verdict, Vote

VERSION = "1"
_PIPELINE_GRADER = "pipeline/1"
_RETRIES = 2
_OPENING_TAG = 2
_BY_VOTE = {"match": "agrees", "mismatch": "disagrees"}
"""What reasons are called where a vote stands in for the gold."""


class GradesBatches(Protocol):
    """What verify needs of a grader."""

    def grade(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        """A grade for each request, in order."""


def verify(
    problems: Mapping[str, Problem],
    rollouts: Iterable[Rollout],
    grader: GradesBatches,
    known: Iterable[Verdict] = (),
    votes: Iterable[Vote] = (),
    budget: int | None = None,
) -> list[Verdict]:
    """Verdicts in the order of the rollouts; those `known` by this grader already are taken over.

    A rollout that failed in its engine is `unknown`, as `engine_error`, or as `empty_response` where its response held
    nothing at all. One that came with a verdict that the recipe trusts keeps that, as `given`. One without an answer is
    `incorrect`, as `truncated` where it ran into the token limit and `no_answer` elsewhere. What a grader could not
    tell is asked again, twice at most.

    Responses to a problem without a gold are right (`agrees`) or wrong (`disagrees`) by the answer of its vote; where
    that has none, they are all `unknown` (`no_agreement`).

    A response with more than `budget` tokens of reasoning, where there is one, is `unknown`, as `over_budget`: its
    engine took no notice, as some releases do, and it is none of its arm. An opening tag of two tokens is forgiven:
    engines count from behind it, and where the response writes it itself it is among the reasoning tokens.
    """
    rollouts = list(rollouts)
    voted = {vote.problem_id: vote.answer for vote in votes}
    golds = {rollout.problem_id: _gold(problems[rollout.problem_id], voted) for rollout in rollouts}
    before = {(verdict.problem_id, verdict.mode, verdict.index): verdict for verdict in known}
    grades: dict[int, Grade] = {}
    open_: list[int] = []
    for place, rollout in enumerate(rollouts):
        without = _grade_in(before.get((rollout.problem_id, rollout.mode, rollout.index))) or _without_grader(
            rollout, golds[rollout.problem_id], budget
        )
        if without is None:
            open_.append(place)
        else:
            grades[place] = without
    requests = [_request(problems, rollouts[place], golds[rollouts[place].problem_id], place) for place in open_]
    for place, grade in zip(open_, grade_patiently(requests, grader), strict=True):
        by_vote = isinstance(problems[rollouts[place].problem_id].gold, NoGold)
        reason = _BY_VOTE.get(grade.reason, grade.reason) if by_vote else grade.reason
        grades[place] = grade.model_copy(update={"reason": reason})
    return [
        Verdict(problem_id=rollout.problem_id, mode=rollout.mode, index=rollout.index, **grades[place].model_dump())
        for place, rollout in enumerate(rollouts)
    ]


def grade_patiently(requests: Sequence[GradeRequest], grader: GradesBatches) -> list[Grade]:
    """A grade for each request, in order; what the grader could not tell is asked again, twice at most."""
    grades: dict[int, Grade] = {}
    open_ = list(range(len(requests)))
    for _ in range(1 + _RETRIES):
        grades.update(zip(open_, grader.grade([requests[at] for at in open_]) if open_ else [], strict=True))
        open_ = [at for at in open_ if grades[at].status is Status.UNKNOWN]
    return [grades[at] for at in range(len(requests))]


def _gold(problem: Problem, voted: Mapping[str, str | None]) -> Gold | None:
    if not isinstance(problem.gold, NoGold):
        return problem.gold
    answer = voted.get(problem.problem_id)
    return None if answer is None else MathGold(answers=[answer])


def _grade_in(verdict: Verdict | None) -> Grade | None:
    return verdict and Grade.model_validate(verdict.model_dump(include=set(Grade.model_fields)))


def _without_grader(rollout: Rollout, gold: Gold | None, budget: int | None) -> Grade | None:
    if rollout.finish_reason.is_failure:
        reason = "empty_response" if rollout.finish_reason is FinishReason.EMPTY else "engine_error"
        return Grade(status=Status.UNKNOWN, reason=reason, extracted=None, grader=_PIPELINE_GRADER)
    if budget is not None and rollout.reasoning_tokens > budget + _OPENING_TAG:
        return Grade(status=Status.UNKNOWN, reason="over_budget", extracted=None, grader=_PIPELINE_GRADER)
    if rollout.given is not None:
        return Grade(status=rollout.given, reason="given", extracted=None, grader=f"given/{rollout.given_by}")
    if gold is None:
        return Grade(status=Status.UNKNOWN, reason="no_agreement", extracted=None, grader=_PIPELINE_GRADER)
    if rollout.answer is None:
        reason = "truncated" if rollout.finish_reason is FinishReason.LENGTH else "no_answer"
        return Grade(status=Status.INCORRECT, reason=reason, extracted=None, grader=_PIPELINE_GRADER)
    return None


def _request(problems: Mapping[str, Problem], rollout: Rollout, gold: Gold | None, place: int) -> GradeRequest:
    problem = problems[rollout.problem_id]
    assert gold is not None  # `_without_grader` says so
    return GradeRequest(
        id=str(place), kind=problem.kind, question=problem.question, gold=gold, response=rollout.answer or ""
    )
