"""A justification that gives the answer or the solution away is refused by the right code; others pass."""

from typing import Any

import pytest

from hipo_data.prompts.formats.hipo import TAGS
from hipo_data.schemas.config import JustifyConfig
from hipo_data.schemas.gold import AssertGold, MathGold
from hipo_data.schemas.records import Decision, FinishReason, Mode, Problem, Rollout
from hipo_data.stages.justify.checks import objection
from tests.stages.builders import make_decision, make_problem, make_rollout

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
    decision: Decision | None = None,
    prompt: str = "",
) -> str | None:
    return objection(text, finish, problem, decision or make_decision(problem), prompt, [kept], config)


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


@pytest.mark.parametrize(
    ("answer", "leak"),
    [
        ("3/4", r"it is \frac{3}{4} of it"),
        (r"\dfrac{3}{4}", "it is 3/4 of it"),
        (r"\frac34", "it is 0.75 of it"),
        ("12345", "it is 12,345 in all"),
        ("12{,}345", "it is 12345 in all"),
        (r"50\%", "it is 50% of it"),
        ("50%", "it is 50 percent of it"),
        (r"\boxed{\text{Thursday}}", "it falls on a Thursday then"),
        ("x = 17", "it is 17 in the end"),
        ("3.50", "it is 3.5 in the end"),
        ("17", "答案是17，一看便知，不必多写步骤，直接写出即可"),
    ],
)
def test_the_answer_is_found_in_any_of_its_forms(answer: str, leak: str) -> None:
    problem = make_problem("How much of it?", MathGold(answers=[answer]))
    kept = make_rollout(problem, answer="Nothing.")
    assert object_to(f"A few steps here, and {leak}", problem, kept) == "leaks_answer"


def test_the_final_answer_of_the_response_is_one_too() -> None:
    problem = make_problem("How much of it?", MathGold(answers=["0.75"]))
    kept = make_rollout(problem, answer=r"So it is \boxed{\frac{9}{12}}.")
    assert object_to(r"A few steps here, and it is \frac{9}{12} of it", problem, kept) == "leaks_answer"


def test_a_copy_is_found_in_a_script_without_spaces() -> None:
    problem = make_problem("求和", MathGold(answers=["45"]))
    kept = make_rollout(problem, reasoning="首先把所有的数字按照从小到大的顺序排列好然后相加", answer="完")
    assert (
        object_to("要把所有的数字按照从小到大的顺序排列好，先想一想才不会漏掉任何一个", problem, kept)
        == "leaks_solution"
    )
    assert object_to("数字很多，容易漏掉一个，所以先逐步思考，然后再把结果写下来", problem, kept) is None


def test_a_line_of_the_reference_program_is_a_leak() -> None:
    gold = AssertGold(asserts=["assert add(1, 2) == 3"], reference="def add(a, b):\n    return sum((a, b))")
    problem = make_problem("Write add(a, b).", gold)
    assert object_to("Simple: it is just return sum((a, b)) and done.", problem, PROGRAM) == "leaks_solution"


