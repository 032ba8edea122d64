"""Whether a justification says of a mode what nobody measured, or the opposite of what was measured.

Only plain statements of results are judged, such as "no direct try was right" or "thinking does worse", in the language
of the justifications (`result_phrases`). A statement that is denied or supposed ("if no direct try was right") is none,
and what is said of the problem or the choice ("thinking it through is worth it here") claims nothing.

A mode without graded rollouts has no results, so that any statement of one is refused; a comparison needs both modes.
One is let through, and decided here: that thinking adds or brings nothing where direct answers were always right, since
nothing can be added to that, whatever thinking would have come to. That it "changes little" is refused there: it might
do worse. What measurement leaves open passes: "usually" and "about as often" are refused only where the 95 % intervals
exclude them, "adds nothing" only where think-on's lies above the other. Nothing is judged of a mode with too few graded
rollouts for a pass rate.
"""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from hipo_data.schemas.records import Decision
from hipo_data.stages.justify.result_phrases import PHRASES, Result

Wrong = Literal["claims_unmeasured", "contradicts_counts"]


class _Claim(NamedTuple):
    of: Literal["on", "off", "both"]
    """What has to be measured for it."""
    holds: Callable[[Decision], bool | None]
    """Null where the counts do not say."""


def _rate(side: Literal["on", "off"], holds: Callable[[float], bool]) -> _Claim:
    def judged(decision: Decision) -> bool | None:
        rate = getattr(decision, f"p_{side}")
        return None if rate is None else holds(rate)

    return _Claim(side, judged)


def _interval(side: Literal["on", "off"], holds: Callable[[float, float], bool]) -> _Claim:
    def judged(decision: Decision) -> bool | None:
        low, high = getattr(decision, f"p_{side}_low"), getattr(decision, f"p_{side}_high")
        return None if low is None or high is None else holds(low, high)

    return _Claim(side, judged)


def _margin(holds: Callable[[float, float], bool]) -> _Claim:
    return _Claim("both", lambda it: None if it.margin is None else holds(it.margin, it.delta))


def _no_more(decision: Decision) -> bool | None:
    if decision.p_off == 1:
        return True
    return None if decision.margin is None else not _lies_above(decision.p_on_low, decision.p_off_high)


def _about_equal(decision: Decision) -> bool | None:
    worse = _lies_above(decision.p_off_low, decision.p_on_high)
    return None if decision.margin is None else not worse and not _lies_above(decision.p_on_low, decision.p_off_high)


def _lies_above(low: float | None, high: float | None) -> bool:
    """Whether an interval from `low` lies above one up to `high`."""
    return low is not None and high is not None and low > high


_CLAIMS: dict[Result, _Claim] = {
    "off never": _rate("off", lambda rate: rate == 0),
    "off always": _rate("off", lambda rate: rate == 1),
    "off partly": _rate("off", lambda rate: 0 < rate < 1),
    "off not always": _rate("off", lambda rate: rate < 1),
    "off half": _interval("off", lambda low, high: low <= 0.5 <= high),
    "off mostly": _interval("off", lambda _, high: high > 0.5),
    "off rarely": _interval("off", lambda low, _: low < 0.5),
    "on never": _rate("on", lambda rate: rate == 0),
    "on always": _rate("on", lambda rate: rate == 1),
    "on mostly": _interval("on", lambda _, high: high > 0.5),
    "on rarely": _interval("on", lambda low, _: low < 0.5),
    "more": _margin(lambda margin, _: margin > 0),
    "less": _margin(lambda margin, _: margin < 0),
    "no more": _Claim("both", _no_more),
    "equal": _margin(lambda margin, delta: abs(margin) < delta),
    "about equal": _Claim("both", _about_equal),
}
_OF_MORE_THINKING = {"less", "no more", "about equal"}
"""Said of more thinking these compare with the kept arm; that it gains may be meant beside answering at once."""


class _Compiled(NamedTuple):
    results: dict[Result, re.Pattern[str]]
    denies: re.Pattern[str]
    further: re.Pattern[str]


_COMPILED = {
    language: _Compiled(
        {result: re.compile(phrases, re.IGNORECASE) for result, phrases in own.results.items()},
        re.compile(own.denies, re.IGNORECASE),
        re.compile(own.further, re.IGNORECASE),
    )
    for language, own in PHRASES.items()
}


def wrong_claim(text: str, language: str, decision: Decision, above: Decision | None = None) -> Wrong | None:
    """What is wrong with the results that `text` states, or null.

    Args:
        language: an ISO 639 code.
        above: over arms, the kept arm as `off` and the best of those above it as `on` (`beside_dearer`), which
            statements of more thinking are judged by.

    `claims_unmeasured`: of a mode without graded rollouts; `contradicts_counts`: the counts say otherwise.
    """
    if language not in _COMPILED:
        return None
    phrases = _COMPILED[language]
    for result, pattern in phrases.results.items():
        for found in pattern.finditer(text):
            before = text[: found.start()]
            further = phrases.further.search(before)
            if phrases.denies.search(before if further is None else before[: further.start()]):
                continue
            of_more = further is not None and result in _OF_MORE_THINKING
            wrong = _judged(_CLAIMS[result], above if of_more and above is not None else decision)
            if wrong is not None:
                return wrong
    return None


def _judged(claim: _Claim, decision: Decision) -> Wrong | None:
    holds = claim.holds(decision)
    if holds is None:
        unmeasured = (claim.of != "off" and decision.n_on == 0) or (claim.of != "on" and decision.n_off == 0)
        return "claims_unmeasured" if unmeasured else None
    return None if holds else "contradicts_counts"
