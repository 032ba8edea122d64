"""Lengths of answers: bins add up over shards, and an answer far longer than the others is seen."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.stages.sample.lengths import bin_of, out_of_proportion, typical


def counted(tokens: Iterable[int]) -> Counter[int]:
    return Counter(bin_of(each) for each in tokens)


ORDINARY = [80 + 8 * each for each in range(40)]  # 80 to 392 tokens, median about 236


@pytest.mark.parametrize(
    ("tokens", "long"),
    [
        ([*ORDINARY, 4_000], 1),
        ([*ORDINARY, 4_000, 9_000, 30_000], 3),
        ([*ORDINARY, 700], 0),  # three times the median
        ([200] * 40 + [720], 0),  # without a spread, four times the median is asked for
        ([200] * 40 + [850], 1),
        ([3] * 40 + [50], 0),  # short all the same
        ([200] * 18 + [9_000], 0),  # too few to judge by
        ([200] * 19 + [9_000], 1),
        ([100 * 2**each for each in range(10)] * 4, 0),  # no length is usual
        ([200] * 20 + [9_000] * 19, 19),
        ([], 0),
    ],
)
def test_answers_far_longer_than_the_others_are_out_of_proportion(tokens: list[int], long: int) -> None:
    assert out_of_proportion(counted(tokens)) == long


def test_the_median_is_known_to_a_tenth() -> None:
    assert typical({}) is None
    for middle in (1, 7, 64, 1_000, 32_768):
        assert typical(counted([middle // 2, middle, middle * 3])) == pytest.approx(middle, rel=0.1, abs=0.5)


@given(st.lists(st.integers(1, 10**6), min_size=20, max_size=60), st.integers(0, 60))
def test_what_is_out_of_proportion_is_so_in_exact_terms_too_and_in_any_shards(tokens: list[int], cut: int) -> None:
    whole = counted(tokens)
    assert counted(tokens[:cut]) + counted(tokens[cut:]) == whole
    logs = np.floor(4 * np.log2(tokens) + 1e-9)
    middle = np.sort(logs)[(len(logs) - 1) // 2]
    spread = np.sort(abs(logs - middle))[(len(logs) - 1) // 2]
    long = (logs >= middle + 8) & (np.array(tokens) >= 64) & (0.6745 * (logs - middle) > 3.5 * spread)
    assert out_of_proportion(whole) == long.sum()
