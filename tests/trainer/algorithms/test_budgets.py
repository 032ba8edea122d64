"""LCPO, the plain length penalty, DAST and O1-Pruner."""

from statistics import fmean, pstdev

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.trainer.algorithms.dast import dast_budget, dast_reward
from hipo_data.trainer.algorithms.lcpo import lcpo_exact_reward, lcpo_max_reward
from hipo_data.trainer.algorithms.length_penalty import length_penalty_reward
from hipo_data.trainer.algorithms.o1_pruner import o1_pruner_weights, standardised
from tests.trainer.algorithms.batches import Batch, batches

RIGHT, WRONG = True, False


def test_lcpo_exact_charges_both_sides_of_the_budget():
    """1 − 0.0003 · 100 on either side; wrong −0.0003 · 1000."""
    found = lcpo_exact_reward(
        torch.tensor([RIGHT, RIGHT, RIGHT, WRONG]),
        torch.tensor([1000, 900, 1100, 2000]),
        torch.tensor([1000, 1000, 1000, 1000]),
    )
    assert found.tolist() == pytest.approx([1, 0.97, 0.97, -0.3], abs=1e-7)


def test_lcpo_max_pays_for_room_under_the_budget():
    """At the budget ½; 1000 under 0.3 + 0.5; 3000 under 0.9 + 0.5, cut to 1; 1000 over 0.2; 2000 over cut to 0."""
    found = lcpo_max_reward(
        torch.tensor([RIGHT, RIGHT, RIGHT, RIGHT, RIGHT, WRONG]),
        torch.tensor([1000, 3000, 1000, 2000, 3000, 1]),
        torch.tensor([1000, 4000, 4000, 1000, 1000, 4000]),
    )
    assert found.tolist() == pytest.approx([0.5, 0.8, 1, 0.2, 0, 0], abs=1e-7)


@given(batches(), st.integers(100, 4000))
@settings(max_examples=50)
def test_lcpo_max_is_the_code_of_l1_at_twice_the_alpha(batch: Batch, budget):
    budgets = torch.full_like(batch.lengths, budget)
    code = ((0.002 * (budgets - batch.lengths)).clamp(-1, 1) + 1) / 2 * batch.correct
    found = lcpo_max_reward(batch.correct, batch.lengths, budgets, alpha=0.001)
    assert found.tolist() == pytest.approx(code.tolist(), abs=1e-6)


def test_the_length_penalty_is_accuracy_less_beta_a_token():
    found = length_penalty_reward(torch.tensor([RIGHT, WRONG]), torch.tensor([500, 2000]), beta=0.0002)
    assert found.tolist() == pytest.approx([0.9, -0.4])
    with pytest.raises(ValueError, match=r"beta is -1\.0"):
        length_penalty_reward(torch.tensor([RIGHT]), torch.tensor([5]), beta=-1.0)


def test_golden_budgets_of_dast():
    """p = ¾, right lengths 100, 200, 300: 0.75 · 200 + 0.25 · 1000 = 400; nothing right: 1000; all right: the mean."""
    correct = torch.tensor([RIGHT, RIGHT, RIGHT, WRONG, WRONG, RIGHT, RIGHT])
    lengths = torch.tensor([100, 200, 300, 900, 50, 40, 60])
    found = dast_budget(correct, lengths, torch.tensor([0, 0, 0, 0, 1, 2, 2]), max_tokens=1000)
    assert found.tolist() == [400, 400, 400, 400, 1000, 50, 50]


def test_unknown_verdicts_leave_the_pass_rate():
    known = torch.tensor([True, False])
    found = dast_budget(
        torch.tensor([RIGHT, WRONG]), torch.tensor([100, 900]), torch.tensor([0, 0]), max_tokens=1000, known=known
    )
    assert found.tolist() == [100, 100]


