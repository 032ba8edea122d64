"""Verdicts on whole responses: answers in the forms in which they come, and what would abuse each of the rules."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hipo_data.graders import Grader, parse_gold
from hipo_data.schemas.grading import GradeRequest, GradingConfig
from hipo_data.schemas.records import Status
from tests.graders.conftest import math

RIGHT = [
    ("34", "Final Answer: The largest $n$ is 34."),
    ("12", "Therefore, $n$ must be equal to **12**."),
    ("1", "The stem has one leaf.\n\nSo, there is 1 block that has exactly 36 houses."),
    ("13", r"Hence $k=\frac{T}{50}$. With $T=650, k=13$."),
    (r"3+2\sqrt{2}", "Altitude AD\n\nAD = h = 3 + 2√2.\n\n□"),
    ("95", "Thus $r=47 / 48$, and $p+q=95$."),
    ("250", "Her gain is $400 - $150 = $250."),
    ("10.4", "$8.00 * 1.3 = $10.40\n\nColton will spend $10.4."),
    ("Yes", "Thus, the answer is A (Yes)."),
    ("14", r"\boxed{\textbf{(B)}\ 14}"),
    ("D", "We find \\boxed{x \\ll y}.\n\n**Answer: D**"),
    ("3.2 J", "The answer is 3.2."),
    ("313", r"\boxed{313 \mathrm{~N} \cdot \mathrm{m}^{-1}}"),
    ("-1.5", r"\boxed{-1.5 \mu \mathrm{C}}"),
    ("12", r"Hence $\boxed{12}$. The final answer is positive, since both factors are negative."),
    ("6", "The answer is 6.\nThis answer is correct."),
    ("1, 2, 5", r"\boxed{1}, \quad \boxed{2}, \quad \boxed{5}"),
    ("4, 5", "- $\\boxed{4}$\n- $\\boxed{5}$"),
    ("5-i, 11", r"\begin{align*}b+c &= \boxed{5-i}, \\ a+c &= 4+7 = \boxed{11}.\end{align*}"),
    (["(1,2)", "(3,4)"], r"$\boxed{(1,2)}$ and $\boxed{(3,4)}$"),
    ("11+x", r"This is $\boxed{x+11}$ or $\boxed{11+x}$."),
    ("7:32", r"\boxed{S_{1}:S_{2}=7:32}"),
    ("57", "**Answer:**\n\n$$\n57\n$$"),
    ("A", r"\boxed{<|begin_of_box|>A<|end_of_box|>}"),
    (r"\sqrt{3}", "所以|a-b|=根号3。<eoe>\n【答案】根号3<eoa>"),
    ("(2)(4)", "【答案】(2)(4)"),
    (r"\left(\tfrac32, 1\right)".replace("\\t", "\t"), r"\boxed{(\frac32, 1)}"),
    (r"\frac{54\sqrt{6}}{25}", r"\boxed{The\ area\ is\ \frac{54\sqrt{6}}{25}}"),
]
WRONG = [
    ("15", "The answer is (B) 14."),
    ("A", "The answer is A (12) or B (13)."),
    ("A", r"\boxed{(A) 12 \quad (B) 13 \quad (C) 14}"),
    ("5", "The answer is not 5."),
    ("5", r"\boxed{5 \text{ or } 6}"),
    ("5", r"\boxed{5}, \boxed{6}"),
    ("40", r"\boxed{40 \text{ is wrong}}"),
    ("7", r"\boxed{7 \text{ or more}}"),
    ("7", r"\boxed{\text{at least } 7}"),
    ("40", r"\boxed{40 \text{ red or } 15 \text{ blue}}"),
    ("300", r"\boxed{300 \text{ acres of corn and } 200 \text{ acres of wheat}}"),
    (["1", "2"], r"\boxed{1, 2, 3}"),
    ("1, 2, 5", r"\boxed{1}, \quad \boxed{2}"),
    ("5", r"\boxed{5}. The final answer is 6."),
    ("9", "We get $x=9$.\nTherefore, the value of $x^2$ is 81."),
    ("400", "Her gain is $400 - $150 = $250."),
    ("2", "【答案】(2)、(4)"),
    ("3", "【答案】根号3"),
    ("3.2 J", "The answer is 3.2 W."),
    ("5 kJ", r"\boxed{5\text{ J}}"),
    ("1", r"\boxed{2x+z=1}"),
    ("7:32", r"\boxed{S_{1}:S_{2}=32:7}"),
    ("yes", "Thus, the answer is B (no)."),
]


@pytest.mark.parametrize(("gold", "response"), RIGHT)
def test_right_answers(grader: Grader, gold: str | list[str], response: str) -> None:
    assert grader.grade([math(gold, response)])[0].status is Status.CORRECT


@pytest.mark.parametrize(("gold", "response"), WRONG)
def test_wrong_answers(grader: Grader, gold: str | list[str], response: str) -> None:
    assert grader.grade([math(gold, response)])[0].status is Status.INCORRECT


def test_the_cases_of_each_kind(grader: Grader) -> None:
    path = Path(__file__).parents[3] / "shared" / "cases" / "grading.jsonl"
    if not path.exists():
        pytest.skip(f"no cases at {path}")
    rows = [row for row in map(json.loads, path.read_text().splitlines()) if row["kind"] == "math"]
    requests = [
        GradeRequest(gold=parse_gold("math", row["gold"]), **{name: row[name] for name in _GIVEN}) for row in rows
    ]
    grades = grader.grade(requests)
    assert [row["id"] for row, grade in zip(rows, grades, strict=True) if grade.status != row["expect"]] == []


def test_percent_where_nobody_asks_for_it_is_a_choice() -> None:
    requests = [math("50", r"\boxed{50\%}"), math("50", r"\boxed{50\%}", "What percent?"), math("50", r"\boxed{5\%}")]
    said = {}
    for percent in ("asked", "always"):
        with Grader(GradingConfig(percent=percent)) as grader:
            said[percent] = [grade.status == "correct" for grade in grader.grade(requests)]
    assert said == {"asked": [False, True, False], "always": [True, True, False]}


_GIVEN = ("id", "kind", "question", "response")
PHRASES = (
    "{}",
    "So \\boxed{{{}}}.",
    "The final answer is ${}$. I hope it is correct.",
    "We get $x_1=3$.\nTherefore, the number of ways is {}.",
    "The smallest such $n$ is **{}**.",
    "**Answer:** {}",
    "**Answer:**\n\n$$\n{}\n$$",
    "#### {}",
    "Hence $\\boxed{{{}}}$. The final answer is positive, since both factors are.",
    "The answer is {}.\nThis answer is correct.",
    "The final answer is ${}$ because $y>0$.",
    "So $n = 2 + 1$.\nThe answer is B ({}).",
    "\\boxed{{\\textbf{{(C)}}\\ {}}}",
    "\\boxed{{<|begin_of_box|>{}<|end_of_box|>}}",
    "\\boxed{{f(9) = {}}}",
    "\\boxed{{x_{{\\max}} = {}}}",
    "最终答案是 {}。",
    "由题意得 $a=2$。\n【答案】{}",
    "因此，答案为：${}$。",
    "Die Antwort ist {}.",
    "Donc la réponse est {}.",
    "La respuesta final es ${}$.",
    "Ответ: {}.",
    "したがって、答えは {} です。",
    "A resposta é {}.",
    "La risposta finale è {}.",
    "정답은 {}입니다.",
)
UNITS = (
    "",
    " J",
    "\\,\\Omega",
    " \\mu \\mathrm{C}",
    "\\text{ cm}",
    "^{\\circ}\\mathrm{C}",
    " \\text{ apples}",
    "\\mathrm{~m} / \\mathrm{s}^{2}",
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    number=st.one_of(st.integers(0, 10**6), st.decimals(0, 1000, places=2)),
    phrase=st.sampled_from(PHRASES),
    unit=st.sampled_from(UNITS),
    other=st.integers(1, 999),
)
def test_wrapping_keeps_a_right_answer_right_and_another_number_is_never_right(
    grader: Grader, number: object, phrase: str, unit: str, other: int
) -> None:
    # Units are set in formulas; prose has none of these commands.
    in_formula = "$" in phrase.replace("$x_1=3$", "").replace("$n = 2 + 1$", "").replace("$a=2$", "") or "box" in phrase
    said = phrase.format(f"{number}{unit if in_formula else ''}")
    right, wrong = grader.grade([math(str(number), said), math(f"{float(str(number)) + other:.2f}", said)])
    assert (right.status, wrong.status) == (Status.CORRECT, Status.INCORRECT), (said, right, wrong)
