"""Golds at the end of solutions."""

import json
from pathlib import Path

import pytest

from hipo_data.stages.ingest.solutions import stated_answer
from tests.stages.ingest.ingesting import read, table, write


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        ("So the total is found. #### 42", "42"),
        ("She has 3 + 4 = 7.\n#### 7\n", "7"),
        ("Thus $x = \\boxed{\\frac{1}{2}}$ as was asked.", "\\frac{1}{2}"),
        ("#### not here\nThe answer is \\boxed{5}.", "5"),
        ("Janet sells 9.\nA: 18", "18"),
        ("42", "42"),
        ("#### ", None),
        ("There are 3 red ones, 4 blue ones and 5 green ones.\nWe count 12 of them in all, which was asked.", None),
    ],
)  # fmt: skip
def test_it_is_what_the_solution_states(solution: str, answer: str | None) -> None:
    assert stated_answer(solution) == answer


def test_the_gold_is_the_answer_and_the_solution_stays_beside_it(tmp_path: Path) -> None:
    whole = "So the total is found. #### 42"
    rows = [{"question": "What is 6 times 7?", "answer": whole}, {"question": "Who?", "answer": "It is\nnot said."}]
    found = read(table(write(tmp_path / "x.jsonl", rows), gold_is="solution"))
    (problem,) = found.problems
    assert (problem.gold.answers, problem.gold_text) == (["42"], whole)  # type: ignore[union-attr]
    assert [row.reason for row in found.rejected] == ["gold_not_found"]
    plain = read(table(write(tmp_path / "y.jsonl", [{"question": "What is 6 times 7?", "answer": "42"}])))
    assert plain.problems[0].gold_text is None
    by_pattern = read(table(write(tmp_path / "z.jsonl", rows[:1]), gold_pattern="#### (.*)$"))
    assert by_pattern.problems[0].gold_text == whole


def test_the_real_shared_solutions_state_their_labelled_answers(shared_data: Path) -> None:
    rows = [json.loads(line) for line in (shared_data / "real/gsm8k_model_solutions.jsonl").read_text().splitlines()]
    for row in rows:
        assert stated_answer(row["ground_truth"]) == row["ground_truth"].rpartition("A: ")[2].strip()
