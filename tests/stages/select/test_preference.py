"""Pairs: scores and weights are those of the trainer's own formulas, and the pair is the best there is."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from hypothesis import given, settings

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Pick
from hipo_data.trainer.algorithms.dast import dast_budget, dast_reward
from hipo_data.trainer.algorithms.o1_pruner import o1_pruner_weights
from tests.stages.graded import IDS, OFF, ON, Try, decide_and_pick, tries, whole_tries

SLACK = 1e-5  # the trainer computes in single precision


def scored(rows: list[Try]) -> dict[tuple[str, str, int], tuple[float, float]]:
    """Score and weight of the graded rollouts of one pool, by the trainer."""
    correct = torch.tensor([row.status == "correct" for row in rows])
    lengths = torch.tensor([float(row.tokens) for row in rows])
    one = torch.zeros(len(rows), dtype=torch.int64)
    budgets = dast_budget(correct, lengths, one, max_tokens=rows[0].max_tokens)
    scores, weights = dast_reward(correct, lengths, budgets), o1_pruner_weights(correct, lengths, one)
    return {row.key: (float(s), float(w)) for row, s, w in zip(rows, scores, weights, strict=True)}


@settings(max_examples=60)
@given(rows=whole_tries)
def test_the_pair_of_a_kind_has_the_largest_difference_of_dasts_scores(rows: list[Try]) -> None:
    long = [replace(row, tokens=row.tokens**4 + row.index) for row in rows]
    _, picks = decide_and_pick(long, SelectConfig(policy="preference"), problems=IDS)
    for key, mode, kind in product(IDS, (ON, OFF), ("both_right", "both_wrong")):
        pool = [row for row in long if (row.problem_id, row.mode) == (key, mode) and row.known]
        ends = {pick.role: pick for pick in picks.get(key, []) if pick.pair == f"{kind}:{mode}"}
        status = "correct" if kind == "both_right" else "incorrect"
        fit = [row for row in pool if row.whole and row.status == status]
        numbers = scored(pool) if pool else {}
        margin = max((numbers[a.key][0] - numbers[b.key][0] for a in fit for b in fit), default=0.0)
        if margin <= SLACK:
            assert not ends
            continue
        chosen, rejected = ends["chosen"], ends["rejected"]
        for pick in (chosen, rejected):
            assert (pick.score, pick.weight) == pytest.approx(numbers[key, mode, pick.index], abs=SLACK)
        assert chosen.margin == rejected.margin == pytest.approx(margin, abs=SLACK)
        assert (chosen.tokens < rejected.tokens) == (kind == "both_right")


def pairs(*rows: Try, **changes: object) -> dict[str, tuple[Pick, Pick]]:
    config = SelectConfig.model_validate({"policy": "preference", "preference": changes})
    picks = decide_and_pick(rows, config)[1].get("p", [])
    return {str(a.pair): (a, b) for a, b in zip(picks[::2], picks[1::2], strict=True)}


ROWS = [
    *[replace(row, tokens=10 * (row.index + 1)) for row in tries("p", ON, 3, 3)],
    *[replace(row, tokens=2 + row.index) for row in tries("p", OFF, 2, 0)],
]


def test_both_kinds_of_pairs_by_hand() -> None:
    # think-on: p = 1/2, L_right = 20, L_max = 100: budget 60. Right: 10, 20, 30 tokens; wrong: 40, 50, 60.
    # λ of 10 is -5/6: 0.5 + 5/12 = 0.916667; of 30 it is -1/2: 0.75. λ of 40 is -1/3: -0.4; of 60 it is 0: -0.1.
    found = pairs(*ROWS)
    assert list(found) == ["both_right:think_off", "both_right:think_on", "both_wrong:think_on"]
    right, wrong = found["both_right:think_on"], found["both_wrong:think_on"]
    assert [(pick.role, pick.tokens, pick.score) for pick in right] == [
        ("chosen", 10, pytest.approx(11 / 12)),
        ("rejected", 30, 0.75),
    ]
    assert [(pick.role, pick.tokens, pick.score) for pick in wrong] == [
        ("chosen", 60, -0.1),
        ("rejected", 40, pytest.approx(-0.4)),
    ]
    # L̄ = 35, Ā = 1/2: (35 - 10)/10 + 2 · 1/2 = 3.5; (35 - 60)/60 - 1 = -17/12.
    assert (right[0].weight, wrong[0].weight) == (3.5, pytest.approx(-17 / 12))


def test_pooled_modes_prefer_the_mode_that_is_right_in_fewer_tokens() -> None:
    found = pairs(*ROWS, pool="both")
    chosen, rejected = found["both_right"]
    assert (chosen.mode.value, chosen.tokens, rejected.mode.value, rejected.tokens) == (OFF, 2, ON, 30)


def test_a_difference_below_the_least_margin_is_no_pair() -> None:
    # Differences: 0.2 of think-off, 1/6 and 0.3 of think-on.
    assert list(pairs(*ROWS, min_margin=0.2)) == ["both_right:think_off", "both_wrong:think_on"]
    assert pairs(*ROWS, min_margin=0.5) == {}


def test_equal_lengths_unknown_verdicts_and_truncated_responses_make_no_pair() -> None:
    assert pairs(*tries("p", ON, 4, 4)) == {}
    unknown = [replace(row, tokens=50) for row in tries("p", ON, 0, 0, 3, first=8)]
    assert pairs(*tries("p", ON, 4, 0), *unknown) == {}
    truncated = [replace(row, tokens=100, finish="length") for row in tries("p", ON, 0, 3, first=8)]
    assert pairs(*tries("p", ON, 4, 1), *truncated) == {}
