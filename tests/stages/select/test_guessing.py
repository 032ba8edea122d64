"""What luck explains of pass rates, and what is dropped for it."""

import polars as pl
import pytest

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.arm_whatif import arm_whatif
from hipo_data.stages.select.decision_words import in_words
from hipo_data.stages.select.flips import flip_probability
from hipo_data.stages.select.guessing import corrected
from hipo_data.stages.select.prior import CELL, Priors, fit
from hipo_data.stages.select.select import POLICIES, select_picks
from tests.stages.graded import OFF, ON, Try, frames, tries

PLAIN = SelectConfig(random_fraction=0)


def decided(rows: list[Try], options: int | None, config: SelectConfig = PLAIN) -> tuple[dict[str, object], int]:
    """The decision of the one problem, and how many picks it has."""
    problems, rollouts, verdicts = frames(rows)
    chosen = select_picks(problems.with_columns(options=pl.lit(options, pl.Int64)), rollouts, verdicts, config, 0)
    (row,) = chosen.decisions.collect().to_dicts()
    return row, chosen.picks.collect().height


@pytest.mark.parametrize(
    ("rate", "options", "without"),
    [
        (1.0, 4, 1.0),
        (0.25, 4, 0.0),
        (0.0, 4, -1 / 3),
        (0.625, 4, 0.5),
        (0.1, 10, 0.0),
        (0.5, None, None),
        (None, 4, None),
    ],
)
def test_a_rate_without_luck(rate: float | None, options: int | None, without: float | None) -> None:
    assert corrected(rate, options) == (without if without is None else pytest.approx(without))


@pytest.mark.parametrize(
    ("on", "off", "options", "mode"),
    [
        ((2, 6), (2, 6), 4, None),
        ((1, 7), (2, 6), 4, None),
        ((3, 5), (2, 6), 4, "think_off"),
        ((0, 8), (3, 5), 4, "think_off"),
        ((8, 0), (1, 7), 4, "think_on"),
        ((1, 7), (0, 8), 10, "think_on"),
        ((2, 6), (2, 6), None, "think_off"),
        ((4, 4), (4, 4), 2, None),
    ],
)
def test_what_nobody_answers_better_than_a_guesser_is_dropped(
    on: tuple[int, int], off: tuple[int, int], options: int | None, mode: str | None
) -> None:
    row, picks = decided(
        [*tries("p", ON, *on), *tries("p", OFF, *off)], options, PLAIN.model_copy(update={"delta": 0.2})
    )
    assert row["mode"] == mode
    assert (row["right_on"], row["right_off"], row["p_on"]) == (on[0], off[0], on[0] / 8)
    assert (row["drop_reason"], bool(picks)) == (("no_better_than_guessing", False) if mode is None else (None, True))


def test_unknown_verdicts_are_no_guesses() -> None:
    row, _ = decided([*tries("p", ON, 2, 4, unknown=2), *tries("p", OFF, 0, 8)], 4)
    assert row["mode"] == ON  # 2 of 6 is above a quarter


def test_a_mode_that_was_not_sampled_does_not_count_as_lucky() -> None:
    assert decided(tries("p", OFF, 1, 3), 4)[0]["drop_reason"] == "no_better_than_guessing"
    assert decided(tries("p", OFF, 2, 2), 4)[0]["mode"] == OFF


@pytest.mark.parametrize("policy", sorted(set(POLICIES) - {"budget", "effort"}))
def test_every_policy_drops_them(policy: str) -> None:
    config = SelectConfig.model_validate({"random_fraction": 0, "policy": policy})
    row, picks = decided([*tries("p", ON, 2, 6), *tries("p", OFF, 1, 7)], 4, config)
    assert (row["mode"], picks) == (None, 0)


def test_why_it_is_dropped_is_said_with_both_rates() -> None:
    row, _ = decided([*tries("p", ON, 2, 6), *tries("p", OFF, 1, 7)], 4)
    said = in_words(row | {"options": 4})
    assert "p_on 2/8 = 0.25 (0.07–0.59, without luck 0.00)" in said
    assert "without luck -0.17" in said
    assert "neither mode is right more often than somebody who guesses → dropped (no_better_than_guessing)" in said


@pytest.mark.parametrize("policy", ["effort", "all-correct"])
def test_no_arm_of_a_dropped_problem_is_chosen(policy: str) -> None:
    arms = [OFF, "low", ON]
    config = SelectConfig.model_validate({"random_fraction": 0, "policy": policy})
    rows = [*tries("lucky", ON, 2, 6), *tries("lucky", OFF, 1, 7), *tries("known", ON, 6, 2)]
    problems, rollouts, verdicts = frames(rows)
    problems = problems.with_columns(options=pl.lit(4, pl.Int64))
    chosen = select_picks(problems, rollouts, verdicts, config, 0, arms=arms)
    assert chosen.arms is not None
    of_arms = chosen.arms.collect()
    assert of_arms.filter("chosen").select("problem_id", "mode").rows() == [("known", ON)]
    assert of_arms.height > 1
    assert dict(chosen.decisions.collect().select("problem_id", "mode").rows()) == {"lucky": None, "known": ON}


def test_what_is_dropped_for_luck_has_no_probability_of_another_choice() -> None:
    rows = [
        *tries("lucky", ON, 2, 6),
        *tries("lucky", OFF, 1, 7),
        *tries("known", ON, 6, 2),
        *tries("known", OFF, 0, 8),
    ]
    problems, rollouts, verdicts = frames(rows)
    chosen = select_picks(problems.with_columns(options=pl.lit(4, pl.Int64)), rollouts, verdicts, PLAIN, 0)
    decisions = chosen.decisions.collect().sort("problem_id")
    counted = decisions.select(pl.lit("here").alias("source"), *CELL[1:], problems=pl.lit(1))
    known, lucky = flip_probability(decisions, PLAIN, Priors(tuple(fit(counted))))
    assert known is not None
    assert lucky is None


def test_a_what_if_of_arms_drops_what_the_run_drops() -> None:
    arms = [OFF, "low", ON]
    config = SelectConfig(random_fraction=0, policy="effort")
    rows = [*tries("lucky", ON, 2, 6), *tries("lucky", OFF, 1, 7)]
    rows += [*tries("known", ON, 6, 2), *tries("flagged", ON, 6, 2)]
    problems, rollouts, verdicts = frames(rows)
    problems = problems.with_columns(options=pl.lit(4, pl.Int64))
    chosen = select_picks(problems, rollouts, verdicts, config, 0, arms=arms, excluded=["flagged"])
    run = chosen.decisions.select("problem_id", "mode").collect()
    assert chosen.arms is not None
    counted = chosen.arms.drop("chosen").collect()
    options = problems.select("problem_id", "options").collect()
    asked = arm_whatif(counted, 3, 8, arms, {}, config, run, options=options, excluded=["flagged"])
    assert (asked.examples, asked.modes, asked.changed) == (1, {OFF: 0, "low": 0, ON: 1}, 0)
