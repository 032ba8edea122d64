from math import log

import pytest
import torch
from hypothesis import given, settings

from hipo_data.trainer.algorithms.adaptthink import adaptthink, adaptthink_old_logprobs
from tests.trainer.algorithms.batches import NO, OFF, ON, Batch, batches, segments_of


def test_golden_numbers():
    """R̄_ref = 12 / 16 = 0.75, δ = 0.05: right off 0.05 + 1 − 0.75, wrong off 0.05 − 0.75, and on without the 0.05."""
    rewards = torch.tensor([1.0, 0, 1, 0, 0])
    values = adaptthink(rewards, torch.tensor([OFF, OFF, ON, ON, NO]), torch.full((5,), 0.75))
    assert values.tolist() == pytest.approx([0.3, -0.7, 0.25, -0.75, -0.75])


def test_only_think_off_is_learnt_where_the_reference_is_always_right_too():
    values = adaptthink(torch.ones(2), torch.tensor([ON, OFF]), torch.ones(2), delta=0.125)
    assert values.tolist() == [0, 0.125]


def test_an_unknown_verdict_teaches_nothing_and_a_missing_reference_is_refused():
    nan = float("nan")
    known = torch.tensor([True, False])
    rewards, modes = torch.tensor([1.0, nan]), torch.tensor([ON, OFF])
    assert adaptthink(rewards, modes, torch.tensor([0.5, nan]), known=known).tolist() == [0.5, 0]
    with pytest.raises(ValueError, match=r"reference\[1\] is nan"):
        adaptthink(torch.ones(2), modes, torch.tensor([0.5, nan]))


@given(batches(known=False))
@settings(max_examples=50)
def test_a_rollout_is_judged_by_its_own_prompt_alone(batch: Batch):
    """No group statistics: all rollouts at once or each by itself is the same."""
    reference = batch.lengths / 4000
    together = adaptthink(batch.rewards, batch.modes, reference, known=batch.known)
    for i in range(len(batch.rewards)):
        one = slice(i, i + 1)
        alone = adaptthink(batch.rewards[one], batch.modes[one], reference[one], known=batch.known[one])
        assert torch.equal(together[one], alone)


def test_the_forced_tag_has_the_probability_of_the_coin():
    old = torch.full((3, 4), -3.0)
    segments = segments_of("jmra", "mmaa", "jja.")
    found = adaptthink_old_logprobs(old, torch.tensor([ON, OFF, NO]), segments, off_share=0.25)
    assert found[0].tolist() == pytest.approx([-3, log(0.75), -3, -3])
    assert found[1].tolist() == pytest.approx([log(0.25), 0, -3, -3])
    assert found[2].tolist() == [-3] * 4
    assert old.tolist() == [[-3.0] * 4] * 3


def test_a_forced_mode_without_a_tag_is_refused():
    with pytest.raises(ValueError, match="rollout 1 has a forced mode but no token of a mode tag"):
        adaptthink_old_logprobs(torch.zeros((2, 3)), torch.tensor([ON, OFF]), segments_of("mra", "aaa"))
    with pytest.raises(ValueError, match=r"off_share is 1\.0"):
        adaptthink_old_logprobs(torch.zeros((1, 2)), torch.tensor([OFF]), segments_of("ma"), off_share=1.0)
    with pytest.raises(ValueError, match=r"old_logprobs has shape \(1, 1\), segments \(1, 2\)"):
        adaptthink_old_logprobs(torch.zeros((1, 1)), torch.tensor([OFF]), segments_of("ma"))
