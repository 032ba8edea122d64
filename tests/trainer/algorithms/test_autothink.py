from math import exp, sqrt

import pytest
import torch
from hypothesis import given, settings

from hipo_data.trainer.algorithms.autothink import autothink_balance_reward, autothink_length_reward, autothink_reward
from tests.trainer.algorithms.batches import NO, OFF, ON, Batch, batches

RIGHT, WRONG = True, False


def test_the_plain_reward_pays_most_for_a_right_answer_without_thinking():
    correct = torch.tensor([RIGHT, WRONG, RIGHT, WRONG, RIGHT])
    assert autothink_reward(correct, torch.tensor([ON, ON, OFF, OFF, NO])).tolist() == [1, 0, 2, -1, -1]


def test_golden_numbers_where_thinking_crowds_the_batch():
    """z = 3/4: d_on = (0.75 − 0.5) · 2 = ½, d_off = clip(−0.5) = 0.

    On right ½ · 1 + ½ · 0 = 0.5, on wrong ½ · 0 − ½ = −0.5, off right stays 2.
    """
    found = autothink_balance_reward(torch.tensor([RIGHT, WRONG, RIGHT, RIGHT]), torch.tensor([ON, ON, ON, OFF]))
    assert found.tolist() == [0.5, -0.5, 0.5, 2]


def test_golden_numbers_where_not_thinking_crowds_the_batch():
    """z = 1/4: d_off = (0.75 − 0.5) · 2 = ½: off right ½ · 2 + ½ · 1 = 1.5, off wrong −½ − ½ · 2 = −1.5, on stays."""
    found = autothink_balance_reward(torch.tensor([RIGHT, WRONG, RIGHT, WRONG]), torch.tensor([OFF, OFF, OFF, ON]))
    assert found.tolist() == [1.5, -1.5, 1.5, 0]


def test_the_push_ends_at_the_target_and_leaves_a_balanced_batch_alone():
    """z = 1 with λ = 5: d = clip(2.5) = 1, so the target itself; z = ½: d = 0. The untagged one is no part of z."""
    correct = torch.tensor([RIGHT, WRONG, RIGHT])
    assert autothink_balance_reward(correct, torch.tensor([ON, ON, NO]), strength=5.0).tolist() == [0, -1, -1]
    assert autothink_balance_reward(correct, torch.tensor([OFF, OFF, NO]), strength=5.0).tolist() == [1, -2, -1]
    assert autothink_balance_reward(correct, torch.tensor([ON, OFF, NO])).tolist() == [1, -1, -1]
    assert autothink_balance_reward(correct, torch.tensor([NO, NO, NO])).tolist() == [-1, -1, -1]


def test_golden_numbers_of_the_length_stage():
    """One prompt; right: 100, 200, 300 tokens, μ 200, σ 100, y = −1, 0, 1; wrong: 50, 70, μ 60, σ √200, y = ∓1/√2.

    Right, on: 1 + e^0.05 − 1 = 1.051271, 1, 1 + e^−0.05 − 1 = 0.951229.
    Wrong, off: −1 + 1 − e^(0.05/√2) = −1.035988, and −e^(−0.05/√2) = −0.965263.
    """
    found = autothink_length_reward(
        torch.tensor([RIGHT, RIGHT, RIGHT, WRONG, WRONG]),
        torch.tensor([ON, ON, ON, OFF, OFF]),
        torch.tensor([100, 200, 300, 50, 70]),
        torch.zeros(5, dtype=torch.int64),
    )
    assert found.tolist() == pytest.approx([1.051271, 1.0, 0.951229, -1.035988, -0.965263], abs=1e-6)
    assert found[3].item() == pytest.approx(-exp(0.05 / sqrt(2)))


def test_right_and_wrong_lengths_of_other_prompts_do_not_matter():
    correct, modes = torch.tensor([RIGHT, WRONG, RIGHT]), torch.tensor([ON, ON, ON])
    found = autothink_length_reward(correct, modes, torch.tensor([10, 900, 4000]), torch.tensor([1, 1, 2]))
    assert found.tolist() == [1, 0, 1]


def test_an_unknown_verdict_moves_nobodys_mean():
    correct, modes, lengths = torch.tensor([RIGHT] * 3), torch.tensor([ON] * 3), torch.tensor([100, 100, 4000])
    known = torch.tensor([True, True, False])
    found = autothink_length_reward(correct, modes, lengths, torch.zeros(3, dtype=torch.int64), known=known)
    assert found[:2].tolist() == [1, 1]


@given(batches())
@settings(max_examples=50)
def test_balance_never_turns_wrong_into_right(batch: Batch):
    """Within a mode, a right response keeps more reward than a wrong one, whatever the push."""
    found = autothink_balance_reward(batch.correct, batch.modes)
    for mode in (ON, OFF):
        right, wrong = (found[(batch.modes == mode) & (batch.correct == outcome)] for outcome in (True, False))
        if len(right) and len(wrong):
            assert right.min() > wrong.max()


@given(batches())
@settings(max_examples=50)
def test_the_unit_of_length_does_not_matter(batch: Batch):
    plain = autothink_length_reward(batch.correct, batch.modes, batch.lengths, batch.groups)
    scaled = autothink_length_reward(batch.correct, batch.modes, batch.lengths * 3 + 7, batch.groups)
    assert plain.tolist() == pytest.approx(scaled.tolist(), abs=1e-6)
