"""Multiple-choice grading: forms of right answers, answers that name none or two, and what cannot be told."""

import random
from itertools import permutations

import pytest

from hipo_data.graders import Grader
from hipo_data.schemas.gold import ChoiceGold
from hipo_data.schemas.grading import GradeRequest
from hipo_data.schemas.lettered_options import LETTERS
from hipo_data.schemas.records import Grade

Asked = tuple[list[str], str]

ENERGY: Asked = (["3 J", "5 J", "7 J", "none of these"], "B")
VITAMINS: Asked = (["C", "D", "A", "B12"], "C")
GERMS: Asked = (["E. coli", "S. aureus", "C. elegans"], "A")
FORMULAS: Asked = ([r"\frac{1}{2}", "2", r"\sqrt{2}", r"\frac{\sqrt{2}}{2}"], "D")
GENES: Asked = (["TT", "Tt", "tt"], "B")
JOINT: Asked = (["A and C", "B", "both", "none"], "A")
TWELVE: Asked = ([str(number) for number in range(12)], "K")
PARTS: Asked = (["the inner membrane", "the matrix", "the outer membrane", "the membrane"], "A")
LISTS: Asked = (["1, 2", "2, 3", "1, 3"], "B")
UPPER: Asked = (["x + 1", "x - 1", "X"], "A")
MORE_GERMS: Asked = (["E. coli", "S. aureus", "B. subtilis", "C. difficile", "P. aeruginosa"], "A")
ELEMENTS: Asked = (["K", "Na", "C", "O"], "A")
TRUTH: Asked = (["True", "False"], "B")
ROOTS: Asked = (["1", r"$\sqrt{2}$", "2"], "B")
WORDS: Asked = (["it increases", "it decreases", "it stays the same"], "B")
SPLIT: Asked = ([r"$9.8\ \mathrm{m/s^2}$", r"$98\ \mathrm{m/s^2}$", r"$0.98\ \mathrm{m/s^2}$"], "A")

