"""Rates, attempts and tokens are found however they are written; the numbers of a problem are none."""

import pytest

from hipo_data.stages.justify.stated_counts import states_counts
from tests.stages.builders import make_decision, make_problem

PROBLEM = make_problem("What is 6 times 7, and 3 more?")
DECISION = make_decision(PROBLEM, right_on=7, p_on=0.875, right_off=3, p_off=0.375)


@pytest.mark.parametrize(
    "text",
    [
        "Right in 7 of 8 with thinking.",
        "Thinking got 7/8, which is plenty.",
        "Direct answers were right three out of eight times.",
        "Three out of eight tries were right.",
        "All eight attempts without thinking failed.",
        "With 8 direct attempts, most failed.",
        "One direct attempt was right.",
        "Thinking is right 87 % of the time.",
        "Thinking reaches 87.5%, so it pays.",
        "It holds in 40 percent of cases at best.",
        "Its pass rate of 0.875 speaks for thinking.",
        "An accuracy of 90% speaks for thinking.",
        "Thinking costs 310 tokens on average.",
        "Thinking costs about 1,200 more tokens.",
        "It was right only 3 times without thinking.",
        "Ohne Nachdenken waren 3 von 8 richtig.",
        "Sieben von acht Versuchen gelangen.",
        "In acht Versuchen gelang es selten.",
        "Das kostet 300 Token.",
        "Die Erfolgsquote liegt bei 87 Prozent.",
        "8次尝试中有7次正确，所以先思考。",
        "八次作答大多正确。",
        "思考的正确率为87.5%。",
        "平均需要300个词元。",
    ],
)
def test_counts_are_found(text: str) -> None:
    assert states_counts(text, PROBLEM.question, DECISION)


@pytest.mark.parametrize(
    "text",
    [
        "No direct try was right and with reasoning it works far more often.",
        "Most direct tries were right, and some direct tries were wrong.",
        "A direct answer works about half the time.",
        "A direct answer gets it each time, so many tokens are saved.",
        "Two searches through five numbers and a subtraction are hidden in this question.",
        "The first two of three steps are easy, and accuracy in adding four numbers is what counts.",
        "One try is all that this takes.",
        "Shares have to add up to 100%.",
        "The fraction 2/5 has to be reduced.",
        "Three runs through the list and 5 samples of text have to be compared.",
        "Drei Zahlen und zwei Überträge laden zu Fehlern ein.",
        "三个数相加，要进位两次。",
    ],
)
def test_the_problems_own_numbers_and_words_without_numbers_are_none(text: str) -> None:
    assert not states_counts(text, PROBLEM.question, DECISION)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("A free throw is made in 3 of 8 attempts. How many in 100?", "Scaling 3 of 8 attempts up to 100 attempts."),
        ("It works 87.5% of the time. How often in 16 tries?", "What works 87.5% of the time is scaled to 16 tries."),
        ("He buys 12 tokens a day. How many in a week?", "Only 12 tokens, seven days: one product."),
    ],
)
def test_what_the_question_counts_may_be_said(question: str, text: str) -> None:
    assert not states_counts(text, question, DECISION)
    assert states_counts(text, PROBLEM.question, DECISION)
