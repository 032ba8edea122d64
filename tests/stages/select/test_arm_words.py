"""Why an arm was chosen, in a line."""

from typing import Any

import pytest

from hipo_data.stages.select.arm_words import arms_in_words

NAMES = ["think_off", "short", "think_on"]


def rate(mode: str, right: int, n: int = 8, unknown: int = 0) -> dict[str, Any]:
    p = right / n if n else None
    return {"mode": mode, "arm": NAMES.index(mode), "right": right, "n": n, "unknown": unknown, "p": p} | {
        "p_low": 0.0,
        "p_high": 1.0,
    }


def decision(mode: str | None, rule: str = "within_delta", drop_reason: str | None = None) -> dict[str, Any]:
    return {"mode": mode, "rule": rule, "delta": 0.15, "drop_reason": drop_reason}


@pytest.mark.parametrize(
    ("chosen", "rates", "said"),
    [
        (
            decision("short"),
            [rate("think_off", 2), rate("short", 7), rate("think_on", 8)],
            "think_on is right most often, and short is the lowest arm that comes within δ 0.15 of it → short",
        ),
        (
            decision("short"),
            [rate("think_off", 2), rate("short", 8)],
            "think_on not sampled; short is right most often, and no lower arm comes within δ 0.15 of it → short",
        ),
        (
            decision("think_on", "fallback_arm"),
            [rate("think_off", 8, unknown=1), rate("think_on", 3)],
            "no lower arm within δ 0.15 of it has a response to keep → think_on (fallback_arm)",
        ),
        (
            decision(None, "none", "no_right_response"),
            [rate("short", 0, 0, 8)],
            "0/0 and 8 unknown (too few graded), think_on not sampled; no right response → dropped (no_right_response)",
        ),
    ],
)
def test_the_words_name_the_best_arm_and_why_a_lower_one_is_enough(
    chosen: dict[str, Any], rates: list[dict[str, Any]], said: str
) -> None:
    assert said in arms_in_words(chosen, rates, NAMES)


def test_the_rule_posterior_says_how_likely_each_arm_is_asked_for() -> None:
    arms = [rate("think_off", 2) | {"p_asked": 0.031}, rate("short", 7) | {"p_asked": 0.9}, rate("think_on", 8)]
    by_prior = {"prior": "run", "prior_problems": 4000}
    said = arms_in_words(decision("short") | by_prior, arms, NAMES)
    assert said.endswith(
        "the lowest arm within δ 0.15 of the best by true rates: think_off 0.03, short 0.90, by the prior of the run, "
        "fitted to 4,000 problems → short (within_delta)"
    )
    weak = arms_in_words(decision("short", "fallback_arm") | by_prior | {"prior": "weak"}, arms, NAMES)
    assert "problems tell of several arms; the likeliest has no response to keep → short (fallback_arm)" in weak
