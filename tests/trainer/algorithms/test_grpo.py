import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.trainer.algorithms.advantages import dr_grpo_weights, grpo, grpo_advantages, grpo_weights
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
    with pytest.raises(ValueError, match=r"segments has shape \(1, 4\), but \(2, T\) is expected"):
        grpo_advantages(torch.tensor([1.0, 0]), torch.tensor([0, 0]), segments_of("jmra"))
    with pytest.raises(ValueError, match="integer codes of Segment"):
        grpo_advantages(torch.tensor([1.0]), torch.tensor([0]), torch.ones((1, 4), dtype=torch.bool))


def test_token_losses_are_averaged_a_response_at_a_time():
    """B = 2, lengths 4 and 2: 1 / (2 · 4) and 1 / (2 · 2)."""
    weights = grpo_weights(segments_of("jmra", "ma.."))
    assert weights.tolist() == [[0.125] * 4, [0.25, 0.25, 0, 0]]


def test_dr_grpo_weighs_all_tokens_alike():
    """B = 2, at most 10 tokens: 1 / (2 · 10)."""
    weights = dr_grpo_weights(segments_of("jmra", "ma.."), max_tokens=10)
    assert weights[0].tolist() == pytest.approx([0.05] * 4)
    assert weights[1].tolist() == pytest.approx([0.05, 0.05, 0, 0])
    with pytest.raises(ValueError, match="max_tokens is 0"):
        dr_grpo_weights(segments_of("ma"), max_tokens=0)


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


@given(batches())
@settings(max_examples=30)
def test_padding_gets_nothing_and_the_rest_of_a_response_one_value(batch: Batch):
    values = grpo(batch.rewards, batch.groups)
    tokens = grpo_advantages(batch.rewards, batch.groups, batch.segments)
    assert torch.equal(tokens, torch.where(batch.segments != 0, values[:, None], 0.0))