CASES: list[tuple[Asked, str, str, str]] = [
    # letters
    (ENERGY, r"\boxed{B}", "correct", "match"),
    (ENERGY, r"\boxed{b}", "correct", "match"),
    (ENERGY, r"\boxed{(B)}", "correct", "match"),
    (ENERGY, r"\boxed{\text{B}}", "correct", "match"),
    (ENERGY, r"\boxed{\textbf{(B) }}", "correct", "match"),
    (ENERGY, r"\boxed{[B]}", "correct", "match"),
    (ENERGY, "\\boxed{Ｂ}", "correct", "match"),
    (ENERGY, r"\boxed{\text{Option B}}", "correct", "match"),
    (ENERGY, "(B)", "correct", "match"),
    (ENERGY, "B.", "correct", "match"),
    (ENERGY, "**B**", "correct", "match"),
    (ENERGY, "Answer: B", "correct", "match"),
    (ENERGY, "The answer is (B) because energy is conserved.", "correct", "match"),
    (ENERGY, "Option B is correct.", "correct", "match"),
    (ENERGY, "Therefore, B is the correct answer.", "correct", "match"),
    (ENERGY, "The best choice is B. The others fail.", "correct", "match"),
    (ENERGY, "I choose B.", "correct", "match"),
    (ENERGY, "Die richtige Antwort ist B.", "correct", "match"),
    (ENERGY, "因此选B。", "correct", "match"),
    (ENERGY, "答案：B", "correct", "match"),
    (ENERGY, "It is 5 J.\n\nB", "correct", "match"),
    (ENERGY, "<think>C? No.</think>\\boxed{B}", "correct", "match"),
    (ENERGY, r"Not \boxed{A}. So \boxed{B}", "correct", "match"),
    (ENERGY, r"\boxed{C}", "incorrect", "mismatch"),
    (ENERGY, "Answer: D", "incorrect", "mismatch"),
    (ENERGY, r"First \boxed{B}, but on reflection \boxed{C}", "incorrect", "mismatch"),
    (TWELVE, r"\boxed{K}", "correct", "match"),
    (TWELVE, r"\boxed{(k)}", "correct", "match"),
    (TWELVE, r"\boxed{I}", "incorrect", "mismatch"),
    (TWELVE, r"\boxed{L}", "incorrect", "mismatch"),
    (ENERGY, "The correct answer is 'B'", "correct", "match"),
    (ENERGY, "Option B can't be correct.", "unknown", "unclear_option"),
    (ENERGY, "Option B cannot be correct.", "unknown", "unclear_option"),
    (ENERGY, "I can't say which of A and B is right.", "unknown", "unclear_option"),
    # an answer, and what explains it
    (ENERGY, "B\n\nExplanation: A is wrong since energy is kept.", "correct", "match"),
    (ENERGY, "**B. 5 J**\n\n- A is incorrect.\n- C is incorrect.", "correct", "match"),
    (ENERGY, "B\n\nExplanation: half of 6 J is 3, and 2 more make 7 J.", "correct", "match"),
    (ENERGY, "C\n\nExplanation: 2 J and 3 J make 5 J.", "incorrect", "mismatch"),
    (ENERGY, "A. 3 J\nB. 5 J\nC. 7 J\n\nIt is 2 J and 3 J, which makes 5 J", "unknown", "unclear_option"),
    (ENERGY, "A\n\nThe answer is B.", "correct", "match"),
    (WORDS, "The walls are cold.\nThe pressure falls.\nSo it decreases.", "unknown", "unclear_option"),
    (WORDS, "The walls are cold.\nThe pressure falls.\nSo it increases.", "incorrect", "no_answer"),
    # letters with what they say
    (ENERGY, r"\boxed{B. 5 J}", "correct", "match"),
    (ENERGY, r"\boxed{(B) 5\ \text{J}}", "correct", "match"),
    (ENERGY, r"\boxed{B: the energy is conserved}", "correct", "match"),
    (ENERGY, "So it must be (B) 5 J.", "correct", "match"),
    (ENERGY, r"\boxed{A. 3 J}", "incorrect", "mismatch"),
    (ENERGY, r"\boxed{A. 7 J}", "incorrect", "mismatch"),
    (ENERGY, r"\boxed{B. 7 J}", "unknown", "letter_and_content_differ"),
    (ENERGY, r"\boxed{C. 5 J}", "unknown", "letter_and_content_differ"),
    # what an option says
    (ENERGY, r"\boxed{5 J}", "correct", "match"),
    (ENERGY, r"\boxed{5.0\ \text{J}}", "correct", "match"),
    (ENERGY, r"\boxed{\frac{10}{2}\ \mathrm{J}}", "correct", "match"),
    (ENERGY, r"\boxed{None of these}", "incorrect", "mismatch"),
    (ENERGY, r"\boxed{7 J}", "incorrect", "mismatch"),
    (TWELVE, r"\boxed{10}", "correct", "match"),
    (TWELVE, r"\boxed{1}", "incorrect", "mismatch"),
    (FORMULAS, r"\boxed{\frac{1}{\sqrt{2}}}", "correct", "match"),
    (FORMULAS, r"\boxed{0.5}", "incorrect", "mismatch"),
    (FORMULAS, r"\boxed{2^{1/2}}", "incorrect", "mismatch"),
    (GERMS, r"\boxed{E. coli}", "correct", "match"),
    (GERMS, r"\boxed{\textit{E. coli}}", "correct", "match"),
    (GERMS, r"\boxed{A. E. coli}", "correct", "match"),
    (GERMS, r"\boxed{C. elegans}", "incorrect", "mismatch"),
    (MORE_GERMS, "The answer is E. coli.", "correct", "match"),
    (MORE_GERMS, "The answer is B. subtilis.", "incorrect", "mismatch"),
    (MORE_GERMS, "The answer is A. E. coli.", "correct", "match"),
    (ELEMENTS, "The answer is K.", "correct", "match"),
    (GENES, r"\boxed{Tt}", "correct", "match"),
    (GENES, r"\boxed{TT}", "incorrect", "mismatch"),
    (GENES, r"\boxed{tt}", "incorrect", "mismatch"),
    (LISTS, r"\boxed{2, 3}", "correct", "match"),
    (LISTS, r"\boxed{1, 3}", "incorrect", "mismatch"),
    (WORDS, r"\boxed{\text{It decreases.}}", "correct", "match"),
    (WORDS, r"\boxed{\text{it increases}}", "incorrect", "mismatch"),
    (SPLIT, r"\boxed{9.8 \text{ m/s}^2}", "correct", "match"),
    (SPLIT, r"\boxed{980 \text{ cm/s}^2}", "correct", "match"),
    (UPPER, r"\boxed{1 + x}", "correct", "match"),
    # none, or several
    (ENERGY, r"\boxed{B, C}", "incorrect", "several_options"),
    (ENERGY, r"\boxed{B \text{ or } C}", "incorrect", "several_options"),
    (ENERGY, r"\boxed{BC}", "incorrect", "several_options"),
    (ENERGY, r"\boxed{A}, \boxed{B}", "incorrect", "several_options"),
    (ENERGY, r"\boxed{(A) 3 J or (B) 5 J}", "incorrect", "several_options"),
    (ENERGY, r"\boxed{ABCD}", "incorrect", "several_options"),
    (ENERGY, r"\boxed{E}", "incorrect", "no_option"),
    (ENERGY, r"\boxed{9 J}", "incorrect", "no_option"),
    (ENERGY, "I do not know.", "incorrect", "no_option"),
    (ENERGY, r"\boxed{}", "incorrect", "no_answer"),
    (ENERGY, "", "incorrect", "no_answer"),
    (ENERGY, "<think>B, surely", "incorrect", "no_answer"),
    (TWELVE, r"\boxed{M}", "incorrect", "no_option"),
    (FORMULAS, r"\boxed{10^{10^{10}}}", "incorrect", "no_option"),
    (WORDS, r"\boxed{\text{it tends to zero}}", "incorrect", "no_option"),
    (JOINT, r"\boxed{A, B}", "incorrect", "several_options"),
    # letters that options say
    (JOINT, r"\boxed{A \text{ and } C}", "correct", "match"),
    (JOINT, r"\boxed{A, C}", "correct", "match"),
    (VITAMINS, r"\boxed{(C)}", "correct", "match"),
    (VITAMINS, "Option C", "correct", "match"),
    (VITAMINS, r"\boxed{C}", "unknown", "letter_or_content"),
    (VITAMINS, r"\boxed{A}", "unknown", "letter_or_content"),
    (VITAMINS, r"\boxed{D}", "incorrect", "mismatch"),
    # what may mean the right one
    (VITAMINS, r"\boxed{\text{vitamin A}}", "unknown", "unclear_option"),
    (ENERGY, r"\boxed{5.1 J}", "unknown", "unclear_option"),
    (ENERGY, r"\boxed{\text{the second option}}", "unknown", "unclear_option"),
    (ENERGY, r"\boxed{\text{an energy of 5 J}}", "unknown", "unclear_option"),
    (ENERGY, "A is wrong, C is wrong, so B.", "unknown", "unclear_option"),
    (ENERGY, "Option B is not correct.", "unknown", "unclear_option"),
    (ENERGY, "A. too small\nB. fits\nC. too large\nD. no", "unknown", "unclear_option"),
    (ENERGY, "A. no, it fell\nC. too large", "incorrect", "no_option"),
    (ENERGY, "(B) because energy is conserved", "unknown", "unclear_option"),
    (PARTS, r"\boxed{\text{inner membrane}}", "unknown", "unclear_option"),
    (PARTS, r"\boxed{\text{in the matrix}}", "incorrect", "no_option"),
    (WORDS, r"\boxed{\text{the pressure: it decreases}}", "unknown", "unclear_option"),
    (WORDS, "I say it decreases, where others say it stays the same.", "unknown", "unclear_option"),
    (TRUTH, "The statement is not true.", "unknown", "unclear_option"),
    (ROOTS, r"\boxed{1.41}", "unknown", "unclear_option"),
]


