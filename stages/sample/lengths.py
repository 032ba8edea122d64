"""Lengths of answers, counted in bins that add up over shards, and which of them are out of proportion."""

from collections.abc import Mapping
from math import floor, log2

STEPS = 4
"""Bins each time the length doubles, so that one is 19 % wide."""
_LEAST = 20
"""Lengths below which none is judged."""
_SCORE = 3.5
_NORMAL = 0.6745
"""The median absolute deviation of a normal distribution, in standard deviations."""
_TIMES = 4
_SHORT = 64


def bin_of(length: int) -> int:
    """The bin of a length: `STEPS` * log2 of it, rounded down. An empty answer counts as one long."""
    return floor(STEPS * log2(max(1, length)) + 1e-9)


def typical(lengths: Mapping[int, int]) -> int | None:
    """The median, to the middle of its bin; null without any length.

    Args:
        lengths: how many there are in each bin.
    """
    if not any(lengths.values()):
        return None
    return round(2 ** ((_median(lengths) + 0.5) / STEPS))


def out_of_proportion(lengths: Mapping[int, int]) -> int:
    """How many of these answers are out of proportion to the others: longer by far than such answers are.

    By the modified z-score of Iglewicz and Hoaglin (How to Detect and Handle Outliers, 1993), 0.6745 (x - m) / MAD with
    m the median and MAD the median absolute deviation from it, above their 3.5; x is the logarithm of the length, since
    lengths spread by factors. Half of the answers may be too long before the median moves along.

    Decided here, with no source: lengths are taken to the width of a bin; such an answer is besides four times as long
    as the median or more (lengths that are nearly all alike have no MAD to speak of) and longer than 64; of
    fewer than 20 answers none is judged.

    Args:
        lengths: how many there are in each bin.
    """
    if sum(lengths.values()) < _LEAST:
        return 0
    middle = _median(lengths)
    apart: dict[int, int] = {}
    for at, count in lengths.items():
        apart[abs(at - middle)] = apart.get(abs(at - middle), 0) + count
    spread = _median(apart)
    least = max(middle + STEPS * log2(_TIMES), bin_of(_SHORT))
    return sum(count for at, count in lengths.items() if at >= least and _NORMAL * (at - middle) > _SCORE * spread)


def _median(counted: Mapping[int, int]) -> int:
    """Of values by how often they occur; of an even number of them the lower one."""
    left = (sum(counted.values()) + 1) // 2
    for value in sorted(counted):
        left -= counted[value]
        if left <= 0:
            return value
    raise ValueError("no values")
