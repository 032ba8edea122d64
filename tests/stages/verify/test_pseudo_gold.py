"""A pseudo-gold is an answer that the samples agree on, found by the papers' rules and never by a bare majority."""

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.stages.verify.pseudo_gold import adaptive_consistency, ahead, esc

ANSWERS = st.lists(st.sampled_from(["a", "b", "c", None]), max_size=40)


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ("aaaaa", ("a", 5, 5)),
        ("aaaaabbbbb", ("a", 5, 5)),
        ("aaaabaaaaa", ("a", 10, 9)),
        ("abbbbbaaaa", None),  # five in a row, but not in one window
        ("bbbbaaaaaa", ("a", 10, 6)),
        ("aaaa", None),
        ("aaaaa?", ("a", 5, 5)),
        ("aaaa?aaaaa", ("a", 10, 9)),
        ("?????", None),
        ("", None),
    ],
)
def test_esc_stops_with_the_first_unanimous_window(answers: str, found: tuple[str, int, int] | None) -> None:
    gold = esc([None if each == "?" else each for each in answers])
    assert (gold and (gold.answer, gold.samples, gold.agreeing)) == found
    assert gold is None or gold.rule == "esc"


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ("aaa", None),  # 15/16
        ("aaaa", ("a", 4)),  # 31/32
        ("abaaaa", None),  # 5 to 1: 120/128
        ("abaaaaa", ("a", 7)),  # 6 to 1: 247/256
        ("abababab", None),
        ("???aaaa", ("a", 7)),
        ("abcabcaaaaaa", ("a", 12)),
        ("", None),
    ],
)
def test_adaptive_consistency_stops_once_the_leader_is_ahead_with_95_percent(
    answers: str, found: tuple[str, int] | None
) -> None:
    gold = adaptive_consistency([None if each == "?" else each for each in answers])
    assert (gold and (gold.answer, gold.samples)) == found
    assert gold is None or gold.confidence >= 0.95


@pytest.mark.parametrize(("a", "b"), [(0, 0), (1, 0), (3, 0), (4, 0), (5, 1), (6, 1), (0, 4), (20, 11), (7, 7)])
def test_being_ahead_is_the_integral_of_the_beta_density_over_its_upper_half(a: int, b: int) -> None:
    assert ahead(a, b) == pytest.approx(float(mpmath.betainc(a + 1, b + 1, 0.5, 1, regularized=True)), abs=1e-12)


def test_golden_numbers() -> None:
    assert [ahead(1, 0), ahead(3, 0), ahead(4, 0), ahead(5, 1), ahead(6, 1)] == [
        0.75,
        15 / 16,
        31 / 32,
        120 / 128,
        247 / 256,
    ]


@given(answers=ANSWERS, rule=st.sampled_from([esc, adaptive_consistency]))
def test_what_comes_after_the_rule_was_content_changes_nothing(answers: list[str | None], rule: type) -> None:
    gold = rule(answers)
    if gold is None:
        return
    assert rule(answers[: gold.samples]) == gold
    assert rule([*answers[: gold.samples], *["d"] * 50]) == gold
    assert rule(answers[: gold.samples - 1]) is None
    assert gold.agreeing == answers[: gold.samples].count(gold.answer)


@given(answers=ANSWERS)
def test_names_of_answers_do_not_matter(answers: list[str | None]) -> None:
    names = {"a": "x = 1", "b": "7", "c": "no", None: None}
    for rule in (esc, adaptive_consistency):
        gold, renamed = rule(answers), rule([names[each] for each in answers])
        assert (gold and names[gold.answer], gold and gold[1:]) == (renamed and renamed.answer, renamed and renamed[1:])


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 sample, not 0"):
        esc(["a"], window=0)
