from math import inf

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.trainer.algorithms.hipo import hipo_advantages, hipo_reward, hipo_terms
from tests.trainer.algorithms import reference
from tests.trainer.algorithms.batches import NO, OFF, ON, Batch, batches, segments_of


def one_group(rewards, modes, **options):
    terms = hipo_terms(
        torch.tensor(rewards), torch.zeros(len(rewards), dtype=torch.int64), torch.tensor(modes), **options
    )
    return terms.judge.tolist(), terms.answer.tolist(), terms.bias.tolist()


def test_reward_adds_a_fifth_for_the_format():
    reward = hipo_reward(torch.tensor([True, True, False, False]), torch.tensor([True, False, True, False]))
    assert reward.tolist() == pytest.approx([1.2, 1.0, 0.2, 0.0])


def test_golden_numbers_where_thinking_helps():
    """On: 1.2, 1.2, 0.2; off: 1.2, 0.2, 0.2. No bias: the gap is ⅓, far above 0.01 · 0.8667.

    mean(on) = 0.866667, mean(off) = 0.533333, mean(r) = 0.7, so the choice is worth ±0.166667.
    Both modes: std² = (2 · (1/3)² + (2/3)²) / 2 = ⅓, std = 0.577350, + ε = 0.577450.
    z on: 0.333333 / 0.577450 = 0.577251 and −0.666667 / 0.577450 = −1.154501; off the same with signs turned.
    Judge, on: 0.166667 + 0.3 · 0.577251 = 0.339842; 0.166667 − 0.3 · 1.154501 = −0.179684.
    Judge, off: −0.166667 + 0.3 · 1.154501 = 0.179684; −0.166667 − 0.3 · 0.577251 = −0.339842.
    """
    judge, answer, bias = one_group([1.2, 1.2, 0.2, 1.2, 0.2, 0.2], [ON, ON, ON, OFF, OFF, OFF])
    assert judge == pytest.approx([0.339842, 0.339842, -0.179684, 0.179684, -0.339842, -0.339842], abs=1e-6)
    assert answer == pytest.approx([0.577251, 0.577251, -1.154501, 1.154501, -0.577251, -0.577251], abs=1e-6)
    assert bias == [0] * 6


def test_golden_numbers_with_the_judge_normalised_over_the_group():
    """As above: mean(r) = 0.7, squares 6 · 0.25 = 1.5, / 5 = 0.3, std = 0.547723, ± 0.5 / 0.547823 = ± 0.912704.

    Judge: 0.166667 ± 0.3 · 0.912704 = 0.440478 and −0.107145 for on; off: 0.107145 and −0.440478.
    """
    judge, _, _ = one_group([1.2, 1.2, 0.2, 1.2, 0.2, 0.2], [ON, ON, ON, OFF, OFF, OFF], judge_norm="group")
    assert judge == pytest.approx([0.440478, 0.440478, -0.107145, 0.107145, -0.440478, -0.440478], abs=1e-6)


def test_the_bias_breaks_a_tie_for_answering_at_once():
    """All right: mean 1.2 everywhere, the bias is 0.01 · 1.2 = 0.012, and off alone is worth that much."""
    judge, answer, bias = one_group([1.2, 1.2, 1.2, 1.2], [ON, OFF, OFF, ON])
    assert judge == pytest.approx([0, 0.012, 0.012, 0], abs=1e-7)
    assert answer == [0] * 4
    assert bias == pytest.approx([0.012] * 4)


