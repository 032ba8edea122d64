"""The ceiling of a mix, against numbers made by hand."""

import polars as pl
import pytest

from hipo_data.reproduce.ceiling import (
    ALWAYS,
    BY_FAMILY,
    BY_RULE,
    NEVER,
    ORACLE,
    ROLLOUTS,
    Ceiling,
    ceiling,
    too_little,
)
from hipo_data.reproduce.config import Room
from hipo_data.reproduce.room import lines, section
from hipo_data.reproduce.teacher import check_sampled_alike
from hipo_data.schemas.config import SampleConfig
from hipo_data.schemas.errors import UserError


def rollouts(problem: str, family: str, on: str, off: str, tokens_on: int = 40, tokens_off: int = 10) -> pl.DataFrame:
    """A problem's rollouts by index: `1` is right, `0` wrong, `?` unknown."""
    rows = [
        {
            "problem_id": problem, "family": family, "mode": mode, "index": index,
            "right": None if each == "?" else each == "1", "tokens": tokens,
        }
        for mode, said, tokens in (("think_on", on, tokens_on), ("think_off", off, tokens_off))
        for index, each in enumerate(said)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=ROLLOUTS)


def mix() -> pl.DataFrame:
    return pl.concat(
        [
            rollouts("e1", "easy", "1111", "1111"),
            rollouts("e2", "easy", "1100", "1111"),
            rollouts("h1", "hard", "1111", "0000", 100),
            rollouts("h2", "hard", "1111", "1111", 100),
        ]
    )


def test_policies_are_means_over_problems_and_families_by_weight() -> None:
    found = ceiling(mix(), {"easy": 300, "hard": 100}, delta=0.15, justification=20)
    policies = {name: (each.accuracy, each.tokens, each.think_on) for name, each in found.policies.items()}
    assert policies[ALWAYS] == pytest.approx((0.75 * 0.75 + 0.25, 0.75 * 40 + 0.25 * 100, 1))
    assert policies[NEVER] == pytest.approx((0.75 + 0.25 * 0.5, 10, 0))
    # hard: 8 of 8 against 4 of 8, so it thinks; easy does better without.
    assert policies[BY_FAMILY] == pytest.approx((1, 0.75 * 10 + 0.25 * 100, 0.25))
    # Of the hard ones only h1 gains from thinking.
    assert policies[BY_RULE] == pytest.approx((1, 0.75 * 10 + 0.25 * 55, 0.125))
    assert policies[ORACLE] == pytest.approx((1, 0.75 * 10 + 0.25 * 55, 0.125))
    changed = found.change(BY_FAMILY)
    assert changed.accuracy == pytest.approx(1 / 0.8125 - 1)
    assert changed.tokens == pytest.approx(32.5 / 55 - 1) and changed.think_on == -0.75
    assert changed.tokens_justified == pytest.approx(52.5 / 75 - 1)
    assert (found.problems, found.left_out, found.rollouts) == (4, 0, 4)


def test_the_weights_are_the_evaluations() -> None:
    one, other = (ceiling(mix(), {"easy": easy, "hard": 1}, 0.15, 0) for easy in (1, 9))
    assert one.policies[ALWAYS].tokens == pytest.approx(70) and other.policies[ALWAYS].tokens == pytest.approx(46)
    alone = ceiling(mix(), {"hard": 5}, 0.15, 0)
    assert alone.policies[ALWAYS].tokens == 100 and alone.problems == 2


def test_a_gain_of_delta_is_none() -> None:
    tie = pl.concat([rollouts("a", "x", "1110", "1000"), rollouts("b", "x", "1110", "1000")])
    for delta, share in ((0.5, 0.0), (0.49, 1.0)):
        assert ceiling(tie, {"x": 1}, delta, 0).policies[BY_FAMILY].think_on == share


