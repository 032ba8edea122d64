"""Intervals of paired differences: cases made by hand, and how often they hold the truth."""

import numpy as np
import pytest

from hipo_data.reproduce.intervals import change


def alike(problems: int) -> np.ndarray:
    return np.zeros(problems, np.int64)


def test_a_difference_that_never_varies_is_sure() -> None:
    before = np.array([[1.0, 4.0, 2.0], [3.0, 3.0, 7.0]])
    found = change(before, before + 2, alike(3), relative=False)
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))
    share = change(before, before * 0.7, alike(3), relative=True)
    assert (share.value, share.low, share.high) == pytest.approx((-0.3, -0.3, -0.3))


def test_with_one_seed_the_interval_is_that_of_paired_problems() -> None:
    random = np.random.default_rng(0)
    before, gain = random.normal(10, 5, (1, 400)), random.normal(1, 2, (1, 400))
    found = change(before, before + gain, alike(400), relative=False, draws=20_000)
    half = 1.96 * gain.std(ddof=1) / 20
    assert found.value == pytest.approx(gain.mean())
    assert (found.low, found.high) == pytest.approx((gain.mean() - half, gain.mean() + half), rel=0.02)


def test_seeds_that_differ_widen_it_by_students_t() -> None:
    """Three seeds and no noise but theirs: mean ± 4.303 · s / √3."""
    before = np.ones((3, 50))
    found = change(before, before + np.array([[0.0], [1.0], [2.0]]), alike(50), relative=False, draws=20_000)
    assert (found.low, found.high) == pytest.approx((1 - 4.303 / 3**0.5, 1 + 4.303 / 3**0.5), abs=0.05)


def test_families_of_fixed_size_are_no_noise() -> None:
    gain = np.repeat([[0.0, 1.0]], 50, axis=1)
    before, family = np.ones((1, 100)), np.repeat([0, 1], 50)
    assert change(before, before + gain, family, relative=False).low == pytest.approx(0.5)
    assert change(before, before + gain, alike(100), relative=False).low < 0.45


def test_what_is_missing_is_left_out() -> None:
    before = np.array([[1.0, np.nan, 1.0], [1.0, 1.0, np.nan]])
    assert change(before, np.full((2, 3), 2.0), alike(3), relative=True).value == pytest.approx(1)


def test_a_share_of_next_to_nothing_is_unsure() -> None:
    """One of 24 right before, three after: some draws hold no right one before."""
    before, after = np.zeros((2, 2, 24))
    before[0, 0], after[:, :2] = 1, 1
    found = change(before, after, alike(24), relative=True)
    assert found.value == pytest.approx(3) and found.low < 0 < 6 < found.high


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="same seeds, problems"):
        change(np.ones((2, 3)), np.ones((1, 3)), alike(3), relative=False)
    with pytest.raises(ValueError, match="nothing is a share of"):
        change(np.zeros((1, 3)), np.ones((1, 3)), alike(3), relative=True)
    with pytest.raises(ValueError, match="no figure"):
        change(np.full((1, 3), np.nan), np.ones((1, 3)), alike(3), relative=False)


@pytest.mark.parametrize(
    ("seeds", "of_seed", "of_problem"), [(5, 0.0, 0.0), (5, 0.04, 0.4), (3, 0.03, 0.4), (3, 0.2, 0.0), (5, 0.2, 0.4)]
)
def test_the_truth_lies_within_as_often_as_is_said(seeds: int, of_seed: float, of_problem: float) -> None:
    """Two models on the same problems: noise of seeds, problems that gain more or less, noise of responses."""
    random = np.random.default_rng(7)
    problems, truth, held = 150, 0.5, 0
    for _ in range(300):
        hardness = random.normal(5, 1, (1, problems))
        before = hardness + random.normal(0, 0.5, (seeds, problems))
        gain = truth + random.normal(0, of_seed, (seeds, 1)) + random.normal(0, of_problem, (1, problems))
        after = hardness + gain + random.normal(0, 0.5, (seeds, problems))
        found = change(before, after, alike(problems), relative=False, draws=300)
        held += found.low <= truth <= found.high
    assert 0.90 <= held / 300 <= 0.99
