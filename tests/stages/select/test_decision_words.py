"""Every rule in words, with the numbers that made it fire."""

import pytest

from hipo_data.stages.select.decision_words import in_words
from tests.stages.select.test_select import ON, Try, decide_one, tries

OFF = "think_off"


def unkept(mode: str, right: int, wrong: int) -> list[Try]:
    """Right responses that nobody may keep."""
    return [
        Try("p", mode, index, "correct" if index < right else "incorrect", answer="<answer>", reasons=mode == ON)
        for index in range(right + wrong)
    ]


@pytest.mark.parametrize(
    ("rows", "changes", "words"),
    [
        (
            [*tries("p", ON, 6, 2), *tries("p", OFF, 5, 3)],
            {},
            "p_on 6/8 = 0.75 (0.41–0.93), p_off 5/8 = 0.62 (0.31–0.86); margin 0.12 < δ 0.15 → think-off (default_off)",
        ),
        (
            [*tries("p", ON, 8, 0), *tries("p", OFF, 2, 6, unknown=1)],
            {},
            "p_on 8/8 = 1.00 (0.68–1.00), p_off 2/8 and 1 unknown = 0.25 (0.07–0.59); margin 0.75 > δ 0.15 → "
            "think-on (margin)",
        ),
        (
            [*tries("p", ON, 1, 7), *tries("p", OFF, 0, 8)],
            {},
            "p_on 1/8 = 0.12 (0.02–0.47), p_off 0/8 = 0.00 (0.00–0.32); margin 0.12 < δ 0.15 asks for think-off, which "
            "has no response to keep → think-on (fallback_on)",
        ),
        (
            [*unkept(ON, 4, 0), *tries("p", OFF, 1, 3)],
            {},
            "p_on 4/4 = 1.00 (0.51–1.00), p_off 1/4 = 0.25 (0.05–0.70); margin 0.75 > δ 0.15 asks for think-on, which "
            "has no response to keep → think-off (fallback_off)",
        ),
        (
            tries("p", ON, 3, 1),
            {},
            "p_on 3/4 = 0.75 (0.30–0.95), p_off 0/0 (too few graded); think-off has no pass rate → "
            "think-on (only_mode)",
        ),
        (
            tries("p", OFF, 4, 0),
            {},
            "p_on 0/0 (too few graded), p_off 4/4 = 1.00 (0.51–1.00); think-on has no pass rate, and none could be "
            "more than δ 0.15 above → think-off (default_off)",
        ),
        (
            [*tries("p", ON, 0, 2), *tries("p", OFF, 0, 2)],
            {},
            "p_on 0/2 = 0.00 (0.00–0.66), p_off 0/2 = 0.00 (0.00–0.66); no response is right → "
            "dropped (no_right_response)",
        ),
        (
            [*tries("p", ON, 0, 0, unknown=2), *tries("p", OFF, 0, 0, unknown=2)],
            {},
            "p_on 0/0 and 2 unknown (too few graded), p_off 0/0 and 2 unknown (too few graded); no rollout of either "
            "mode could be graded → dropped (ungraded)",
        ),
        (
            [*tries("p", ON, 1, 7), *tries("p", OFF, 0, 8)],
            {"fallback": "drop"},
            "p_on 1/8 = 0.12 (0.02–0.47), p_off 0/8 = 0.00 (0.00–0.32); the preferred mode has no response to keep, "
            "and select.fallback is drop → dropped (preferred_mode_has_none)",
        ),
    ],
)
def test_rules_in_words(rows: list[Try], changes: dict[str, str], words: str) -> None:
    assert in_words(decide_one(*rows, **changes).model_dump()) == words


def test_a_drawn_mode_says_what_the_pass_rates_would_have_asked_for() -> None:
    rows = [*tries("p", ON, 4, 0), *tries("p", OFF, 1, 3)]
    words = in_words(decide_one(*rows, random_fraction=1).model_dump())
    assert "margin 0.75 > δ 0.15, but the problem is one of those drawn for a random mode → think-" in words
    assert words.endswith("(random)")


def test_a_margin_that_rounds_to_delta_shows_the_digits_that_decide() -> None:
    close = [*tries("p", ON, 749, 251), *tries("p", OFF, 600, 400)]  # 0.149, which two decimals show as 0.15
    assert "margin 0.1490 < δ 0.15" in in_words(decide_one(*close).model_dump())
    equal = [*tries("p", ON, 7, 13), *tries("p", OFF, 1, 4)]  # 0.35 - 0.2, in floats a little less than 0.15
    assert "margin 0.15 = δ 0.15 → think-off (default_off)" in in_words(decide_one(*equal).model_dump())


def test_rules_of_other_policies_go_by_their_names() -> None:
    rows = [*tries("p", ON, 4, 0), *tries("p", OFF, 1, 3)]
    words = in_words(decide_one(*rows, policy="adaptthink").model_dump())
    assert words.endswith("; by the rule on_better → think-on (on_better)")
