"""A decision in words: which rule fired, and the numbers that made it fire."""

from collections.abc import Mapping
from typing import Any

from hipo_data.schemas.records import Mode

_NAMES = {Mode.THINK_ON.value: "think-on", Mode.THINK_OFF.value: "think-off"}
_DROPPED = {
    "ungraded": "no rollout of either mode could be graded",
    "no_agreement": "the source has no gold, and the think-on responses do not agree on an answer",
    "no_right_response": "no response is right",
    "no_usable_response": "right responses there are, yet none is fit to be kept: cut off, strayed from its mode, or "
    "holding a tag of the format",
    "preferred_mode_has_none": "the preferred mode has no response to keep, and select.fallback is drop",
}
_SLACK = 1e-9  # 0.9 - 0.75 must count as 0.15, as in select


def in_words(decision: Mapping[str, Any], leaking: int = 0) -> str:
    """One line, such as `p_on 6/8 = 0.75 (0.41–0.93), p_off 5/8 = 0.62 (0.31–0.86); margin 0.12 < δ 0.15 → think-off`.

    The rules of HiPO are put in words, those of other policies go by their names.

    Args:
        decision: columns of `schemas.records.Decision`.
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
        return f"think-on has no pass rate, and none could be δ {decision['delta']:g} above"
    return compared if rule in ("margin", "default_off") else f"by the rule {rule}"


def _compared(decision: Mapping[str, Any]) -> str:
    margin = decision["margin"]
    if margin is None:
        return "there is no margin"
    wins = margin >= decision["delta"] - _SLACK
    return f"margin {_exact(margin, decision['delta'])} {'≥' if wins else '<'} δ {decision['delta']:g}"


def _exact(margin: float, delta: float) -> str:
    """Two decimals, or as many as tell the margin from δ."""
    short = f"{margin:.2f}"
    return short if abs(float(short) - delta) > _SLACK or abs(margin - delta) <= _SLACK else f"{margin:.4f}"


def _rate(decision: Mapping[str, Any], side: str, leaking: int = 0) -> str:
    right, n, rate = (decision[f"{name}_{side}"] for name in ("right", "n", "p"))
    of_them = f" ({leaking} for thinking all the same)" if leaking else ""
    unknown = f" and {decision[f'unknown_{side}']} unknown{of_them}" if decision[f"unknown_{side}"] else ""
    if rate is None:
        return f"p_{side} {right}/{n}{unknown} (too few graded)"
    low, high = decision[f"p_{side}_low"], decision[f"p_{side}_high"]
    return f"p_{side} {right}/{n}{unknown} = {rate:.2f} ({low:.2f}–{high:.2f})"
