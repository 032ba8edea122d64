"""A justification that gives the answer or the solution away is refused by the right code; others pass."""

from typing import Any

import pytest

from prompts.formats.hipo import TAGS
from schemas.config import JustifyConfig
from schemas.gold import AssertGold, MathGold
from schemas.records import FinishReason, Problem, Rollout
from stages.justification_checks import objection
from tests.stages.builders import make_problem, make_rollout

GOOD = "Several sums in a row invite slips, so it pays to go step by step."
CONFIG = JustifyConfig(min_chars=20, max_chars=200)
PROBLEM = make_problem("What is 6 times 7, and 3 more?", MathGold(answers=["45", r"$\frac{90}{2}$"]))
KEPT = make_rollout(
    PROBLEM,
    reasoning="First we multiply six by seven, which makes forty-two, and then we add the rest.",
    answer="The product and the rest make 45 altogether.",
)


def object_to(
    text: str,
    problem: Problem = PROBLEM,
    kept: Rollout = KEPT,
    finish: FinishReason = FinishReason.STOP,
    config: JustifyConfig = CONFIG,
) -> str | None:
    return objection(text, finish, problem, [kept], config)


def test_a_good_justification_passes() -> None:
    assert object_to(GOOD) is None


def test_one_that_was_cut_off_is_refused_however_good_it_looks() -> None:
    assert object_to(GOOD, finish=FinishReason.LENGTH) == "truncated"


@pytest.mark.parametrize(
    ("length", "code"), [(0, "empty"), (1, "too_short"), (19, "too_short"), (20, None), (200, None), (201, "too_long")]
)
def test_length_limits_are_inclusive(length: int, code: str | None) -> None:
    assert object_to("x" * length) == code


@pytest.mark.parametrize("tag", TAGS)
def test_tags_are_refused(tag: str) -> None:
    assert object_to(f"{GOOD} {tag}") == "has_tag"


@pytest.mark.parametrize(
    "leak", ["is 45", "is 45.", "is 45, clearly", "(45)", "$45$", r"\boxed{45}", "=45", r"is \frac{90}{2}", "45 apples"]
)
def test_the_answer_is_found_in_any_dress(leak: str) -> None:
    assert object_to(f"A few steps, and the outcome {leak}") == "leaks_answer"


@pytest.mark.parametrize("number", ["145", "450", "3.45", "45.5", "45,000", "1/45", "45/2", "-45", "x45", "45th"])
def test_other_numbers_that_hold_the_answers_digits_pass(number: str) -> None:
    assert object_to(f"A few steps with numbers as large as {number} here.") is None


def test_an_answer_in_words_is_found_whatever_its_case() -> None:
    problem = make_problem("Who wins?", MathGold(answers=["Alice"]))
    assert object_to("One sees at once that ALICE moves last.", problem) == "leaks_answer"
    assert object_to("One sees at once that Alices move last.", problem) is None


def test_what_the_question_itself_says_may_be_said() -> None:
    problem = make_problem("Is it true that 45 is odd? Answer 45 or 0.", MathGold(answers=["45"]))
    assert object_to("Whether 45 is odd shows in its last digit.", problem) is None


def test_an_empty_gold_does_not_refuse_everything() -> None:
    assert object_to(f"{GOOD} ( )", make_problem("Q", MathGold(answers=["$$", "  "]))) is None


@pytest.mark.parametrize("part", ["reasoning", "answer"])
def test_eight_words_in_a_row_of_the_response_are_a_leak_and_seven_are_not(part: str) -> None:
    parts: dict[str, Any] = {"reasoning": None, "answer": "ok"}
    kept = make_rollout(PROBLEM, **parts | {part: "One two three four five six seven eight nine ten."})
    eight = "Here: two, Three four FIVE six; seven eight nine!"
    assert object_to(eight, kept=kept) == "leaks_solution"
    assert object_to(eight.replace("nine", "none"), kept=kept) is None


def test_words_that_run_on_from_reasoning_into_answer_do_not_hide_a_copy() -> None:
    kept = make_rollout(PROBLEM, reasoning="alpha beta gamma delta", answer="epsilon zeta eta theta")
    assert object_to("alpha beta gamma delta epsilon zeta eta theta", kept=kept) == "leaks_solution"


def test_repeating_the_question_is_no_leak() -> None:
    question = "How many ways are there to seat eight people at a round table?"
    problem = make_problem(question, MathGold(answers=["5040"]))
    kept = make_rollout(problem, reasoning=f"{question} Fix one of them.", answer="5040")
    assert object_to(question, problem, kept) is None


CODE = make_problem("Write add(a, b).\n\ndef add(a, b):", AssertGold(asserts=["assert add(1, 2) == 3"]))
PROGRAM = make_rollout(CODE, answer="```python3\ndef add(a, b):\n    total = a + b\n    return x\n```")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Simple: just compute total = a + b here.", "leaks_solution"),
        ("Simple: start from def add(a, b): and fill it in.", None),
        ("Simple enough to return x in the end, at once.", None),
        ("Simple: one\n```python3\nblock is all that it takes.", None),
        ("Simple: the sum of both arguments, nothing else.", None),
    ],
)
def test_a_line_of_the_program_is_a_leak_unless_short_or_from_the_question(text: str, code: str | None) -> None:
    assert object_to(text, CODE, PROGRAM) == code
