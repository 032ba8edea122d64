import pytest
import torch
from hypothesis import given, settings

from hipo_data.trainer.algorithms.ada_grpo import ada_grpo
from hipo_data.trainer.algorithms.grpo import grpo
from tests.trainer.algorithms.batches import NO, OFF, ON, Batch, batches

REWARDS, ONE_PROMPT = torch.tensor([1.0, 1.0, 0.0, 1.0]), torch.zeros(4, dtype=torch.int64)
MODES = torch.tensor([ON, ON, ON, OFF])


def test_golden_numbers_before_the_first_step():
    """α is G/F: 4/3 for on, 4 for off. Rewards 4/3, 4/3, 0, 4, mean 5/3, std √(76/27) = 1.677741.

    Deviations −1/3, −1/3, −5/3, 7/3.
    """
    found = ada_grpo(REWARDS, ONE_PROMPT, MODES, progress=0.0, epsilon=0.0)
    assert found.tolist() == pytest.approx([-0.198680, -0.198680, -0.993399, 1.390758], abs=1e-5)


def test_golden_numbers_half_way():
    """cos(π/2) = 0: α is 1 + ½ · ⅓ = 7/6 for on, 1 + ½ · 3 = 5/2 for off. Rewards 7/6, 7/6, 0, 5/2, mean 29/24.

    Deviations −1/24, −1/24, −29/24, 31/24, std √(1804/576/3) = 1.021754.
    """
    found = ada_grpo(REWARDS, ONE_PROMPT, MODES, progress=0.5, epsilon=0.0)
    assert found.tolist() == pytest.approx([-0.040780, -0.040780, -1.182605, 1.264165], abs=1e-5)


@given(batches(known=False, modes=(ON, OFF)))
@settings(max_examples=50)
def test_the_last_step_is_grpos(batch: Batch):
    found = ada_grpo(batch.rewards, batch.groups, batch.modes, progress=1.0, known=batch.known)
    assert torch.allclose(found, grpo(batch.rewards, batch.groups, known=batch.known), atol=1e-6)


@given(batches(known=False, modes=(ON,)))
@settings(max_examples=30)
def test_a_group_in_one_mode_is_grpos(batch: Batch):
    found = ada_grpo(batch.rewards, batch.groups, batch.modes, progress=0.0, known=batch.known)
    assert torch.allclose(found, grpo(batch.rewards, batch.groups, known=batch.known), atol=1e-6)


def test_a_response_without_a_mode_is_worth_nothing_but_is_one_of_the_group():
    """Rewards 1, 1, 1 in on, off, none: α is 3 for both modes, so 3, 3, 0: mean 2, std √3."""
    found = ada_grpo(torch.ones(3), ONE_PROMPT[:3], torch.tensor([ON, OFF, NO]), progress=0.0, epsilon=0.0)
    assert found.tolist() == pytest.approx([0.577350, 0.577350, -1.154701], abs=1e-5)


def test_an_unknown_verdict_makes_no_mode_rarer_or_commoner():
    known = torch.tensor([True, True, True, True, False])
    more = torch.cat([REWARDS, torch.tensor([float("nan")])])
    found = ada_grpo(more, torch.zeros(5), torch.cat([MODES, torch.tensor([OFF])]), progress=0.25, known=known)
    assert found.tolist() == pytest.approx([*ada_grpo(REWARDS, ONE_PROMPT, MODES, progress=0.25).tolist(), 0])


@pytest.mark.parametrize("progress", [-0.1, 1.1, float("nan")])
def test_progress_is_a_share(progress):
    with pytest.raises(ValueError, match=r"progress is .*, from 0 to 1"):
        ada_grpo(REWARDS, ONE_PROMPT, MODES, progress=progress)


def test_a_negative_reward_is_refused():
    with pytest.raises(ValueError, match=r"rewards\[2\] is -1.0; .* would punish the rare mode"):
        ada_grpo(torch.tensor([1.0, 1.0, -1.0, 1.0]), ONE_PROMPT, MODES, progress=0.0)
