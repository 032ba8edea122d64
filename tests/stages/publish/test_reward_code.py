"""Golds in rl/ are read by other people's reward code as what they are."""

import json
from pathlib import Path
from typing import Any

import pytest

from hipo_data.schemas.gold import MathGold
from hipo_data.stages.publish.tables import rl_table
from tests.stages.builders import make_decision, make_problem

GOLDS = [
    ("42", "42", "43"),
    ("$42$", "42", "41"),
    ("\\boxed{42}", "42", "2"),
    ("42.", "42", "4.2"),
    ("2\\sqrt{3}", "2\\sqrt{3}", "2"),
    ("$\\frac{1}{2}$", "0.5", "1"),
    ("The answer is \\boxed{\\frac{3}{4}}.", "\\frac{3}{4}", "3"),
    ("-7", "-7", "7"),
    ("1,234", "1234", "1"),
    ("6-3i", "6-3i", "6"),
    ("(1, 2)", "(1,2)", "(2,1)"),
    ("\\[x^2+1\\]", "x^2+1", "x^2"),
]
"""As sources write them; an answer that is right, and one that is wrong."""


def rl_row(gold: str) -> dict[str, Any]:
    problem = make_problem("What is it?", MathGold(answers=[gold]))
    (row,) = rl_table([problem], {problem.problem_id: make_decision(problem)}, 0).to_pylist()
    return dict(row)


@pytest.mark.slow
def test_trls_accuracy_reward_grades_by_the_solution() -> None:
    rewards = pytest.importorskip("trl.rewards.accuracy_rewards")
    solutions = [rl_row(gold)["solution"] for gold, _, _ in GOLDS]
    for place, reward in ((1, 1.0), (2, 0.0)):
        completions = [[{"role": "assistant", "content": f"It is \\boxed{{{row[place]}}}"}] for row in GOLDS]
        assert rewards.accuracy_reward(completions, solutions) == [reward] * len(GOLDS)


@pytest.mark.parametrize(("gold", "right", "wrong"), GOLDS)
def test_math_verify_reads_the_ground_truth_in_a_box_as_verl_puts_it(gold: str, right: str, wrong: str) -> None:
    import math_verify

    truth = math_verify.parse(f"\\boxed{{{rl_row(gold)['reward_model']['ground_truth']}}}")
    assert math_verify.verify(truth, math_verify.parse(f"\\boxed{{{right}}}"))
    assert not math_verify.verify(truth, math_verify.parse(f"\\boxed{{{wrong}}}"))


@pytest.mark.slow
def test_real_answers_are_parsed_as_what_they_were(shared_data: Path) -> None:
    import math_verify

    rows = [json.loads(line) for line in (shared_data / "real/math_train.jsonl").read_text().splitlines()[:300]]
    for row in rows:
        if row["answer"]:
            truth = rl_row(row["answer"])["reward_model"]["ground_truth"]
            read, meant = (math_verify.parse(f"\\boxed{{{text}}}") for text in (truth, row["answer"]))
            assert read and math_verify.verify(meant, read), row["answer"]
