"""A decision in words: which rule fired, and the numbers that made it fire."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from hipo_data.schemas.records import Mode
from hipo_data.stages.select.boundary import decimal
from hipo_data.stages.select.exclusion import EXCLUDED
from hipo_data.stages.select.guessing import NO_BETTER, corrected
from hipo_data.stages.select.policies.hipo import LIKELY
from hipo_data.stages.select.prior import RUN, WEAK

_NAMES = {Mode.THINK_ON.value: "think-on", Mode.THINK_OFF.value: "think-off"}
_DROPPED = {
    "ungraded": "no rollout of either mode could be graded",
    "no_agreement": "the source has no gold, and the think-on responses do not agree on an answer",
    "no_right_response": "no response is right",
    "no_usable_response": "right responses there are, yet none is fit to be kept: cut off, strayed from its mode, or "
    "holding a tag of the format",
    NO_BETTER: "neither mode is right more often than somebody who guesses",
    EXCLUDED: "somebody flagged it, and select.exclude names the file of flags",
    "too_few_graded": "a mode has fewer graded rollouts than select.min_graded, so that the two cannot be compared",
    "preferred_mode_has_none": "the preferred mode has no response to keep, and select.fallback is drop",
}


def in_words(decision: Mapping[str, Any], leaking: int = 0) -> str:
    """One line, such as `p_on 6/8 = 0.75 (0.41–0.93), p_off 5/8 = 0.62 (0.31–0.86); margin 0.12 < δ 0.15 → think-off`.

    The rules of HiPO are put in words, those of other policies go by their names.

    Args:
        decision: columns of `schemas.records.Decision`; of multiple choice also `options`, how many there are.
        leaking: think-off rollouts that are unknown because they think all the same.
    """
    rates = f"{_rate(decision, 'on')}, {_rate(decision, 'off', leaking)}"
    if decision["mode"] is None:
        why = _DROPPED.get(decision["drop_reason"], str(decision["drop_reason"]).replace("_", " "))
        return f"{rates}; {why} → dropped ({decision['drop_reason']})"
    return f"{rates}; {_why(decision)} → {_NAMES[decision['mode']]} ({decision['rule']})"


def _why(decision: Mapping[str, Any]) -> str:
    rule, chosen = decision["rule"], Mode(decision["mode"])
    compared = _compared(decision)
    if rule == "random":
        return f"{compared}, but the problem is one of those drawn for a random mode"
    if rule in ("fallback_on", "fallback_off"):
        return f"{compared} asks for {_NAMES[chosen.other]}, which has no response to keep"
    if rule == "only_mode":
        return f"{_NAMES[chosen.other]} has no pass rate"
    if rule == "default_off" and decision["margin"] is None:
        return f"think-on has no pass rate, and none could be more than δ {decision['delta']:g} above"
    return compared if rule in ("margin", "default_off") else f"by the rule {rule}"


def _compared(decision: Mapping[str, Any]) -> str:
    if decision["margin"] is None:
        return "there is no margin"
    if decision.get("p_gain") is not None:
        return _likely(decision)
    on, off = (Fraction(decision[f"right_{side}"], decision[f"n_{side}"]) for side in ("on", "off"))
    margin, delta = on - off, decimal(decision["delta"])
    sign = ">" if margin > delta else "<" if margin < delta else "="
    return f"margin {_exact(margin, delta)} {sign} δ {decision['delta']:g}"


def _likely(decision: Mapping[str, Any]) -> str:
    """What the rule posterior goes by."""
    if decision["right_off"] == decision["n_off"]:
        return "think-off was right every time"
    gain, name, problems = decision["p_gain"], decision["prior"], decision["prior_problems"]
    sign = ">" if gain > LIKELY else "≤"
    shown = f"{gain:.2f}" if f"{gain:.2f}" != f"{LIKELY:.2f}" or gain == LIKELY else f"{gain:.6f}"
    return f"P(gain > δ {decision['delta']:g}) {shown} {sign} {LIKELY:g} by {prior_in_words(name, problems)}"


def prior_in_words(name: str, problems: int, of: str = "both modes") -> str:
    """A prior by its name and how many problems there were to fit it to, which tell of `of`."""
    if name == WEAK:
        return f"the weak prior, since only {problems:,} problems tell of {of}"
    return f"the prior of {'the run' if name == RUN else name}, fitted to {problems:,} problems"


def priors_in_words(priors: Mapping[str, int]) -> str:
    """Those of a run, by name."""
    return "; ".join(prior_in_words(name, problems) for name, problems in priors.items())


def _exact(margin: Fraction, delta: Fraction) -> str:
    """Two decimals, or as many as tell the margin from δ."""
    short = f"{float(margin):.2f}"
    return f"{float(margin):.4f}" if Fraction(short) == delta != margin else short


def _rate(decision: Mapping[str, Any], side: str, leaking: int = 0) -> str:
    right, n, rate = (decision[f"{name}_{side}"] for name in ("right", "n", "p"))
    of_them = f" ({leaking} for thinking all the same)" if leaking else ""
    unknown = f" and {decision[f'unknown_{side}']} unknown{of_them}" if decision[f"unknown_{side}"] else ""
    if rate is None:
        return f"p_{side} {right}/{n}{unknown} (too few graded)"
    low, high = decision[f"p_{side}_low"], decision[f"p_{side}_high"]
    without = corrected(rate, decision.get("options"))
    luck = "" if without is None else f", without luck {without:.2f}"
    return f"p_{side} {right}/{n}{unknown} = {rate:.2f} ({low:.2f}–{high:.2f}{luck})"
