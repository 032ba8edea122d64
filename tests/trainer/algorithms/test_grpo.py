import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.trainer.algorithms.grpo import grpo
from hipo_data.trainer.algorithms.hipo import HipoTerms, hipo_advantages
from tests.trainer.algorithms import reference
from tests.trainer.algorithms.batches import Batch, batches, segments_of


def test_golden_numbers_of_one_group():
    """r = 1, 0, 0, 1: mean ½; squares 4 · ¼ = 1, over n − 1 = 3, std = 0.577350; ½ / (0.577350 + 0.0001) = 0.865875."""
    values = grpo(torch.tensor([1.0, 0, 0, 1]), torch.tensor([5, 5, 5, 5]))
    assert values.tolist() == pytest.approx([0.865875, -0.865875, -0.865875, 0.865875], abs=1e-6)


def test_dr_grpo_keeps_the_size_of_the_difference():
    """Two interleaved prompts: r = 1, 0, 0 with mean ⅓, and r = 0.2, 1.2 with mean 0.7."""
    values = grpo(torch.tensor([1.0, 0.2, 0, 1.2, 0]), torch.tensor([0, 9, 0, 9, 0]), scale="none")
    assert values.tolist() == pytest.approx([2 / 3, -0.5, -1 / 3, 0.5, -1 / 3], abs=1e-6)


def test_an_unknown_verdict_moves_nobody():
    known = torch.tensor([True, True, False])
    values = grpo(torch.tensor([1.0, 0, float("nan")]), torch.zeros(3, dtype=torch.int64), known=known, scale="none")
    assert values.tolist() == [0.5, -0.5, 0]


def test_an_ungraded_reward_is_refused():
    with pytest.raises(ValueError, match=r"rewards\[1\] is nan; pass the rollout as not `known`"):
        grpo(torch.tensor([1.0, float("nan")]), torch.tensor([0, 0]))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"rewards \(2,\), groups \(3,\)"):
        grpo(torch.tensor([1.0, 0]), torch.tensor([0, 0, 0]))
    terms = HipoTerms(*[torch.zeros(2)] * 3)
    with pytest.raises(ValueError, match=r"segments has shape \(1, 4\), but \(2, T\) is expected"):
        hipo_advantages(terms, segments_of("jmra"))
    with pytest.raises(ValueError, match="integer codes of Segment"):
        hipo_advantages(terms, torch.ones((2, 4), dtype=torch.bool))


@given(batches(known=False), st.sampled_from(["std", "none"]))
@settings(max_examples=60)
def test_plain_python_agrees(batch: Batch, scale):
    values = grpo(batch.rewards, batch.groups, known=batch.known, scale=scale)
    assert values.tolist() == pytest.approx(reference.grpo(batch, scale), abs=1e-6)


@given(batches(known=False), st.floats(0.01, 100), st.floats(-1e4, 1e4))
@settings(max_examples=60)
def test_scale_and_offset_of_the_rewards_do_not_matter(batch: Batch, scale, offset):
    rewards = batch.rewards.double()
    plain = grpo(rewards, batch.groups, known=batch.known, epsilon=0)
    moved = grpo(rewards * scale + offset, batch.groups, known=batch.known, epsilon=0)
    assert plain.tolist() == pytest.approx(moved.tolist(), abs=1e-5)


@given(batches(), st.floats(-2, 2), st.sampled_from(["std", "none"]), st.sampled_from([torch.float32, torch.float64]))
@settings(max_examples=60)
def test_equal_rewards_teach_exactly_nothing(batch: Batch, reward, scale, dtype):
    """Also where the mean of equal floats would be off by rounding: (0.1 + 0.1 + 0.1) / 3 is not 0.1."""
    values = grpo(torch.full_like(batch.rewards, reward, dtype=dtype), batch.groups, scale=scale)
    assert not values.any()
