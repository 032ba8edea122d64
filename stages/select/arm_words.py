"""A decision between arms in words: the rate of each, and why the one that was chosen is the lowest near enough."""

from collections.abc import Mapping, Sequence
from typing import Any

from hipo_data.stages.select.decision_words import prior_in_words
from hipo_data.stages.select.policies.effort import FALLBACK, RULE


def arms_in_words(decision: Mapping[str, Any], arms: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """One line, such as `think_off 2/8 = 0.25 (0.07–0.59), short 7/8 = 0.88 (0.53–0.98), long not sampled; …`.

    Args:
        decision: columns of `schemas.records.Decision`, of the policy `effort`.
        arms: columns of `schemas.records.ArmRate`, of the same problem.
        names: of all arms of the recipe, from cheap to dear.
    """
    by_name = {row["mode"]: row for row in arms}
    rates = ", ".join(_rate(name, by_name.get(name)) for name in names)
    if decision["mode"] is not None and decision.get("prior") is not None:
        return f"{rates}; {_likeliest(decision, by_name)} → {decision['mode']} ({decision['rule']})"
    rated = [row for row in arms if row["p"] is not None]
    if decision["mode"] is None or not rated:
        return f"{rates}; {str(decision['drop_reason']).replace('_', ' ')} → dropped ({decision['drop_reason']})"
    best = max(rated, key=lambda row: (row["p"], -row["arm"]))
    return f"{rates}; {_why(decision, best)} → {decision['mode']} ({decision['rule']})"


def _why(decision: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    chosen, delta = decision["mode"], decision["delta"]
    near = f"{best['mode']} is right most often"
    if decision["rule"] == FALLBACK:
        return f"{near}, and no lower arm within δ {delta:g} of it has a response to keep"
    if decision["rule"] != RULE:
        return f"by the rule {decision['rule']}"
    lower = "no lower arm" if chosen == best["mode"] else f"{chosen} is the lowest arm that"
    return f"{near}, and {lower} comes within δ {delta:g} of it"


def _likeliest(decision: Mapping[str, Any], by_name: Mapping[str, Mapping[str, Any]]) -> str:
    """What the rule posterior goes by."""
    known = {name: row["p_asked"] for name, row in by_name.items() if row.get("p_asked") is not None}
    shares = ", ".join(f"{name} {share:.2f}" for name, share in known.items())
    said = f"the lowest arm within δ {decision['delta']:g} of the best by true rates: {shares}, by "
    said += prior_in_words(decision["prior"], decision["prior_problems"], "several arms")
    return f"{said}; the likeliest has no response to keep" if decision["rule"] == FALLBACK else said


def _rate(name: str, row: Mapping[str, Any] | None) -> str:
    if row is None:
        return f"{name} not sampled"
    unknown = f" and {row['unknown']} unknown" if row["unknown"] else ""
    if row["p"] is None:
        return f"{name} {row['right']}/{row['n']}{unknown} (too few graded)"
    return f"{name} {row['right']}/{row['n']}{unknown} = {row['p']:.2f} ({row['p_low']:.2f}–{row['p_high']:.2f})"