def test_choices_by_problem_are_not_measured_by_the_rollouts_that_made_them() -> None:
    """Modes that are equally good, both right half of the time, leave nothing to be chosen."""
    import numpy as np

    draws = np.random.default_rng(3).integers(0, 2, size=(600, 2, 8))
    coins = pl.concat(
        [rollouts(f"p{i}", "x", *("".join(map(str, mode)) for mode in draw)) for i, draw in enumerate(draws.tolist())]
    )
    found = ceiling(coins, {"x": 1}, 0.15, 0)
    lucky = np.maximum(draws[:, 0].mean(axis=1), draws[:, 1].mean(axis=1)).mean()
    assert lucky > 0.59
    assert found.policies[ORACLE].accuracy == pytest.approx(0.5, abs=0.025)
    assert found.policies[BY_RULE].accuracy == pytest.approx(0.5, abs=0.025)
    assert 0.2 < found.policies[BY_RULE].think_on < 0.4


def test_halves_are_chosen_and_measured_both_ways_round() -> None:
    """By every other rollout: places 0 and 2 say on, 1 and 3 say off, so each half is wrong about the other one."""
    found = ceiling(rollouts("a", "x", "1010", "0101"), {"x": 1}, 0.15, 0)
    assert found.policies[ORACLE].accuracy == 0 and found.policies[ORACLE].think_on == 0.5


def test_unknown_verdicts_are_no_wrong_ones() -> None:
    some = pl.concat([rollouts("a", "x", "1?1?", "0?00"), rollouts("b", "x", "1???", "0000")])
    found = ceiling(some, {"x": 1}, 0.15, 0)
    assert (found.problems, found.left_out, found.policies[ALWAYS].accuracy) == (1, 1, 1)
    with pytest.raises(ValueError, match="no problem of the family y has two graded rollouts in each mode"):
        ceiling(some, {"x": 1, "y": 1}, 0.15, 0)
    with pytest.raises(ValueError, match="never right with thinking"):
        ceiling(rollouts("a", "x", "00", "11"), {"x": 1}, 0.15, 0)


def test_rollouts_that_hang_on_verdicts_say_nothing() -> None:
    check_sampled_alike(SampleConfig(), "data.yaml")
    for sample in (SampleConfig(stop="decided"), SampleConfig(allocate="adaptive")):
        with pytest.raises(UserError, match=r"data\.yaml samples by earlier verdicts"):
            check_sampled_alike(sample, "data.yaml")


def of_mix() -> Ceiling:
    return ceiling(mix(), {"easy": 300, "hard": 100}, delta=0.15, justification=20)


def test_room_is_there_where_one_choice_reaches_both() -> None:
    # By problem: tokens 41.25 of 75 with the justification, accuracy 1 of .8125.
    assert too_little(of_mix(), Room(tokens=-0.44, accuracy=0.23)) is None
    said = too_little(of_mix(), Room(tokens=-0.5, accuracy=0.063))
    assert said is not None and "\n" not in said
    assert "HiPO's rule by problem" in said and "tokens by −45.0 % and accuracy by +23.1 %" in said
    assert "room asks for −50.0 % and +6.3 %" in said and "--anyway" in said
    assert too_little(of_mix(), Room(tokens=-0.1, accuracy=0.3)) is not None


def test_the_section_holds_the_policies_beside_what_is_published() -> None:
    text = section(of_mix())
    assert "| always think | 0.812 | 55.0 | 1.000 | | | | |" in text
    assert "| the better mode of each family | 1.000 | 32.5 | 0.250 | +23.1 % | −40.9 % | −30.0 % | −75.0 % |" in text
    assert "| HiPO (article) | | | | +6.3 % | | −30 % | −37 % |" in text
    assert "arXiv 2509.23967" in text and "| hard | 25 % | 1.000 | 0.500 | 100.0 | 10.0 |" in text
    assert "left out" not in text
    said = lines(of_mix())
    assert len(said) == 5 and "tokens −40.9 %, with a justification −30.0 %" in said[1]
