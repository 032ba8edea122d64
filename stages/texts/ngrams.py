"""Hashes of n-grams, over all questions of a table at once."""

import numpy as np

from hipo_data.stages.texts.words import Hashes, Indices, Mask, Tokens

_BASE = 0x9E3779B97F4A7C15  # odd, so it has an inverse
_INVERSE = pow(_BASE, -1, 2**64)


class RunHashes:
    """Hashes of runs of words that depend on the words in the run alone: sums of word hash times base^position.

    The rolling polynomial hash of Rabin and Karp, modulo 2^64, from prefix sums.
    """

    def __init__(self, found: Tokens) -> None:
        hashes = found.hashes()
        self._sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(hashes * _powers(_BASE, len(hashes)))])
        self._inverses = _powers(_INVERSE, len(hashes) + 1)
        self._starts = found.starts

    def of_length(self, n: int) -> tuple[Hashes, Indices]:
        """Hashes of all n-grams within questions, in order, and the question of each."""
        counts = np.diff(self._starts)
        questions = np.repeat(np.arange(len(counts)), np.maximum(counts - n + 1, 0))
        first_gram = np.cumsum(np.maximum(counts - n + 1, 0)) - np.maximum(counts - n + 1, 0)
        places = np.arange(len(questions)) - first_gram[questions] + self._starts[questions]
        return self._between(places, places + n), questions

    def of_questions(self) -> Hashes:
        """One hash a question, of all its words."""
        return self._between(self._starts[:-1], self._starts[1:])

    def _between(self, first: Indices, end: Indices) -> Hashes:
        found: Hashes = (self._sums[end] - self._sums[first]) * self._inverses[first]
        return found


class Members:
    """Which of many hashes are in a given set, fast when few are."""

    def __init__(self, members: Hashes) -> None:
        self.hashes = np.unique(members)
        bits = max(10, len(self.hashes).bit_length() + 5)
        self._shift = np.uint64(64 - bits)
        self._maybe = np.zeros(1 << bits, dtype=np.bool_)
        self._maybe[self.hashes >> self._shift] = True

    def find(self, hashes: Hashes) -> tuple[Indices, Indices]:
        """Places in `hashes` that hold a member, in order, and the index in `hashes` of each."""
        places = np.flatnonzero(self._maybe[hashes >> self._shift])
        at = np.searchsorted(self.hashes, hashes[places])
        right: Mask = self.hashes[np.minimum(at, len(self.hashes) - 1)] == hashes[places]
        return places[right], at[right]


def _powers(base: int, count: int) -> Hashes:
    powers = np.full(count, base, dtype=np.uint64)
    powers[:1] = 1
    return np.multiply.accumulate(powers)