@pytest.mark.parametrize(
    ("language", "text", "mode"),
    [
        ("en", "Several carries are at stake, so I will work through it step by step.", Mode.THINK_ON),
        ("en", "With this many cases it is worth thinking before writing anything.", Mode.THINK_ON),
        ("en", "This is a single lookup; there is no need to think it through.", Mode.THINK_OFF),
        ("en", "One addition, so this can be answered directly.", Mode.THINK_OFF),
        ("en", "One could reason about it, but I will answer at once.", Mode.THINK_OFF),
        ("en", "It looks easy, and I could answer at once, yet I should reason step by step.", Mode.THINK_ON),
        ("en", "I should think it through rather than answer directly.", Mode.THINK_ON),
        ("en", "This should not be answered at once.", None),
        ("en", "Direct answers always fail here, and carries invite slips.", None),
        ("de", "Mehrere Überträge laden zu Fehlern ein, daher denke ich zuerst nach.", Mode.THINK_ON),
        ("de", "Das ist eine einzige Addition, eine direkte Antwort genügt.", Mode.THINK_OFF),
        ("de", "Hier lohnt es sich, erst nachzudenken, statt sofort zu antworten.", Mode.THINK_ON),
        ("zh", "步骤很多，容易出错，我会先逐步思考。", Mode.THINK_ON),
        ("zh", "只是一次加法，可以直接作答。", Mode.THINK_OFF),
        ("zh", "题目简单，无需反复推理。", Mode.THINK_OFF),
        ("zh", "数字很大，不能直接回答，需要仔细推导。", Mode.THINK_ON),
        ("fr", "Je vais répondre directement.", None),
    ],
)
def test_a_justification_that_argues_for_the_other_mode_is_refused(language: str, text: str, mode: Mode | None) -> None:
    config = JustifyConfig(min_chars=5, max_chars=200, language=language)
    problem = make_problem("Q?", MathGold(answers=["45"]))
    for own in Mode:
        never_right = make_decision(problem, right_off=0, p_off=0.0)
        code = object_to(text, problem, make_rollout(problem, own, answer="ok"), config=config, decision=never_right)
        assert code == ("argues_other_mode" if mode is own.other else None)


@pytest.mark.parametrize(
    ("answer", "text", "code"),
    [
        ("A", "A careful look at a case or two is what it takes.", None),
        ("A", "Of the options it is A, plainly enough.", "leaks_answer"),
        ("A", "Among all the options, (A) is plain to see.", "leaks_answer"),
        (r"\text{B}", "One look, and the answer is $B$ then.", "leaks_answer"),
        ("No", "There is no trap in it, and no case to miss.", None),
        ("No", "One look, and the answer is no for all of them.", "leaks_answer"),
        ("even", "One parity check, and the sum is even.", "leaks_answer"),
        ("even", "Not even a carry is needed in this short sum.", None),
    ],
)
def test_letters_and_everyday_words_leak_only_where_they_are_presented_as_the_answer(
    answer: str, text: str, code: str | None
) -> None:
    problem = make_problem("Which one fits?", MathGold(answers=[answer]))
    assert object_to(text, problem, make_rollout(problem, answer="ok")) == code


@pytest.mark.parametrize(
    "prompt", ["Say in a sentence, and without any numbers, why this problem suits the mode. Do not give it all away."]
)
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Okay: in a sentence, and without any numbers, why this problem suits me.", "copies_prompt"),
        ("Do not give it all away! A few sums.", "copies_prompt"),
        ("In a sentence: many sums, and without any help.", None),
    ],
)
def test_a_justification_that_repeats_its_instruction_is_refused(prompt: str, text: str, code: str | None) -> None:
    assert object_to(text, prompt=prompt) == code


def test_a_justification_with_numbers_of_attempts_or_against_the_numbers_is_refused() -> None:
    decision = make_decision(PROBLEM, right_off=1, p_off=0.125)
    assert object_to("Several sums, and direct answers seldom hold.", decision=decision) is None
    assert object_to("Several sums, and 1 of 8 direct tries was right.", decision=decision) == "states_counts"
    assert object_to("Several sums, and no direct try was right.", decision=decision) == "contradicts_counts"


def test_a_justification_with_results_of_a_mode_that_was_not_sampled_is_refused() -> None:
    unsampled = {"n_on": 0, "right_on": 0, "p_on": None, "p_on_low": None, "p_on_high": None, "tokens_on": None}
    decision = make_decision(PROBLEM, Mode.THINK_OFF, **unsampled, margin=None)
    assert object_to("Two steps, and direct answers are hit and miss.", decision=decision) is None
    assert object_to("Two steps, and thinking does worse.", decision=decision) == "claims_unmeasured"
    assert object_to("Two steps, and no direct try was right.", decision=decision) == "contradicts_counts"