def graded(grader: Grader, asked: Asked, response: str) -> Grade:
    gold = ChoiceGold(options=asked[0], answer=asked[1])
    return grader.grade([GradeRequest(id="x", kind="choice", question="", gold=gold, response=response)])[0]


@pytest.mark.parametrize(("asked", "response", "status", "reason"), CASES, ids=lambda value: str(value)[:40])
def test_an_answer_is_graded_by_what_it_names(
    grader: Grader, asked: Asked, response: str, status: str, reason: str
) -> None:
    grade = graded(grader, asked, response)
    assert (grade.status.value, grade.reason) == (status, reason), grade
    assert grade.grader.startswith("choice/")


def reordered(asked: Asked, places: list[int]) -> Asked:
    options, answer = asked
    return [options[place] for place in places], LETTERS[places.index(LETTERS.index(answer))]


BY_CONTENT = [
    case for case in CASES if case[0] in (FORMULAS, GENES, LISTS, WORDS, SPLIT, PARTS) and case[3] != "no_answer"
]


def test_the_order_of_options_never_changes_the_verdict_of_what_an_answer_says(grader: Grader) -> None:
    assert len(BY_CONTENT) > 15
    for asked, response, status, reason in BY_CONTENT:
        for places in list(permutations(range(len(asked[0]))))[::3]:
            grade = graded(grader, reordered(asked, list(places)), response)
            assert (grade.status.value, grade.reason) == (status, reason), (places, response)


def test_the_letter_goes_with_its_option_in_whatever_order(grader: Grader) -> None:
    rng = random.Random(0)
    forms = (r"\boxed{%s}", "(%s)", "Answer: %s", r"\boxed{\text{%s}}", "The correct option is (%s).")
    for _ in range(60):
        count = rng.randint(2, 26)
        asked: Asked = ([f"{number} kg of ice" for number in range(count)], "A")
        places = list(range(count))
        rng.shuffle(places)
        options, answer = reordered(asked, places)
        chosen = rng.randrange(count)
        grade = graded(grader, (options, answer), rng.choice(forms) % LETTERS[chosen])
        assert (grade.status.value == "correct") is (places[chosen] == 0)
        assert grade.extracted == LETTERS[chosen]


def test_kinds_are_graded_side_by_side_in_order(grader: Grader) -> None:
    gold = ChoiceGold(options=ENERGY[0], answer="B")
    requests = [
        GradeRequest(id=str(n), kind="choice", question="", gold=gold, response=rf"\boxed{{{'AB'[n % 2]}}}")
        for n in range(20)
    ]
    assert [grade.status.value for grade in grader.grade(requests)] == ["incorrect", "correct"] * 10
    with pytest.raises(ValueError, match="a gold of type choice for kind math"):
        grader.grade([requests[0].model_copy(update={"kind": "math"})])
