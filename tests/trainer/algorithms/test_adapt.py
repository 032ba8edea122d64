from math import sqrt

import pytest
import torch
from hypothesis import given, settings

from hipo_data.trainer.algorithms.adapt import adapt_advantages, adapt_reward, adapt_terms
from tests.trainer.algorithms.batches import NO, OFF, ON, Batch, batches, segments_of

RIGHT, WRONG = True, False
ONE_PROMPT = torch.zeros(4, dtype=torch.int64)


def test_a_right_answer_in_a_broken_form_is_worth_nothing():
    correct, formed = torch.tensor([RIGHT, RIGHT, WRONG, WRONG]), torch.tensor([True, False, True, False])
    assert adapt_reward(correct, formed).tolist() == pytest.approx([1.8, 0, 0.8, 0])


def test_golden_numbers_where_not_thinking_does_better():
    """a_off = 1, a_on = ½: R = ½ · (1 − ½) + ½ · (1 − ½) = ½. Rewards 1.8, 0.8, 1.8, 1.8.

    Tokens: on right 1.3 1.8 1.8, on wrong 0.3 0.8, off 1.8 1.8 and 1.8: eight, sum 11.4, mean 1.425. Deviations
    −0.125 0.375 0.375, −1.125 −0.625, 0.375 0.375, 0.375; squares sum to 2.375, so the std is √(2.375 / 8) = 0.544862.
    """
    terms = adapt_terms(
        torch.tensor([1.8, 0.8, 1.8, 1.8]),
        torch.tensor([RIGHT, WRONG, RIGHT, RIGHT]),
        ONE_PROMPT,
        torch.tensor([ON, ON, OFF, OFF]),
        torch.tensor([3, 2, 2, 1]),
        epsilon=0.0,
    )
    found = adapt_advantages(terms, segments_of("mra", "mr.", "ma.", "m.."))
    assert found[0].tolist() == pytest.approx([-0.229416, 0.688247, 0.688247], abs=1e-5)
    assert found[1].tolist() == pytest.approx([-2.064742, -1.147079, 0], abs=1e-5)
    assert found[2].tolist() == pytest.approx([0.688247, 0.688247, 0], abs=1e-5)
    assert found[3].tolist() == pytest.approx([0.688247, 0, 0], abs=1e-5)


def test_golden_numbers_where_all_are_right():
    """R = ½ · (1 − ½) + ½ · 0 = ¼: one token of eight has 1.55, seven have 1.8. So −√7 for it, 1/√7 for the others."""
    terms = adapt_terms(
        torch.tensor([1.8, 1.8]),
        torch.tensor([RIGHT, RIGHT]),
        ONE_PROMPT[:2],
        torch.tensor([ON, OFF]),
        torch.tensor([4, 4]),
        epsilon=0.0,
    )
    assert terms.choice.tolist() == pytest.approx([-sqrt(7), 1 / sqrt(7)], abs=1e-5)
    assert terms.response.tolist() == pytest.approx([1 / sqrt(7), 1 / sqrt(7)], abs=1e-5)


def test_thinking_that_pays_is_preferred_on_its_tag_alone():
    """a_off = 0, a_on = 1: R = ½ · (0 − ½) + ½ · (0 − 1) = −¾, so the tag of think-on has ¾ more than its other tokens.

    Two tokens each: 2.55 1.8 and 0.8 0.8: mean 1.4875, deviations 1.0625 0.3125 −0.6875 −0.6875, variance 0.542969.
    """
    terms = adapt_terms(
        torch.tensor([1.8, 0.8]),
        torch.tensor([RIGHT, WRONG]),
        ONE_PROMPT[:2],
        torch.tensor([ON, OFF]),
        torch.tensor([2, 2]),
        epsilon=0.0,
    )
    std = sqrt(0.542969)
    assert terms.choice.tolist() == pytest.approx([1.0625 / std, -0.6875 / std], abs=1e-5)
    assert terms.response.tolist() == pytest.approx([0.3125 / std, -0.6875 / std], abs=1e-5)


@pytest.mark.parametrize("other", [ON, NO])
def test_a_mode_that_is_absent_gives_no_signal(other):
    """The authors' code would take the accuracy of no think-off response for 0, and praise think-on."""
    modes = torch.tensor([ON, ON, ON, other])
    equal = adapt_terms(torch.full((4,), 1.8), torch.ones(4), ONE_PROMPT, modes, torch.tensor([5, 6, 7, 8]))
    assert not equal.choice.any() and not equal.response.any()
    mixed = adapt_terms(
        torch.tensor([1.8, 0.8, 1.8, 0.8]), torch.tensor([1, 0, 1, 0]), ONE_PROMPT, modes, ONE_PROMPT + 4
    )
    assert torch.equal(mixed.choice, mixed.response)


def test_a_mode_whose_verdicts_are_all_unknown_is_absent():
    known = torch.tensor([True, True, False, False])
    terms = adapt_terms(
        torch.tensor([1.8, 1.8, float("nan"), float("nan")]),
        torch.tensor([RIGHT, RIGHT, WRONG, WRONG]),
        ONE_PROMPT,
        torch.tensor([ON, ON, OFF, OFF]),
        torch.tensor([3, 2, 2, 1]),
        known=known,
    )
    assert not terms.choice.any() and not terms.response.any()


def test_a_justification_before_the_tag_is_no_part_of_the_choice():
    terms = adapt_terms(
        torch.tensor([1.8, 1.8]), torch.ones(2), ONE_PROMPT[:2], torch.tensor([ON, OFF]), torch.tensor([5, 4])
    )
    found = adapt_advantages(terms, segments_of("jmmra", "jmaa."))
    assert found[0, 1] == found[0, 2] < 0 < found[0, 0] == found[0, 3] == found[0, 4]


@given(batches(known=False))
@settings(max_examples=50)
def test_without_its_price_the_tag_is_a_token_as_any_other(batch: Batch):
    """And the price moves the tags of think-on only against the other tokens of their own response."""
    given_ = (batch.rewards, batch.correct, batch.groups, batch.modes, batch.lengths)
    plain = adapt_terms(*given_, known=batch.known, choice_weight=0.0)
    assert torch.equal(plain.choice, plain.response)
    priced = adapt_terms(*given_, known=batch.known)
    others = batch.modes != ON
    assert torch.equal(priced.choice[others], priced.response[others])


def test_rewards_that_are_not_numbers_are_refused():
    with pytest.raises(ValueError, match=r"rewards\[1\] is nan"):
        adapt_terms(
            torch.tensor([1.0, float("nan")]), torch.ones(2), ONE_PROMPT[:2], torch.tensor([ON, OFF]), torch.ones(2)
        )
    with pytest.raises(ValueError, match=r"modes\[1\] is 3, which is no code"):
        adapt_terms(torch.ones(2), torch.ones(2), ONE_PROMPT[:2], torch.tensor([ON, 3]), torch.ones(2))
