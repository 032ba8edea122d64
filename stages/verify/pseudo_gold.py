"""Pseudo-golds: the answer that samples agree on, for problems that come without one.

Two rules say when enough samples agree. ESC (arXiv 2401.10480): samples come in windows of 5, and sampling stops with
the first window that is unanimous. Adaptive-Consistency (arXiv 2305.11860): sampling stops once the leading answer is
in the majority over the second with a probability of at least 0.95, by a Beta(a + 1, b + 1) posterior of its share,
where a and b are the counts of the two.

Without agreement both papers take the majority of all samples; here it is no gold, because training would take it for
one. Decided here: a sample without an answer agrees with none, so that its window is not unanimous; of equal counts the
answer seen first leads; answers are equal as strings, so bring them into one form before.
"""

from collections import Counter
from collections.abc import Sequence
from math import comb
from typing import Literal, NamedTuple

from hipo_data.schemas.grading import PseudoGoldConfig

WINDOW = 5
CONFIDENCE = 0.95


class PseudoGold(NamedTuple):
    """An answer in a gold's place, marked as what it is."""

    answer: str
    rule: Literal["esc", "adaptive_consistency"]
    samples: int
    """How many were looked at until the rule was content."""
    agreeing: int
    """How many of those gave the answer."""
    confidence: float
    """`ahead` of the most frequent other answer, whichever rule stopped."""


def pseudo_gold(answers: Sequence[str | None], config: PseudoGoldConfig) -> PseudoGold | None:
    """By the rule that the config names."""
    if config.rule == "esc":
        return esc(answers, config.window)
    return adaptive_consistency(answers, config.confidence)


def esc(answers: Sequence[str | None], window: int = WINDOW) -> PseudoGold | None:
    """The answer of the first unanimous window, null where no whole window is. Null answers are samples without one.

    Raises `ValueError` on a window below 1.
    """
    if window < 1:
        raise ValueError(f"a window holds at least 1 sample, not {window}")
    for start in range(0, len(answers) - window + 1, window):
        seen = answers[start : start + window]
        first = seen[0]
        if first is not None and all(answer == first for answer in seen):
            return _made(first, "esc", answers[: start + window])
    return None


def adaptive_consistency(answers: Sequence[str | None], confidence: float = CONFIDENCE) -> PseudoGold | None:
    """The leading answer as of the first sample at which it is ahead of the second with `confidence`, or null."""
    counts: Counter[str] = Counter()
    for number, answer in enumerate(answers, start=1):
        if answer is None:
            continue
        counts[answer] += 1
        leader, *second = counts.most_common(2)
        if ahead(leader[1], second[0][1] if second else 0) >= confidence:
            return _made(leader[0], "adaptive_consistency", answers[:number])
    return None


def ahead(a: int, b: int) -> float:
    """The probability that an answer seen `a` times has a larger share than one seen `b` times.

    P(p > 1/2) for p ~ Beta(a + 1, b + 1), the paper's integral, which for whole numbers is the binomial sum of C(n, k)
    for k = 0..a over 2^n, with n = a + b + 1.
    """
    n = a + b + 1
    every: int = 2**n
    return sum(comb(n, k) for k in range(a + 1)) / every


def _made(answer: str, rule: Literal["esc", "adaptive_consistency"], seen: Sequence[str | None]) -> PseudoGold:
    counts = Counter(each for each in seen if each is not None)
    others = max((count for other, count in counts.items() if other != answer), default=0)
    return PseudoGold(answer, rule, len(seen), counts[answer], ahead(counts[answer], others))
