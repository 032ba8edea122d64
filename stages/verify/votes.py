"""Votes: what the think-on responses to a problem without a gold agree on, by a rule of `stages.verify.pseudo_gold`.

Of arms it is the responses of the dearest. Samples are a problem's responses by index, whatever order they come in; one
that failed in its engine is no sample. Decided here, with no source: a sample that was cut off, or whose final answer
the math grader does not find, is one without an answer; two answers are the same where that grader finds the second
right by the first.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from hipo_data.graders.golds import NO_ANSWER
from hipo_data.graders.math.extract import final_answer
from hipo_data.schemas.gold import MathGold, NoGold
from hipo_data.schemas.grading import GradeRequest, PseudoGoldConfig
from hipo_data.schemas.records import FinishReason, Mode, Problem, Rollout, Status, Vote
from hipo_data.stages.verify.pseudo_gold import ahead, pseudo_gold
from hipo_data.stages.verify.verify import GradesBatches, grade_patiently


def vote(
    problems: Iterable[Problem],
    rollouts: Iterable[Rollout],
    grader: GradesBatches,
    config: PseudoGoldConfig,
    by: Mode = Mode.THINK_ON,
) -> list[Vote]:
    """A vote for each problem without a gold, in their order.

    Args:
        rollouts: of any problems and modes; those of these problems in the mode `by` have a say.
    """
    without = {problem.problem_id: problem for problem in problems if isinstance(problem.gold, NoGold)}
    samples: dict[str, list[Rollout]] = defaultdict(list)
    for rollout in rollouts:
        sampled = rollout.mode is by and not rollout.finish_reason.is_failure
        if sampled and rollout.problem_id in without:
            samples[rollout.problem_id].append(rollout)
    by_index = {key: sorted(samples[key], key=lambda rollout: rollout.index) for key in without}
    answers = {key: [_answer(rollout) for rollout in each] for key, each in by_index.items()}
    named = _named(without, {key: _first_with(answers[key], by_index[key]) for key in without}, grader)
    return [_vote(key, [each and named[key][each] for each in answers[key]], config) for key in without]


def _answer(rollout: Rollout) -> str | None:
    if rollout.answer is None or rollout.finish_reason is not FinishReason.STOP:
        return None
    answer = final_answer(rollout.answer)
    return None if answer is None or answer.strip() in NO_ANSWER else answer


def _first_with(answers: Sequence[str | None], rollouts: Sequence[Rollout]) -> dict[str, str]:
    """Of each different answer the first response that gives it."""
    found: dict[str, str] = {}
    for answer, rollout in zip(answers, rollouts, strict=True):
        if answer is not None:
            found.setdefault(answer, rollout.answer or "")
    return found


def _named(
    problems: Mapping[str, Problem], responses: Mapping[str, Mapping[str, str]], grader: GradesBatches
) -> dict[str, dict[str, str]]:
    """Each answer's name, by problem: the first of those that are the same.

    In rounds, all problems at once: the first answer that has no name yet names those that are right by it.
    """
    names: dict[str, dict[str, str]] = {key: {} for key in problems}
    open_ = {key: list(answers) for key, answers in responses.items() if answers}
    while open_:
        asked = [(key, texts[0], other) for key, texts in open_.items() for other in texts[1:]]
        requests = [
            GradeRequest(
                id=str(place),
                kind=problems[key].kind,
                question=problems[key].question,
                gold=MathGold(answers=[first]),
                response=responses[key][other],
            )
            for place, (key, first, other) in enumerate(asked)
        ]
        for key, texts in open_.items():
            names[key][texts[0]] = texts[0]
        for (key, first, other), grade in zip(asked, grade_patiently(requests, grader), strict=True):
            if grade.status is Status.CORRECT:
                names[key][other] = first
        left = {key: [text for text in texts if text not in names[key]] for key, texts in open_.items()}
        open_ = {key: texts for key, texts in left.items() if texts}
    return names


def _vote(problem_id: str, answers: Sequence[str | None], config: PseudoGoldConfig) -> Vote:
    agreed = pseudo_gold(answers, config)
    if agreed is not None:
        return Vote(problem_id=problem_id, **agreed._asdict())
    first, second = [*(count for _, count in Counter(filter(None, answers)).most_common(2)), 0, 0][:2]
    return Vote(
        problem_id=problem_id,
        answer=None,
        rule=config.rule,
        samples=len(answers),
        agreeing=first,
        confidence=ahead(first, second),
    )
