"""Real problems: reference solutions are right, gutted ones wrong, and labelled answers agree with their labels."""

import ast
from typing import Any

import pytest

from graders import Grader
from schemas.grading import GradeRequest, GradingConfig
from schemas.records import Status
from tests.graders.conftest import code, math, real

ALLOWED = 0.01
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


@pytest.mark.slow
def test_leetcode() -> None:
    right, wrong = shares(leetcode(real("leetcode")))
    assert right >= 1 - ALLOWED and wrong >= 1 - ALLOWED


@pytest.mark.slow
def test_humaneval() -> None:
    right, wrong = shares(humaneval(real("humaneval")))
    assert right >= 1 - ALLOWED and wrong >= 1 - ALLOWED


def test_gsm8k_solutions_agree_with_their_labels(grader: Grader) -> None:
    rows = real("gsm8k_model_solutions")
    labelled = [(row[model]["is_correct"], row[model]["solution"], row) for row in rows for model in MODELS]
    requests = [math(row["ground_truth"].rsplit("A: ", 1)[1], text, row["question"]) for _, text, row in labelled]
    grades = grader.grade(requests)
    disagreements = [
        (request.gold, grade.extracted, label)
        for request, grade, (label, _, _) in zip(requests, grades, labelled, strict=True)
        if (grade.status is Status.CORRECT) != label
    ]
    assert len(disagreements) <= 0.005 * len(labelled), disagreements
    assert {grade.status for grade in grades} == {Status.CORRECT, Status.INCORRECT}


def test_math_golds_equal_themselves_and_not_each_other(grader: Grader) -> None:
    rows = real("math_train")[:500]
    same = [math(row["answer"], rf"So \boxed{{{row['answer']}}}.", row["problem"]) for row in rows]
    assert {grade.status for grade in grader.grade(same)} == {Status.CORRECT}
    integers = [row for row in rows if row["answer"].isdigit()]
    others = [math(row["answer"], rf"\boxed{{{int(row['answer']) + 1}}}", row["problem"]) for row in integers]
    assert {grade.status for grade in grader.grade(others)} == {Status.INCORRECT}
