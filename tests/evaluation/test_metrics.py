"""Metrics against numbers worked by hand, and what has to hold for all rows."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.evaluation.metrics import accuracy, compliance, difficulty, lengths, mode_choice, shares
from hipo_data.figures.intervals import wilson

SCHEMA = {
    "problem_id": pl.String,
    "seed": pl.Int64,
    "forced": pl.String,
    "mode": pl.String,
    "status": pl.String,
    "tokens": pl.Int64,
    "answer": pl.String,
}
STATUS = {"r": "correct", "w": "incorrect", "?": "unknown"}
MODE = {"on": "think_on", "off": "think_off", "": None}


def rows(*each: tuple[str, str, int | None], seed: int = 0, mode: str = "", forced: str = "") -> pl.DataFrame:
    """Rows of (problem, one letter of a verdict, tokens)."""
    return pl.DataFrame(
        [
            {
                "problem_id": problem,
                "seed": seed,
                "forced": MODE[forced],
                "mode": MODE[mode],
                "status": STATUS[letter],
                "tokens": length,
                "answer": "",
            }
            for problem, letter, length in each
        ],
        schema=SCHEMA,
    )


def letters(text: str, seed: int = 0) -> pl.DataFrame:
    """One problem a letter."""
    return rows(*((f"p{place}", letter, 10) for place, letter in enumerate(text)), seed=seed)


@st.composite
def any_rows(draw: st.DrawFn) -> pl.DataFrame:
    count = draw(st.integers(1, 40))
    return pl.DataFrame(
        [
            {
                "problem_id": draw(st.sampled_from("abcdefgh")),
                "seed": draw(st.integers(0, 2)),
                "forced": draw(st.sampled_from([None, "think_on", "think_off"])),
                "mode": draw(st.sampled_from([None, "think_on", "think_off"])),
                "status": draw(st.sampled_from(list(STATUS.values()))),
                "tokens": draw(st.integers(0, 500)),
                "answer": draw(st.sampled_from(["4", "Wait, 4", None])),
            }
            for _ in range(count)
        ],
        schema=SCHEMA,
    )


def test_unknown_leaves_the_denominator() -> None:
    found = accuracy.accuracy(letters("rrw??"))
    assert (found.right, found.graded, found.unknown, found.value) == (2, 3, 2, pytest.approx(2 / 3))


def test_nothing_graded_has_no_accuracy() -> None:
    found = accuracy.accuracy(letters("??"))
    assert (found.value, found.low, found.high, found.mean, found.spread) == (None,) * 5
    assert lengths.efficiency_curve(letters("??")) == []


def test_seeds_have_a_mean_and_a_spread() -> None:
    found = accuracy.accuracy(pl.concat([letters("rrrw", seed=3), letters("rrww", seed=5)]))
    assert found.by_seed == {3: 0.75, 5: 0.5}
    # Mean of .75 and .5; sample standard deviation .25 / √2.
    assert (found.mean, found.spread) == (0.625, pytest.approx(0.25 / math.sqrt(2)))


def test_spread_of_one_seed_is_not_zero_but_none() -> None:
    assert accuracy.accuracy(letters("rw")).spread is None


def test_the_same_verdict_again_narrows_no_interval() -> None:
    """Eight responses to each of four problems, all alike within a problem, tell no more than one response each."""
    once = accuracy.accuracy(letters("rrrw"))
    again = accuracy.accuracy(pl.concat([letters("rrrw", seed=seed) for seed in range(8)]))
    assert (again.low, again.high) == pytest.approx((once.low, once.high))


def test_effective_size_by_hand() -> None:
    # Right 3, 1, 2 of 4, 4, 4: p = 1/2, residuals 1, −1, 0, V = 3/2 · 2 / 144 = 1/48; p(1 − p)/V = 12 = n.
    assert shares.effective_size(np.array([3.0, 1, 2]), np.array([4.0, 4, 4])) == pytest.approx(12)
    # Right 4, 0, 2: residuals 2, −2, 0, V = 3/2 · 8 / 144 = 1/12, and 1/4 · 12 = 3 problems' worth.
    assert shares.effective_size(np.array([4.0, 0, 2]), np.array([4.0, 4, 4])) == pytest.approx(3)


def test_one_response_a_problem_has_the_plain_wilson_interval() -> None:
    found = accuracy.accuracy(letters("rrrrrrrrww"))
    assert (found.low, found.high) == pytest.approx(tuple(wilson(8, 10)))


@given(any_rows())
def test_accuracy_lies_in_its_interval(table: pl.DataFrame) -> None:
    found = accuracy.accuracy(table)
    assert found.graded + found.unknown == table.height
    if found.value is None:
        assert found.graded == 0
    else:
        assert found.low is not None and found.high is not None
        assert found.low - 1e-9 <= found.value <= found.high + 1e-9


def test_tokens_by_hand() -> None:
    found = lengths.tokens(rows(("a", "r", 10), ("b", "w", 20), ("c", "?", 60), ("d", "?", None)))
    # Interpolated: p90 at place 1.8 of 10, 20, 60 is 20 + .8 · 40.
    assert (found.responses, found.mean, found.p50, found.p90) == (3, 30, 20, pytest.approx(52))


def test_ratio_t_leaves_out_what_shows_no_mode() -> None:
    table = pl.concat([rows(("a", "r", 1), mode="on"), rows(("b", "r", 1), ("c", "r", 1), mode="off"), letters("r")])
    found = mode_choice.mode_share(table)
    assert (found.think_on, found.think_off, found.neither, found.ratio_t) == (1, 2, 1, pytest.approx(1 / 3))
    assert mode_choice.mode_share(letters("rr")).ratio_t is None


def forced(problem: str, on: str, off: str, on_tokens: int = 100, off_tokens: int = 10) -> pl.DataFrame:
    """Forced samples of a problem, one letter a verdict."""
    return pl.concat(
        [
            rows(*((problem, letter, on_tokens) for letter in on), forced="on", mode="on"),
            rows(*((problem, letter, off_tokens) for letter in off), forced="off", mode="off"),
        ]
    )


def test_preferred_mode_is_the_one_more_often_right() -> None:
    table = pl.concat([forced("hard", "rrrw", "rwww"), forced("odd", "rwww", "rrww")])
    assert mode_choice.preferred_modes(table).rows() == [("hard", "think_on", False), ("odd", "think_off", False)]


def test_equal_modes_are_decided_by_length() -> None:
    table = pl.concat([forced("a", "rrww", "rrww"), forced("b", "rr", "rr", on_tokens=5), forced("c", "w", "w", 7, 7)])
    assert mode_choice.preferred_modes(table).rows() == [
        ("a", "think_off", True),
        ("b", "think_on", True),
        ("c", "think_off", True),
    ]


@pytest.mark.parametrize(("margin", "preferred"), [(0.0, "think_on"), (0.25, "think_on"), (0.3, "think_off")])
def test_modes_nearer_than_the_margin_are_decided_by_length(margin: float, preferred: str) -> None:
    table = forced("a", "rrrw", "rrww")  # .75 and .5: a difference of the margin itself is not nearer than it
    assert mode_choice.preferred_modes(table, margin)["preferred"].to_list() == [preferred]


def test_unknown_samples_do_not_make_a_mode_worse() -> None:
    assert mode_choice.preferred_modes(forced("a", "r???", "rrrw"))["preferred"].to_list() == ["think_on"]


def test_hybrid_accuracy_by_hand() -> None:
    prefer = pl.concat(
        [forced("a", "rr", "ww"), forced("b", "rr", "rr"), forced("c", "ww", "rw"), forced("d", "r", "?")]
    )
    free = pl.concat(
        [
            rows(("a", "r", 9), ("b", "r", 9), ("d", "r", 9), mode="on"),  # a hit, b not (off is shorter), d not judged
            rows(("c", "w", 9), mode="off"),  # a hit, right or wrong
            rows(("a", "r", 9)),  # no mode: not a hit
            rows(("a", "?", None)),  # never written: nothing was chosen
        ]
    )
    found = mode_choice.hybrid_accuracy(free, prefer)
    assert (found.value, found.choices, found.problems) == (0.5, 4, 3)
    assert (found.prefer_think_on, found.by_length) == (1, 1)


def test_a_perfect_chooser_of_certain_rates_by_hand() -> None:
    """Think-on always right, think-off never: every sample says so, whichever is left out."""
    names = [f"p{place}" for place in range(40)]
    prefer = pl.concat([forced(name, "rrrr", "wwww") for name in names])
    choice = pl.concat(
        [rows(*((name, "r", 9) for name in names[:30]), mode="on"), rows(*((n, "r", 9) for n in names[30:]))]
    )
    found = mode_choice.hybrid_accuracy(choice, prefer)
    assert (found.value, found.samples) == (0.75, 4)
    assert found.perfect_chooser == pytest.approx(1, abs=1e-3)
    assert found.corrected == pytest.approx(0.75, abs=1e-3)
    assert (found.perfect_accuracy_low, found.perfect_accuracy_high) == (1, 1)


def test_what_is_left_out_of_the_choice_scores_it_by_hand() -> None:
    """Think-on right in 2 of 4, think-off in 2 of 4 and shorter.

    Left out are a right or a wrong sample of each, each with chance 1/4. Both right or both wrong: equal shares, so
    think-off, which is right where the one left out is. On right, off wrong: shares 1/3 and 2/3, think-off, wrong. On
    wrong, off right: 2/3 and 1/3, think-on, wrong. So 1/4 in all.
    """
    names = [f"p{place}" for place in range(30)]
    prefer = pl.concat([forced(name, "rrww", "rrww") for name in names])
    found = mode_choice.hybrid_accuracy(rows(*((name, "r", 9) for name in names), mode="off"), prefer)
    assert (found.perfect_accuracy_low, found.perfect_accuracy_high) == (0.25, 0.5)


@pytest.mark.parametrize("samples", [4, 8, 16])
def test_a_perfect_chooser_is_told_from_one_that_errs(samples: int) -> None:
    """Rates are drawn, then samples of them; the choice that is right by the rates scores what is said of it."""
    random = np.random.default_rng(7)
    on, off = random.beta(4, 2, 300), random.beta(2, 3, 300)
    names = [f"p{place}" for place in range(300)]
    prefer = pl.concat(
        [
            forced(name, *("".join("rw"[int(draw)] for draw in random.random(samples) > p) for p in pair))
            for name, *pair in zip(names, on, off, strict=True)
        ]
    )
    best = ["on" if gain > 0 else "off" for gain in on - off]
    errs = [{"on": "off", "off": "on"}[mode] if place % 4 == 0 else mode for place, mode in enumerate(best)]
    perfect, other = (
        mode_choice.hybrid_accuracy(
            pl.concat([rows((name, "r", 9), mode=mode) for name, mode in zip(names, modes, strict=True)]), prefer
        )
        for modes in (best, errs)
    )
    assert perfect.value is not None and perfect.perfect_chooser is not None and other.corrected is not None
    assert perfect.value < 0.97  # what the samples alone say of a chooser that never errs
    assert perfect.perfect_chooser == pytest.approx(perfect.value, abs=0.06)
    assert other.corrected == pytest.approx(0.75, abs=0.08)
    assert perfect.perfect_accuracy_low is not None and perfect.perfect_accuracy_high is not None
    assert perfect.perfect_accuracy_low - 0.02 < np.maximum(on, off).mean() < perfect.perfect_accuracy_high + 0.02


def test_too_few_samples_or_problems_tell_nothing_of_a_perfect_chooser() -> None:
    for problems, samples in ((40, 3), (29, 8)):
        names = [f"p{place}" for place in range(problems)]
        prefer = pl.concat([forced(name, "r" * samples, "w" * samples) for name in names])
        found = mode_choice.hybrid_accuracy(rows(*((name, "r", 9) for name in names), mode="on"), prefer)
        assert (found.value, found.samples) == (1, samples)
        assert (found.perfect_chooser, found.corrected, found.perfect_accuracy_low) == (None, None, None)


def test_hybrid_accuracy_without_both_forced_modes_is_none() -> None:
    assert mode_choice.hybrid_accuracy(letters("r"), rows(("p0", "r", 1), forced="on")).value is None


@given(any_rows())
def test_hybrid_accuracies_of_opposite_choices_add_up_to_one(table: pl.DataFrame) -> None:
    prefer = table.filter(pl.col("forced").is_not_null())
    names = table["problem_id"].unique().sort().to_list()
    found = [
        mode_choice.hybrid_accuracy(rows(*((name, "r", 1) for name in names), mode=mode), prefer)
        for mode in ("on", "off")
    ]
    values = [each.value for each in found if each.value is not None]
    assert len(values) in (0, 2)
    assert not values or sum(values) == pytest.approx(1)


def test_implicit_thinking_looks_at_think_off_answers_only() -> None:
    table = pl.concat([rows(*((f"p{i}", "r", 1) for i in range(4)), mode="off"), rows(("x", "r", 1), mode="on")])
    said = pl.Series("answer", ["Wait, no: 4", "The waiter has 4", None, "4. Alternatively, 2 + 2", "Wait"])
    assert mode_choice.implicit_thinking(table.with_columns(said)) == 0.5
    assert mode_choice.implicit_thinking(rows(("a", "r", 1), mode="on")) is None


def test_a_budget_by_hand() -> None:
    table = rows(("a", "r", 10), ("b", "w", 10), ("c", "r", 30), ("d", "r", 90), ("e", "?", 5))
    found = lengths.within_budget(table, 30)
    # Of four graded: right and within 30 are a and c; within are a, b, c.
    assert (found.accuracy, found.among_shorter, found.within) == (0.5, pytest.approx(2 / 3), 0.75)
    nothing = lengths.within_budget(table, 3)
    assert (nothing.accuracy, nothing.among_shorter, nothing.within) == (0.0, None, 0.0)


def test_compliance_with_a_budget_by_hand() -> None:
    table = rows(("a", "r", 10), ("b", "w", 30), ("c", "r", 40), ("d", "r", 130), ("e", "?", None))
    found = compliance.compliance(table, 30, "free")
    # 40 and 130 of four are over 30, by 10 and 100; p90 lies at place .9 of them. Within it a is right and b wrong.
    assert (found.responses, found.over, found.excess) == (4, 0.5, 55)
    assert (found.excess_p90, found.excess_most) == (pytest.approx(10 + 0.9 * 90), 100)
    assert (found.accuracy, found.among_shorter) == (0.25, 0.5)
    kept = compliance.compliance(table, 130, "free")
    assert (kept.over, kept.excess, kept.excess_p90, kept.excess_most) == (0, None, None, None)
    assert compliance.compliance(table[4:], 30, "free").over is None


def test_compliance_is_given_by_difficulty_where_there_are_several() -> None:
    table = rows(("a", "r", 10), ("b", "w", 30), ("c", "r", 40))
    hard = table.with_columns(difficulty=pl.Series(["1", "1", "2"]))
    found = compliance.compliances(hard, [20, 35], "free")
    assert [(each.budget, each.difficulty, each.responses, each.over) for each in found] == [
        (20, None, 3, pytest.approx(2 / 3)),
        (20, "1", 2, 0.5),
        (20, "2", 1, 1.0),
        (35, None, 3, pytest.approx(1 / 3)),
        (35, "1", 2, 0.0),
        (35, "2", 1, 1.0),
    ]
    alike = table.with_columns(difficulty=pl.Series(["1", "1", None]))
    assert [each.difficulty for each in compliance.compliances(alike, [20], "free")] == [None]


@given(any_rows())
def test_the_efficiency_curve_rises_to_the_accuracy(table: pl.DataFrame) -> None:
    curve = lengths.efficiency_curve(table)
    values = [point.accuracy for point in curve]
    assert values == sorted(values, key=lambda value: value or 0)
    assert [point.budget for point in curve] == sorted({point.budget for point in curve})
    if curve:
        assert values[-1] == pytest.approx(accuracy.accuracy(table).value)
        assert curve[-1].within == 1


def test_difficulties_between_0_and_1_are_quartered_and_levels_stay() -> None:
    shares = pl.Series([0.0, 0.25, 0.5, 0.74, 1.0, None])
    expected = ["0 to 0.25", "0.25 to 0.5", "0.5 to 0.75", "0.5 to 0.75", "0.75 to 1", None]
    assert difficulty.difficulty_buckets(shares).to_list() == expected
    assert difficulty.difficulty_buckets(pl.Series([1.0, 5.0, None])).to_list() == ["1", "5", None]
    assert difficulty.difficulty_buckets(pl.Series([None], dtype=pl.Float64)).to_list() == [None]


def test_difference_is_paired_by_problem() -> None:
    found = accuracy.paired_difference(letters("rwwr?"), letters("rrwrr"))
    # Gains 0, 1, 0, 0 over the four problems that both have graded: mean .25, std .5, half-width 1.96 · .5 / 2.
    assert (found.value, found.problems) == (0.25, 4)
    assert (found.low, found.high) == (pytest.approx(0.25 - 0.48999, abs=1e-4), pytest.approx(0.73999, abs=1e-4))


@given(any_rows())
def test_nothing_differs_from_itself(table: pl.DataFrame) -> None:
    found = accuracy.paired_difference(table, table)
    assert found.value in (0, None)


@given(any_rows(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(table: pl.DataFrame, random: object) -> None:
    order = list(range(table.height))
    random.shuffle(order)  # type: ignore[attr-defined]
    mixed = table[order]
    assert accuracy.accuracy(mixed) == accuracy.accuracy(table)
    assert lengths.efficiency_curve(mixed) == lengths.efficiency_curve(table)
    assert mode_choice.preferred_modes(mixed).equals(mode_choice.preferred_modes(table))


def test_accuracy_without_luck_is_nothing_for_a_guesser() -> None:
    guessed = letters("rwww?").with_columns(options=pl.lit(4, pl.Int64))
    assert accuracy.accuracy(guessed).without_luck == pytest.approx(0)
    assert accuracy.accuracy(letters("rrrr").with_columns(options=pl.lit(4, pl.Int64))).without_luck == 1
    assert accuracy.accuracy(letters("rw")).without_luck is None
    mixed = pl.concat([guessed, letters("rw").with_columns(options=pl.lit(None, pl.Int64))])
    assert accuracy.accuracy(mixed).without_luck == pytest.approx(1 / 6)  # one right of two that nobody can guess
