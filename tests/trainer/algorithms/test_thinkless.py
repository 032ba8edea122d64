import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.trainer.algorithms.thinkless import degrpo_weights, thinkless_reward
from tests.trainer.algorithms.batches import NO, OFF, ON, Batch, batches, segments_of


def test_reward_prefers_short_and_right():
    yes, no = True, False
    rows = [(yes, yes, OFF, 1), (yes, yes, ON, 0.5), (no, yes, OFF, -1), (yes, no, ON, -1), (yes, yes, NO, -1)]
    correct, well_formed, modes, expected = map(list, zip(*rows, strict=True))
    found = thinkless_reward(torch.tensor(correct), torch.tensor(well_formed), torch.tensor(modes))
    assert found.tolist() == expected


def test_reward_of_thinking_can_be_raised():
    yes = torch.tensor([True])
    assert thinkless_reward(yes, yes, torch.tensor([ON]), think_on_right=0.75).tolist() == [0.75]


def test_golden_weights_of_the_paper():
    """B = 2, α = 0.001; T = 4 and 1: control 0.001 / 2, response 1 / (2 · 4) and 1 / (2 · 1)."""
    weights = degrpo_weights(segments_of("mrraa", "ma..."))
    assert weights[0].tolist() == pytest.approx([0.0005, 0.125, 0.125, 0.125, 0.125])
    assert weights[1].tolist() == pytest.approx([0.0005, 0.5, 0, 0, 0])


def test_golden_weights_of_the_code():
    """Two control tokens, 4 + 1 response tokens: 0.001 / 2 and 1 / 5."""
    weights = degrpo_weights(segments_of("mrraa", "ma..."), average="code")
    assert weights[0].tolist() == pytest.approx([0.0005, 0.2, 0.2, 0.2, 0.2])
    assert weights[1].tolist() == pytest.approx([0.0005, 0.2, 0, 0, 0])


def test_the_code_average_is_that_of_its_two_masked_means():
    """Written as the authors have it: masked means over the control column and over the rest."""
    segments = segments_of("mrraa", "ma...", "mraa.")
    losses = torch.arange(15, dtype=torch.float32).reshape(3, 5).cos()
    control, rest = segments == 2, (segments == 3) | (segments == 4)
    expected = 0.001 * losses[control].mean() + losses[rest].mean()
    found = (degrpo_weights(segments, average="code") * losses).sum()
    assert found.item() == pytest.approx(expected.item(), abs=1e-6)


def test_a_split_tag_shares_the_weight_of_one():
    """B = 1: two control tokens of 0.1 / 2 each; the judge counts among the T = 3 others."""
    assert degrpo_weights(segments_of("jmmra"), alpha=0.1)[0].tolist() == pytest.approx(
        [1 / 3, 0.05, 0.05, 1 / 3, 1 / 3]
    )


@given(batches(), st.sampled_from([0.001, 0.5]))
@settings(max_examples=50)
def test_in_the_paper_every_response_weighs_the_same_whatever_its_length(batch: Batch, alpha):
    weights = degrpo_weights(batch.segments, alpha=alpha)
    assert not weights[batch.segments == 0].any()
    for row, segments in zip(weights, batch.segments, strict=True):
        tag, rest = bool((segments == 2).any()), bool(((segments == 1) | (segments > 2)).any())
        assert row.sum().item() == pytest.approx((alpha * tag + rest) / len(weights), rel=1e-5)


def test_without_decoupling_the_control_token_weighs_less_in_a_longer_response():
    """What DeGRPO is for: GRPO gives it 1 / |o|."""
    segments = segments_of("ma...", "mrraa")
    of_grpo = [1 / (len(segments) * int((row != 0).sum())) for row in segments]
    assert of_grpo == [0.25, 0.1]
    assert degrpo_weights(segments)[:, 0].tolist() == pytest.approx([0.0005, 0.0005])
