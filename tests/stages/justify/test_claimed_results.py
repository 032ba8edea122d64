"""Statements of results against decisions: the opposite of what was measured is found, what it leaves open is not."""

import pytest

from hipo_data.figures.intervals import wilson
from hipo_data.stages.justify.claimed_results import contradicts
from tests.stages.builders import make_decision, make_problem

PROBLEM = make_problem()


def contradicted(text: str, right_on: int, right_off: int, n: int = 8, language: str = "en") -> bool:
    sides = {}
    for side, right in (("on", right_on), ("off", right_off)):
        low, high = wilson(right, n)
        sides |= {f"n_{side}": n, f"right_{side}": right, f"p_{side}": right / n}
        sides |= {f"p_{side}_low": low, f"p_{side}_high": high}
    decision = make_decision(PROBLEM, **sides, margin=(right_on - right_off) / n)
    return contradicts(text, language, decision)


@pytest.mark.parametrize(
    ("language", "text", "wrong", "right"),
    [
        ("en", "No direct try was right, so it pays.", (8, 1), (8, 0)),
        ("en", "Direct answers always fail.", (8, 1), (8, 0)),
        ("en", "Answering at once never gets it right.", (8, 3), (8, 0)),
        ("en", "Every direct try was right.", (8, 7), (8, 8)),
        ("en", "Direct answers never fail.", (8, 0), (8, 8)),
        ("en", "No attempt with thinking was right.", (1, 8), (0, 8)),
        ("en", "Reasoning always gets it right.", (7, 8), (8, 8)),
        ("en", "Answering at once is mostly right.", (8, 0), (8, 3)),
        ("en", "Few direct tries were right.", (8, 8), (8, 5)),
        ("en", "With reasoning it works far more often.", (4, 4), (5, 4)),
        ("en", "Reasoning lowers the rate.", (8, 8), (7, 8)),
        ("en", "Both ways are right equally often.", (8, 4), (8, 7)),
        ("en", "With reasoning it works about as often.", (8, 1), (3, 1)),
        ("de", "Kein direkter Versuch war richtig.", (8, 1), (8, 0)),
        ("de", "Beide Wege sind gleich oft richtig.", (8, 4), (8, 8)),
        ("de", "Mit Nachdenken klappt es viel öfter.", (4, 6), (6, 4)),
        ("zh", "直接作答从未正确。", (8, 1), (8, 0)),
        ("zh", "两种方式的正确率相同。", (8, 2), (8, 8)),
    ],
)
def test_a_statement_is_judged_by_the_counts(
    language: str, text: str, wrong: tuple[int, int], right: tuple[int, int]
) -> None:
    assert contradicted(text, *wrong, language=language)
    assert not contradicted(text, *right, language=language)


@pytest.mark.parametrize(
    "text",
    [
        "If no direct try was right, it would pay to think.",
        "It is not that every direct try was right.",
        "Six carries are easily lost in this sum.",
        "Thinking helps, and working it out is clearly better.",
    ],
)
def test_what_is_supposed_or_says_no_result_passes(text: str) -> None:
    assert not contradicted(text, 4, 4)


def test_nothing_is_judged_of_a_mode_without_counts_or_in_an_unknown_language() -> None:
    decision = make_decision(PROBLEM, n_on=0, right_on=0, p_on=None, p_on_low=None, p_on_high=None, margin=None)
    for text in (
        "With reasoning it works more often.",
        "Reasoning always gets it right.",
        "Both ways are right equally often.",
    ):
        assert not contradicts(text, "en", decision)
    assert contradicts("No direct try was right.", "en", decision)
    assert not contradicts("No direct try was right.", "fr", decision)