@pytest.mark.parametrize(
    ("on", "off", "options", "bias"),
    [
        ([1.0, 1.0], [0.9, 1.1], {}, 0.01),  # gap 0
        ([1.0, 1.0], [0.98, 1.0], {}, 0.01),  # gap 0.01, the margin itself
        ([1.0, 1.0], [0.9, 0.9], {"omega": 0.1}, 0.1),  # the margin again, which float32's 0.9 is just below
        ([1.0, 1.0], [0.97, 1.0], {}, 0),  # gap 0.015
        ([1.0, 1.0], [1.0, 1.01], {}, 0),  # off is ahead already
        ([1.0, 1.0], [0.5, 0.5], {"omega": 0.6}, 0.6),  # gap 0.5
        ([1.0, 1.0], [0.5, 0.5], {"bias_margin": 0.6}, 0.01),
        ([1.0, 1.0], [0.0, 0.0], {"bias_margin": inf}, 0.01),
        ([1.0, 1.0], [1.0, 1.0], {"omega": 0.0}, 0),
        ([0.0, 0.0], [0.0, 0.0], {}, 0),  # nothing right: ω · 0
        ([], [1.0, 0.0], {}, 0),
        ([1.0, 0.0], [], {"bias_margin": inf}, 0),
    ],
)
def test_when_the_bias_is_given(on, off, options, bias):
    _, _, found = one_group(on + off, [ON] * len(on) + [OFF] * len(off), **options)
    assert found == pytest.approx([bias] * (len(on) + len(off)))


def test_the_same_mean_from_more_rollouts_is_a_tie():
    """⅓ of 1.2 from three and from six rollouts: rounding must not put think-off ahead."""
    _, _, bias = one_group([1.2, 0, 0, 1.2, 0, 0, 1.2, 0, 0], [ON] * 3 + [OFF] * 6)
    assert bias == pytest.approx([0.004] * 9)


def test_without_the_global_term_only_the_standing_is_left():
    judge, answer, _ = one_group([1.0, 0, 0, 0], [ON, ON, OFF, OFF], global_term=False)
    assert judge == pytest.approx([0.3 * value for value in answer])


def test_a_response_without_a_mode_tag_is_pushed_away():
    """mean(r) = ⅔ of 1.2 = 0.8; the broken one stands 0.8 below, the others 0.4 above."""
    judge, answer, _ = one_group([1.2, 1.2, 0.0], [ON, OFF, NO], omega=0.0)
    assert judge == pytest.approx([0.4, 0.4, -0.8])
    assert answer == [0, 0, 0]


def test_judge_tokens_and_answer_tokens_are_told_apart():
    terms = hipo_terms(torch.tensor([1.0, 0.0]), torch.tensor([3, 3]), torch.tensor([ON, ON]))
    tokens = hipo_advantages(terms, segments_of("jjmrra", "jmra.."))
    judge, answer = terms.judge.tolist(), terms.answer.tolist()
    assert tokens[0].tolist() == [judge[0]] * 3 + [answer[0]] * 3
    assert tokens[1].tolist() == [judge[1]] * 2 + [answer[1]] * 2 + [0, 0]


def test_a_mode_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"modes\[1\] is 5, which is no code of ModeCode"):
        one_group([1.0, 0.0], [0, 5])


@given(batches(known=False), st.sampled_from([0.0, 0.01, 0.1]), st.sampled_from(["mode", "group"]))
@settings(max_examples=60)
def test_plain_python_agrees(batch: Batch, omega, judge_norm):
    terms = hipo_terms(
        batch.rewards, batch.groups, batch.modes, known=batch.known, omega=omega, gamma=0.5, judge_norm=judge_norm
    )
    judge, answer = reference.hipo(batch, omega, 0.5, judge_norm)
    assert terms.judge.tolist() == pytest.approx(judge, abs=1e-6)
    assert terms.answer.tolist() == pytest.approx(answer, abs=1e-6)


@given(batches(), st.floats(0.01, 100))
@settings(max_examples=50)
def test_the_answer_advantage_does_not_depend_on_the_scale_of_the_rewards(batch: Batch, scale):
    rewards = batch.rewards.double()
    plain = hipo_terms(rewards, batch.groups, batch.modes, epsilon=0)
    scaled = hipo_terms(rewards * scale, batch.groups, batch.modes, epsilon=0)
    assert plain.answer.tolist() == pytest.approx(scaled.answer.tolist(), abs=1e-5)


@given(batches(modes=(ON,)), st.floats(0, 2, width=32))
@settings(max_examples=50)
def test_one_mode_with_equal_rewards_teaches_exactly_nothing(batch: Batch, reward):
    terms = hipo_terms(torch.full_like(batch.rewards, reward), batch.groups, batch.modes)
    assert not hipo_advantages(terms, batch.segments).any()
