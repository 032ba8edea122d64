import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.trainer.algorithms.hgpo import HgpoTerms, hgpo_advantages, hgpo_terms
from hipo_data.trainer.algorithms.rollouts import forced_modes
from tests.trainer.algorithms import reference
from tests.trainer.algorithms.batches import NO, OFF, ON, Batch, batches, segments_of


def one_group(rewards, modes, **options):
    groups = torch.zeros(len(rewards), dtype=torch.int64)
    terms = hgpo_terms(torch.tensor(rewards), groups, torch.tensor(modes), **options)
    return terms.intra.tolist(), terms.inter.tolist()


def test_golden_numbers_where_thinking_wins():
    """On: 1, 0.5; off: 0.4, 0.1; δ = 0.2: 0.75 against 0.25 + 0.2, so on wins.

    r_inter = 1, 1, 0, 0 and r_intra = 1, 0, 1, 0: mean ½, std = √(4 · ¼ / 3) = 0.577350, ½ / 0.577450 = 0.865875.
    """
    intra, inter = one_group([1.0, 0.5, 0.4, 0.1], [ON, ON, OFF, OFF])
    assert inter == pytest.approx([0.865875, 0.865875, -0.865875, -0.865875], abs=1e-6)
    assert intra == pytest.approx([0.865875, -0.865875, 0.865875, -0.865875], abs=1e-6)


@pytest.mark.parametrize(
    ("on", "off", "winner"),
    [(0.8, 0.5, ON), (0.6, 0.5, OFF), (0.5, 0.5, OFF), (0.0, 0.0, OFF), (0.0, 1.0, OFF)],
)
def test_thinking_has_to_win_by_delta(on, off, winner):
    _, inter = one_group([on, off], [ON, OFF])
    assert [value > 0 for value in inter] == [winner == ON, winner == OFF]


@pytest.mark.parametrize(("on", "off"), [(0.7, 0.5), (0.3, 0.1)])
def test_a_lead_of_exactly_delta_is_a_tie(on, off):
    """0.1 + 0.2 is not 0.3 in floating point. Both modes win, which teaches neither; "first" prefers on."""
    assert one_group([on, off], [ON, OFF])[1] == [0, 0]
    assert one_group([on, off], [ON, OFF], ties="first")[1] == pytest.approx([0.707007, -0.707007], abs=1e-6)


def test_tied_rollouts_share_the_prize_or_the_first_takes_it():
    """Three right ones of one mode. First: 1, 0, 0, 0 has mean ¼ and std ½; 0.75 / 0.5001 = 1.499700."""
    assert one_group([1.0, 1.0, 1.0, 0.0], [ON] * 4)[0] == pytest.approx([0.4999, 0.4999, 0.4999, -1.4997], abs=1e-6)
    first = one_group([0.0, 1.0, 1.0, 1.0], [ON] * 4, ties="first")[0]
    assert first == pytest.approx([-0.4999, 1.4997, -0.4999, -0.4999], abs=1e-6)


def test_normalised_by_mode_a_mode_that_is_all_wrong_wins_nothing():
    rewards, modes = [0.0, 0.0, 1.0, 0.0], [ON, ON, OFF, OFF]
    assert one_group(rewards, modes)[0][0] > 0
    assert one_group(rewards, modes, intra_norm="mode")[0] == pytest.approx([0, 0, 0.707007, -0.707007], abs=1e-6)


def test_without_the_other_mode_no_mode_wins():
    assert one_group([1.0, 0.0], [OFF, OFF])[1] == [0, 0]
    assert one_group([1.0, 0.0], [ON, NO])[1] == [0, 0]


def test_the_mode_tag_alone_takes_the_prize_of_the_mode():
    terms = HgpoTerms(intra=torch.tensor([1.0, -1.0]), inter=torch.tensor([-2.0, 2.0]))
    tokens = hgpo_advantages(terms, segments_of("jmmra", "ma..."), alpha=0.5)
    assert tokens.tolist() == [[1, 0, 0, 1, 1], [0, -1, 0, 0, 0]]


def test_half_of_each_prompt_is_forced_into_each_mode():
    assert forced_modes(2, 4).tolist() == [ON, ON, OFF, OFF] * 2
    for rollouts in (0, 1, 3):
        with pytest.raises(ValueError, match=f"{rollouts} rollouts a prompt cannot be halved"):
            forced_modes(2, rollouts)


@given(batches(known=False), st.sampled_from([0.0, 0.2, 0.5]))
@settings(max_examples=60)
def test_plain_python_agrees(batch: Batch, delta):
    terms = hgpo_terms(batch.rewards, batch.groups, batch.modes, known=batch.known, delta=delta)
    intra, inter = reference.hgpo(batch, delta)
    assert terms.intra.tolist() == pytest.approx(intra, abs=1e-6)
    assert terms.inter.tolist() == pytest.approx(inter, abs=1e-6)


@given(batches(modes=(ON, OFF)), st.integers(-4, 4))
@settings(max_examples=50)
def test_only_the_order_of_rewards_matters_within_a_mode(batch: Batch, power):
    plain = hgpo_terms(batch.rewards, batch.groups, batch.modes)
    scaled = hgpo_terms(batch.rewards * 2.0**power, batch.groups, batch.modes, delta=0.2 * 2.0**power)
    assert torch.equal(plain.intra, scaled.intra)
    assert torch.equal(plain.inter, scaled.inter)
