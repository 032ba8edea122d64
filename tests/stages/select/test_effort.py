"""The policy effort: a plain reading of its rule, and that two arms are HiPO's case."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.select import select_picks
from tests.stages.graded import Try, decide_and_pick, frames, tries, whole_tries

ARMS = ["think_off", "short", "long", "think_on"]


def decided(rows: Sequence[Try], config: SelectConfig, arms: Sequence[str] = ARMS) -> dict[str, dict[str, object]]:
    """Decisions by problem, with `arms`, the rows of the table of arms."""
    problems, rollouts, verdicts = frames(rows)
    chosen = select_picks(problems, rollouts, verdicts, config, 0, arms=arms)
    assert chosen.arms is not None
    rates = chosen.arms.collect().to_dicts()
    return {
        row["problem_id"]: {**row, "arms": [each for each in rates if each["problem_id"] == row["problem_id"]]}
        for row in chosen.decisions.collect().to_dicts()
    }


def config(delta: float = 0.15, **changes: object) -> SelectConfig:
    return SelectConfig.model_validate({"policy": "effort", "delta": delta, "random_fraction": 0, **changes})


def arm(mode: str, right: int, wrong: int, unknown: int = 0, **changes: object) -> list[Try]:
    rows = tries("p", mode, right, wrong, unknown)
    return [Try(**{**vars(row), "reasons": Mode(mode).thinks, **changes}) for row in rows]


@pytest.mark.parametrize(
    ("rights", "mode"),
    [
        ((8, 8, 8, 8), "think_off"),
        ((7, 8, 8, 8), "think_off"),  # 1/8 below the best
        ((6, 7, 8, 8), "short"),
        ((0, 4, 7, 8), "long"),
        ((0, 0, 6, 8), "think_on"),
        ((0, 0, 8, 2), "long"),  # dearer is no better
        ((2, 0, 1, 0), "think_off"),
    ],
)
def test_the_lowest_arm_within_delta_of_the_best_is_kept(rights: tuple[int, ...], mode: str) -> None:
    rows = [row for name, right in zip(ARMS, rights, strict=True) for row in arm(name, right, 8 - right)]
    found = decided(rows, config())["p"]
    assert (found["mode"], found["rule"]) == (mode, "within_delta")
    assert [row["mode"] for row in found["arms"] if row["chosen"]] == [mode]
    assert [row["right"] for row in found["arms"]] == list(rights)


def test_a_tie_at_delta_goes_to_the_lower_arm() -> None:
    rows = [*arm("think_off", 6, 2), *arm("short", 8, 0), *arm("long", 8, 0), *arm("think_on", 8, 0)]
    assert decided(rows, config(0.25))["p"]["mode"] == "think_off"
    assert decided(rows, config(0.2499))["p"]["mode"] == "short"


def test_of_the_arm_the_shortest_right_response_is_kept() -> None:
    rows = [
        Try("p", "short", 0, "correct", tokens=9),
        Try("p", "short", 1, "correct", tokens=5),
        Try("p", "short", 2, "incorrect", tokens=1),
        Try("p", "short", 3, "correct", tokens=3, reasons=False),  # strayed from its mode
    ]
    found = decided(rows, config())["p"]
    assert (found["index"], found["chosen_tokens"]) == (1, 5)


def test_an_arm_without_a_response_to_keep_gives_way() -> None:
    rows = [*arm("think_off", 8, 0, reasons=True), *arm("short", 2, 6), *arm("long", 5, 3), *arm("think_on", 5, 3)]
    found = decided(rows, config())["p"]
    assert (found["mode"], found["rule"]) == ("long", "fallback_arm")
    dropped = decided(rows, config(fallback="drop"))["p"]
    assert (dropped["mode"], dropped["drop_reason"]) == (None, "preferred_mode_has_none")


def test_unknown_verdicts_are_in_no_rate_and_few_graded_ones_make_none() -> None:
    rows = [*arm("think_off", 1, 0, unknown=7), *arm("short", 6, 2), *arm("long", 7, 1), *arm("think_on", 7, 1)]
    assert decided(rows, config())["p"]["mode"] == "think_off"
    found = decided(rows, config(min_graded=2))["p"]
    assert found["mode"] == "short"
    assert found["arms"][0]["p"] is None and found["arms"][0]["unknown"] == 7


def test_a_decision_counts_the_cheapest_arm_and_the_best_of_the_others() -> None:
    rows = [*arm("think_off", 1, 7), *arm("short", 3, 5), *arm("long", 7, 1), *arm("think_on", 7, 1, tokens=90)]
    found = decided(rows, config())["p"]
    assert (found["right_off"], found["right_on"], found["tokens_on"]) == (1, 7, 10)
    assert found["margin"] == pytest.approx(0.75)


def test_a_problem_that_only_a_middle_arm_solves_counts_as_solved() -> None:
    rows = [*arm("think_off", 0, 8), *arm("short", 1, 7), *arm("long", 0, 8), *arm("think_on", 0, 8)]
    found = decided(rows, config())["p"]
    assert found["right_on"] + found["right_off"] == 1


def test_nothing_right_or_graded_is_dropped_with_its_reason() -> None:
    assert decided(arm("short", 0, 4), config())["p"]["drop_reason"] == "no_right_response"
    assert decided(arm("short", 0, 0, unknown=3), config())["p"]["drop_reason"] == "ungraded"
    assert decided(arm("short", 3, 0, reasons=False), config())["p"]["drop_reason"] == "no_usable_response"


deltas = st.sampled_from([0.0, 0.1, 0.125, 0.15, 0.25, 0.5, 1.0])


@settings(max_examples=80)
@given(rows=whole_tries, delta=deltas, fallback=st.sampled_from(["other_mode", "drop"]))
def test_two_arms_are_decided_as_hipo_does(rows: list[Try], delta: float, fallback: str) -> None:
    shared = {"delta": delta, "random_fraction": 0, "fallback": fallback}
    hipo, _ = decide_and_pick(rows, SelectConfig.model_validate({"policy": "hipo", **shared}))
    effort, _ = decide_and_pick(rows, SelectConfig.model_validate({"policy": "effort", **shared}))
    for key, decision in hipo.items():
        other = effort[key]
        assert (other.mode, other.index, other.drop_reason) == (decision.mode, decision.index, decision.drop_reason)
        counts = {"rule", "mode", "index", "chosen_tokens", "drop_reason"}
        assert other.model_dump(exclude=counts) == decision.model_dump(exclude=counts)


counted = st.lists(st.integers(0, 4), min_size=4, max_size=4)


@settings(max_examples=80)
@given(rights=counted, delta=deltas)
def test_the_rule_read_plainly(rights: list[int], delta: float) -> None:
    rows = [row for name, right in zip(ARMS, rights, strict=True) for row in arm(name, right, 4 - right)]
    found = decided(rows, config(delta))["p"]
    best = max(rights)
    lowest = next(
        name for name, right in zip(ARMS, rights, strict=True) if Fraction(best - right, 4) <= Fraction(str(delta))
    )
    keeps = {name for name, right in zip(ARMS, rights, strict=True) if right}
    if lowest in keeps:
        assert (found["mode"], found["rule"]) == (lowest, "within_delta")
    else:  # at a wide δ an arm that is never right is near enough
        assert found["mode"] in keeps if keeps else found["mode"] is None


def picked(rows: Sequence[Try], settings: dict[str, object], **more: object) -> list[tuple[object, ...]]:
    problems, rollouts, verdicts = frames(rows)
    chosen = select_picks(problems, rollouts, verdicts, SelectConfig.model_validate(settings), 0, arms=ARMS, **more)
    assert chosen.arms is not None
    kept = chosen.arms.filter("chosen").collect()["mode"].to_list()
    picks = chosen.picks.collect()
    assert sorted(kept) == sorted(picks["mode"].unique())
    return picks.select("mode", "index", "instruction", "budget").rows()


def test_a_budget_over_arms_is_the_one_of_the_lowest_arm_near_enough() -> None:
    budgets = {"short": 100, "long": 900}
    settings = {"policy": "budget", "budget": {"kind": "lcpo_max"}, "delta": 0.15}
    rows = [*arm("think_off", 0, 8), *arm("short", 3, 5), *arm("long", 7, 1), *arm("think_on", 8, 0)]
    said = "Think for maximum 900 tokens."
    assert picked(rows, settings, budgets=budgets) == [("long", 0, said, 900.0)]
    assert picked(rows, settings | {"delta": 0.7}, budgets=budgets)[0][1:] == (0, "Think for maximum 100 tokens.", 100)
    assert picked(rows, settings | {"delta": 0.1}, budgets=budgets) == [("think_on", 0, None, None)]
    assert picked(rows, settings | {"delta": 1.0}, budgets=budgets)[0][0] == "short"  # off has nothing to keep


def test_all_arms_that_solve_a_problem_keep_a_response_each() -> None:
    rows = [
        *arm("think_off", 0, 2),
        Try("p", "short", 0, "correct", tokens=9),
        Try("p", "short", 1, "correct", tokens=7),
        Try("p", "think_on", 0, "correct", tokens=7),
    ]
    kept = picked(rows, {"policy": "all-correct", "most": 1})
    assert [row[:2] for row in kept] == [("short", 1), ("think_on", 0)]
    assert [row[:2] for row in picked(rows, {"policy": "all-correct"})] == [("short", 1), ("think_on", 0), ("short", 0)]
    assert [row[:2] for row in picked(rows, {"policy": "shortest"})] == [("short", 1)]
