"""Real problems: reference solutions are right, gutted ones wrong, and labelled answers agree with their labels."""

import ast
import re
from typing import Any

import pytest

from hipo_data.graders import Grader
from hipo_data.schemas.grading import GradeRequest, GradingConfig
from hipo_data.schemas.records import Status
from tests.graders.conftest import code, math, real

ALLOWED = 0.01
EXPLAINED: list[tuple[str, Any, str | None, str]] = []
"""Disagreements with the labels of GSM8K that are the labels' fault, each with a comment that says why. None so far."""
MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def leetcode(rows: list[dict[str, Any]]) -> list[GradeRequest]:
    return [code({"test_code": row["tests"]["functional"]}, row["solutions"], row["problem"]) for row in rows]


def humaneval(rows: list[dict[str, Any]]) -> list[GradeRequest]:
    return [
        code(
            {"test_code": row["test"], "entry_point": row["entry_point"]},
            row["prompt"] + row["canonical_solution"],
            row["prompt"],
            row["task_id"],
        )
        for row in rows
    ]


def gutted(request: GradeRequest) -> GradeRequest:
    """The same program with every function emptied."""
    tree = ast.parse(request.response.partition("```python\n")[2].rpartition("\n```")[0])
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.body = [ast.Return(ast.Constant(None))]
    return request.model_copy(update={"response": f"```python\n{ast.unparse(ast.fix_missing_locations(tree))}\n```"})


def shares(requests: list[GradeRequest]) -> tuple[float, float]:
    """The shares of reference programs that are right, and of gutted ones that are wrong."""
    with Grader(GradingConfig(workers=2)) as grader:
        right = [grade.status is Status.CORRECT for grade in grader.grade(requests)]
        wrong = [grade.status is Status.INCORRECT for grade in grader.grade([gutted(request) for request in requests])]
    return sum(right) / len(right), sum(wrong) / len(wrong)


def test_a_sample_of_reference_solutions() -> None:
    requests = leetcode(real("leetcode")[:20]) + humaneval(real("humaneval")[:20])
    assert shares(requests) == (1.0, 1.0)


@pytest.mark.long
def test_leetcode() -> None:
    right, wrong = shares(leetcode(real("leetcode")))
    assert right >= 1 - ALLOWED and wrong >= 1 - ALLOWED


@pytest.mark.long
def test_humaneval() -> None:
    right, wrong = shares(humaneval(real("humaneval")))
    assert right >= 1 - ALLOWED and wrong >= 1 - ALLOWED


def test_gsm8k_solutions_agree_with_their_labels(grader: Grader) -> None:
    rows = real("gsm8k_model_solutions")
    labelled = [(row[model]["is_correct"], row[model]["solution"], row) for row in rows for model in MODELS]
    requests = [math(row["ground_truth"].rsplit("A: ", 1)[1], text, row["question"]) for _, text, row in labelled]
    grades = grader.grade(requests)
    disagreements = [
        (request.question, request.gold, grade.extracted, "labelled right" if label else "labelled wrong")
        for request, grade, (label, _, _) in zip(requests, grades, labelled, strict=True)
        if (grade.status is Status.CORRECT) != label
    ]
    unexplained = [item for item in disagreements if item not in EXPLAINED]
    assert len(EXPLAINED) <= 0.005 * len(labelled) and unexplained == []
    assert {grade.status for grade in grades} == {Status.CORRECT, Status.INCORRECT}


SPELLINGS = (
    lambda answer: answer,
    lambda answer: answer.replace(r"\frac", r"\dfrac"),
    lambda answer: answer.replace(" ", ""),
    lambda answer: answer.replace(r"\left", "").replace(r"\right", ""),
    lambda answer: f"${answer}$.",
    lambda answer: re.sub(r"\\text\{([^}]*)\}", r"\\mathrm{\1}", answer),
    lambda answer: answer.replace(r"^\circ", r"^{\circ}"),
)


def math_rows() -> list[dict[str, Any]]:
    return [row for row in real("math_train") if row["answer"].strip()]


@pytest.mark.long
def test_every_math_gold_equals_itself_however_it_is_written(grader: Grader) -> None:
    pairs = {(row["answer"], spell(row["answer"]), row["problem"]): None for row in math_rows() for spell in SPELLINGS}
    grades = grader.grade([math(gold, rf"So \boxed{{{answer}}}.", problem) for gold, answer, problem in pairs])
    assert [pair[:2] for pair, grade in zip(pairs, grades, strict=True) if grade.status is not Status.CORRECT] == []


@pytest.mark.long
def test_a_math_gold_with_another_number_in_it_is_wrong(grader: Grader) -> None:
    numbered = [row for row in math_rows() if re.search(r"\d", row["answer"])]
    others = [re.sub(r"\d+", lambda match: str(int(match[0]) + 1), row["answer"], count=1) for row in numbered]
    grades = grader.grade(
        [
            math(row["answer"], rf"\boxed{{{other}}}", row["problem"])
            for row, other in zip(numbered, others, strict=True)
        ]
    )
    alike = zip(numbered, others, grades, strict=True)
    assert [(row["answer"], other) for row, other, grade in alike if grade.status is Status.CORRECT] == []
