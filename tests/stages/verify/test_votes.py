"""Problems without a gold are graded by the answer that think-on responses agree on, and by nothing less."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.graders import Grader
from hipo_data.schemas.gold import MathGold, NoGold
from hipo_data.schemas.grading import GradeRequest, GradingConfig, PseudoGoldConfig
from hipo_data.schemas.records import FinishReason, Grade, Kind, Mode, Problem, Rollout, Status, Verdict, Vote
from hipo_data.stages.verify.verify import verify
from hipo_data.stages.verify.votes import vote
from tests.stages.builders import make_problem, make_rollout

WITHOUT = [make_problem(question, NoGold()) for question in ("How many?", "How far?")]
WITH = make_problem("How long?", MathGold(answers=["7"]))
ESC, ADAPTIVE = PseudoGoldConfig(window=3), PseudoGoldConfig(rule="adaptive_consistency")
KINDS = ("finetuning", "verification")
ERROR, LENGTH, STOP = FinishReason.ERROR, FinishReason.LENGTH, FinishReason.STOP


class ByText:
    """Takes answers for the same where their text after the box is, whatever case it has."""

    def grade(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        def right(request: GradeRequest) -> bool:
            assert isinstance(request.gold, MathGold)
            return rf"\boxed{{{request.gold.answers[0]}}}".lower() == request.response.lower()

        return [
            Grade(
                status=Status.CORRECT if right(request) else Status.INCORRECT,
                reason="match" if right(request) else "mismatch",
                grader="test/1",
            )
            for request in requests
        ]


def answers(problem: Problem, texts: str, mode: Mode = Mode.THINK_ON) -> list[Rollout]:
    """A rollout a letter, its answer; `?` was cut off, and `!` failed in its engine."""
    ends = {"?": LENGTH, "!": ERROR}
    return [
        make_rollout(
            problem,
            mode,
            index,
            answer=None if text == "!" else rf"\boxed{{{text}}}",
            finish_reason=ends.get(text, STOP),
        )
        for index, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("texts", "rule", "found"),
    [
        ("abcBBB", ESC, ("b", 6, 4)),
        ("aaabbb", ESC, ("a", 3, 3)),
        ("aab", ESC, (None, 3, 2)),
        ("aa?aaa", ESC, ("a", 6, 5)),
        ("aa!a", ESC, ("a", 3, 3)),
        ("???", ESC, (None, 3, 0)),
        ("", ESC, (None, 0, 0)),
        ("aAaA", ADAPTIVE, ("a", 4, 4)),
        ("abaB", ADAPTIVE, (None, 4, 2)),
    ],
)
def test_answers_are_counted_by_the_grader_and_by_index(
    texts: str, rule: PseudoGoldConfig, found: tuple[str | None, int, int]
) -> None:
    (told,) = vote([WITH, WITHOUT[0]], answers(WITHOUT[0], texts), ByText(), rule)
    assert (told.problem_id, told.answer, told.samples, told.agreeing) == (WITHOUT[0].problem_id, *found)
    assert told.rule == rule.rule


letters = st.text(st.sampled_from("aAab?!"), max_size=9)


@given(texts=st.tuples(letters, letters), off=letters, rule=st.sampled_from([ESC, ADAPTIVE]), data=st.data())
def test_neither_order_nor_other_responses_change_a_vote_or_a_verdict(
    texts: tuple[str, str], off: str, rule: PseudoGoldConfig, data: st.DataObject
) -> None:
    rollouts = [rollout for problem, each in zip(WITHOUT, texts, strict=True) for rollout in answers(problem, each)]
    others = [*answers(WITHOUT[0], off, Mode.THINK_OFF), *answers(WITH, off)]
    told = vote(WITHOUT, rollouts, ByText(), rule)
    assert [each.problem_id for each in told] == [problem.problem_id for problem in WITHOUT]
    mixed = data.draw(st.permutations([*rollouts, *others]))
    assert vote([WITH, *WITHOUT], mixed, ByText(), rule) == told
    assert by_key(graded(mixed, told)) == by_key(graded([*rollouts, *others], told))


def graded(rollouts: Sequence[Rollout], votes: Sequence[Vote]) -> list[Verdict]:
    return verify({each.problem_id: each for each in [WITH, *WITHOUT]}, rollouts, ByText(), votes=votes)


def by_key(verdicts: Sequence[Verdict]) -> dict[tuple[str, Mode, int], tuple[Status, str]]:
    return {(each.problem_id, each.mode, each.index): (each.status, each.reason) for each in verdicts}


@given(texts=letters, off=letters, rule=st.sampled_from([ESC, ADAPTIVE]))
def test_verdicts_of_both_modes_follow_the_vote_and_say_so(texts: str, off: str, rule: PseudoGoldConfig) -> None:
    on, at_once = answers(WITHOUT[0], texts), answers(WITHOUT[0], off, Mode.THINK_OFF)
    (told,) = vote(WITHOUT[:1], on, ByText(), rule)
    verdicts = graded([*on, *at_once], [told])
    assert {verdict.reason for verdict in verdicts} <= {"agrees", "disagrees", "engine_error", "no_agreement"}
    for verdict, text in zip(verdicts, texts + off, strict=True):
        if text == "!":
            assert (verdict.status, verdict.reason) == (Status.UNKNOWN, "engine_error")
        elif told.answer is None:
            assert (verdict.status, verdict.reason) == (Status.UNKNOWN, "no_agreement")
        else:
            assert (verdict.status is Status.CORRECT) == (text.lower() == told.answer.lower())
    right = [verdict for verdict in verdicts[: told.samples] if verdict.status is Status.CORRECT]
    assert told.answer is None or "!" in texts or len(right) == told.agreeing


def test_a_problem_with_a_gold_is_graded_by_it_whatever_its_responses_agree_on() -> None:
    (verdict, *_) = graded(answers(WITH, "aaaaa"), [])
    assert (verdict.status, verdict.reason) == (Status.INCORRECT, "mismatch")


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with Grader(GradingConfig()) as made:
        yield made


@pytest.mark.parametrize(
    ("written", "agreed"),
    [
        ([r"\boxed{\frac{1}{2}}", "The answer is 0.5.", r"so $x = 1/2$", r"\boxed{2}"], r"\frac{1}{2}"),
        ([r"\boxed{12}", "It is 12.", r"\boxed{12}", r"\boxed{13}"], "12"),
        ([r"\boxed{None}", "N/A", r"\boxed{nan}"], None),
    ],
)
def test_answers_in_other_writing_agree_as_the_math_grader_says(
    grader: Grader, written: list[str], agreed: str | None
) -> None:
    rollouts = [make_rollout(WITHOUT[0], index=index, answer=text) for index, text in enumerate(written)]
    (told,) = vote(WITHOUT[:1], rollouts, grader, ESC)
    assert told.answer == agreed


@pytest.mark.slow
def test_what_real_solutions_agree_on_is_mostly_right_and_less_so_the_fewer_have_to(
    grader: Grader, shared_data: Path
) -> None:
    """One solution each of four models, of which a third is right: as many as the page on policies says."""
    lines = (shared_data / "real" / "gsm8k_model_solutions.jsonl").read_text().splitlines()
    golds: dict[str, str] = {}
    problems, rollouts = [], []
    for row in map(json.loads, lines):
        problem = make_problem(row["question"], NoGold())
        if problem.problem_id not in golds:
            golds[problem.problem_id] = row["ground_truth"].rpartition("A:")[2].strip()
            problems.append(problem)
            solutions = [row[f"{size}_{kind}"]["solution"] for size in ("6b", "175b") for kind in KINDS]
            rollouts += [make_rollout(problem, index=index, answer=text) for index, text in enumerate(solutions)]
    found = {}
    for window in (4, 3, 2):
        agreed = [each for each in vote(problems, rollouts, grader, PseudoGoldConfig(window=window)) if each.answer]
        asked = [
            GradeRequest(
                id=each.problem_id,
                kind=Kind.MATH,
                question="",
                gold=MathGold(answers=[golds[each.problem_id]]),
                response=rf"\boxed{{{each.answer}}}",
            )
            for each in agreed
        ]
        found[window] = len(agreed), sum(grade.status is Status.CORRECT for grade in grader.grade(asked))
    assert found == {4: (88, 85), 3: (99, 89), 2: (267, 206)}


@pytest.mark.parametrize(
    ("rule", "confidence", "needs"),
    [("esc", 0.95, 5), ("adaptive_consistency", 0.95, 4), ("adaptive_consistency", 0.99, 6)],
)
def test_as_many_responses_as_a_rule_is_said_to_need_can_settle_it(
    rule: Literal["esc", "adaptive_consistency"], confidence: float, needs: int
) -> None:
    config = PseudoGoldConfig(rule=rule, confidence=confidence)
    assert config.needs == needs
    assert vote(WITHOUT[:1], answers(WITHOUT[0], "a" * needs), ByText(), config)[0].answer == "a"
    assert vote(WITHOUT[:1], answers(WITHOUT[0], "a" * (needs - 1)), ByText(), config)[0].answer is None