def test_golden_rewards_of_dast():
    """Budget 400. λ = −0.5, 0, 0.5, 1.5.

    Right: 0.75, 0.5, 0.25, and 0.5 − 0.75 raised to 0.1. Wrong: −0.55, −0.1, and 0.35 cut to −0.1, 1.25 too.
    """
    lengths, budgets = torch.tensor([200, 400, 600, 1000]), torch.full((4,), 400)
    right = dast_reward(torch.tensor([RIGHT] * 4), lengths, budgets)
    wrong = dast_reward(torch.tensor([WRONG] * 4), lengths, budgets)
    assert right.tolist() == pytest.approx([0.75, 0.5, 0.25, 0.1])
    assert wrong.tolist() == pytest.approx([-0.55, -0.1, -0.1, -0.1])
    with pytest.raises(ValueError, match=r"budgets\[1\] is 0\.0; a budget is a positive number of tokens"):
        dast_reward(torch.tensor([RIGHT, RIGHT]), torch.tensor([1, 1]), torch.tensor([1, 0]))


@given(batches())
@settings(max_examples=50)
def test_dast_never_pays_more_for_a_wrong_response_and_knows_no_unit(batch: Batch):
    budgets = dast_budget(batch.correct, batch.lengths, batch.groups, max_tokens=4000)
    found = dast_reward(batch.correct, batch.lengths, budgets)
    assert bool(((found > 0) == batch.correct).all())
    doubled = dast_budget(batch.correct, batch.lengths * 2, batch.groups, max_tokens=8000)
    assert torch.equal(found, dast_reward(batch.correct, batch.lengths * 2, doubled))


def test_golden_weights_of_o1_pruner():
    """Lengths 100, 200, 300, 400: L̄ 250; right, right, wrong, wrong: Ā ½, λ = 2.

    1.5 + 1 = 2.5; 0.25 + 1 = 1.25; −0.166667 − 1; −0.375 − 1.
    """
    found = o1_pruner_weights(
        torch.tensor([RIGHT, RIGHT, WRONG, WRONG]), torch.tensor([100, 200, 300, 400]), torch.tensor([8] * 4)
    )
    assert found.tolist() == pytest.approx([2.5, 1.25, -1.166667, -1.375], abs=1e-6)


def test_o1_pruner_clips_and_leaves_out_the_unknown():
    """Lengths 10 and 990, L̄ 500: 49 cut to 4, and −0.494949; with λ = 8 and Ā ½ the wrong one is cut to −2."""
    correct, lengths = torch.tensor([RIGHT, WRONG, RIGHT]), torch.tensor([10, 990, 0])
    known = torch.tensor([True, True, False])
    groups = torch.tensor([0, 0, 0])
    found = o1_pruner_weights(correct, lengths, groups, known=known, accuracy_weight=0.0)
    assert found.tolist() == pytest.approx([4, -0.494949, 0], abs=1e-6)
    assert o1_pruner_weights(correct, lengths, groups, known=known, accuracy_weight=8.0).tolist() == [4, -2, 0]
    with pytest.raises(ValueError, match=r"lengths\[2\] is 0\.0; a response has at least one token"):
        o1_pruner_weights(correct, lengths, groups)


@given(st.lists(st.sampled_from([-2.0, -0.5, 0.25, 4.0]), max_size=8))
@settings(max_examples=50)
def test_weights_are_standardised_over_the_data_set(weights):
    found = standardised(torch.tensor(weights)).tolist()
    spread = pstdev(weights) if weights else 0.0
    assert found == pytest.approx([(w - fmean(weights)) / spread if spread else 0.0 for w in weights], abs=1e-6)


@given(batches())
@settings(max_examples=50)
def test_the_unit_of_length_does_not_matter_to_o1_pruner(batch: Batch):
    plain = o1_pruner_weights(batch.correct, batch.lengths, batch.groups)
    doubled = o1_pruner_weights(batch.correct, batch.lengths * 2, batch.groups)
    assert torch.equal(plain, doubled)
