"""What every policy keeps to, and each one's rule against a plain reading of it, one problem at a time."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Decision, Mode, Pick
from hipo_data.schemas.select_config import PolicyName
from hipo_data.stages.select.select import POLICIES, modes_at_most
from tests.stages.graded import IDS, OFF, ON, Try, decide_and_pick, tries, whole_tries

BUDGETS = ["lcpo_exact", "lcpo_max", "constrained", "concise", "system_1x"]
CONFIGS = [
    *[SelectConfig(policy=name) for name in get_args(PolicyName)],
    *[
        SelectConfig.model_validate({"policy": "budget", "budget": {"kind": kind, "low": 1, "high": 5}})
        for kind in BUDGETS
    ],
    SelectConfig.model_validate({"policy": "preference", "preference": {"pool": "both"}}),
    SelectConfig.model_validate({"policy": "thinkless", "thinkless": {"verify_short": True}}),
]
every_policy = st.sampled_from(CONFIGS)
UNVERIFIED = {"thinkless", "preference", "groups"}


def pick_one(policy: str, *rows: Try, **changes: object) -> tuple[Decision, list[Pick]]:
    config = SelectConfig.model_validate({"policy": policy, **changes})
    decisions, picks = decide_and_pick(rows, config, problems=["p"])
    return decisions["p"], picks.get("p", [])


def keys(picks: Sequence[Pick]) -> list[tuple[str, int]]:
    return [(pick.mode.value, pick.index) for pick in picks]


def test_every_policy_that_a_recipe_may_name_is_there() -> None:
    assert set(POLICIES) == set(get_args(PolicyName))


@settings(max_examples=60)
@given(rows=whole_tries, config=every_policy)
def test_a_decision_says_what_was_picked_or_why_nothing_was(rows: list[Try], config: SelectConfig) -> None:
    decisions, picks = decide_and_pick(rows, config, problems=IDS)
    by_key = {row.key: row for row in rows}
    assert list(decisions) == sorted(IDS)
    assert set(picks) == {key for key, decision in decisions.items() if decision.mode is not None}
    for key, decision in decisions.items():
        own = picks.get(key, [])
        assert [pick.rank for pick in own] == list(range(len(own)))
        assert len(set(keys(own))) == len(own)
        if decision.mode is None:
            assert (decision.rule, decision.index, decision.chosen_tokens) == ("none", None, None)
            assert decision.drop_reason
            continue
        assert decision.rule != "none"
        assert decision.drop_reason is None
        assert (decision.mode, decision.index, decision.chosen_tokens) == (own[0].mode, own[0].index, own[0].tokens)
        for pick in own:
            row = by_key[key, pick.mode.value, pick.index]
            assert (pick.tokens, pick.status) == (row.tokens, row.status or "unknown")
            assert row.usable or config.policy in UNVERIFIED
            assert row.whole or config.policy == "groups"


@settings(max_examples=30)
@given(rows=whole_tries, config=every_policy, shuffle=st.randoms(use_true_random=False), cut=st.integers(0, 6))
def test_order_and_batches_never_change_what_is_picked(
    rows: list[Try], config: SelectConfig, shuffle: random.Random, cut: int
) -> None:
    mixed, ids = list(rows), list(IDS)
    shuffle.shuffle(mixed)
    shuffle.shuffle(ids)
    whole = decide_and_pick(rows, config, problems=IDS)
    assert decide_and_pick(mixed, config, problems=ids) == whole
    halves = [
        decide_and_pick([row for row in rows if row.problem_id in half], config, problems=half)
        for half in (ids[:cut], ids[cut:])
    ]
    assert (halves[0][0] | halves[1][0], halves[0][1] | halves[1][1]) == whole


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize(
    ("rows", "reasons"),
    [
        ([], {"ungraded"}),
        (tries("p", ON, 0, 0, 4) + tries("p", OFF, 0, 0, 4), {"ungraded", "no_right_response"}),
        (tries("p", ON, 0, 4) + tries("p", OFF, 0, 4), {"no_right_response", "no_pair"}),
        ([replace(row, finish="length") for row in tries("p", ON, 4, 0)], {"no_usable_response", "no_pair"}),
    ],
    ids=["nothing sampled", "all unknown", "all wrong", "all truncated"],
)
def test_what_cannot_be_kept_is_dropped_with_a_reason(config: SelectConfig, rows: list[Try], reasons: set[str]) -> None:
    decisions, picks = decide_and_pick(rows, config, problems=["p"])
    if config.policy == "groups" and any(row.known for row in rows):
        assert len(picks["p"]) == len(rows)
    elif config.policy == "thinkless" and "no_right_response" in reasons:
        assert decisions["p"].drop_reason in {"ungraded", "no_right_response"}
    else:
        assert picks == {}
        assert decisions["p"].drop_reason in reasons


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_one_mode_alone_and_ties_everywhere_are_decided(config: SelectConfig) -> None:
    for modes in ([ON], [OFF], [ON, OFF]):
        rows = [row for mode in modes for row in tries("p", mode, 3, 3)]
        decisions, picks = decide_and_pick(rows, config, problems=["p"])
        again = decide_and_pick(rows[::-1], config, problems=["p"])
        assert (decisions, picks) == again
        assert (decisions["p"].mode is None) == ("p" not in picks)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_a_problem_with_ten_thousand_rollouts(config: SelectConfig) -> None:
    rows = [replace(row, tokens=20_000 - row.index) for row in tries("p", ON, 9_000, 1_000)]
    decisions, picks = decide_and_pick([*rows, *tries("p", OFF, 7, 3)], config, problems=["p"])
    assert (decisions["p"].n_on, decisions["p"].n_off) == (10_000, 10)
    wanted = {"groups": 10_010, "adaptthink": 9_000, "all-correct": 9_007, "thinkless": 2, "shortest": 1}
    assert len(picks.get("p", [])) == wanted.get(config.policy, len(picks.get("p", [])))


@settings(max_examples=40)
@given(rows=whole_tries)
def test_adaptthink_keeps_all_right_responses_of_think_off_unless_thinking_is_right_more_often(
    rows: list[Try],
) -> None:
    decisions, picks = decide_and_pick(rows, SelectConfig(policy="adaptthink"), problems=IDS)
    for key, decision in decisions.items():
        on, off = decision.p_on, decision.p_off
        if on is None and off is None:
            assert key not in picks
            continue
        mode = OFF if off is not None and (on is None or off >= on) else ON
        right = sorted(
            (row.tokens, row.index) for row in rows if (row.problem_id, row.mode) == (key, mode) and row.usable
        )
        assert keys(picks.get(key, [])) == [(mode, index) for _, index in right]


def test_adaptthink_answers_at_once_in_a_tie_and_never_falls_back() -> None:
    assert pick_one("adaptthink", *tries("p", ON, 2, 2), *tries("p", OFF, 1, 1))[0].rule == "off_no_worse"
    assert pick_one("adaptthink", *tries("p", ON, 2, 1), *tries("p", OFF, 1, 1))[0].rule == "on_better"
    spoilt = [replace(row, answer="<answer>1") for row in tries("p", OFF, 4, 0)]
    decision, picks = pick_one("adaptthink", *tries("p", ON, 1, 3), *spoilt)
    assert (decision.drop_reason, picks) == ("preferred_mode_has_none", [])


def test_at_most_so_many_responses_are_kept_a_mode_the_shortest_ones() -> None:
    rows = [replace(row, tokens=30 - row.index) for row in tries("p", ON, 5, 0)]
    off = [replace(row, tokens=10 - row.index) for row in tries("p", OFF, 3, 5)]
    assert keys(pick_one("adaptthink", *rows, *off, most=2)[1]) == [(ON, 4), (ON, 3)]
    assert keys(pick_one("all-correct", *rows, *off, most=2)[1]) == [(OFF, 2), (OFF, 1), (ON, 4), (ON, 3)]


@settings(max_examples=40)
@pytest.mark.parametrize("policy", POLICIES)
@given(rows=whole_tries)
def test_a_problem_has_examples_of_no_more_modes_than_a_plan_counts(policy: PolicyName, rows: list[Try]) -> None:
    _, picks = decide_and_pick(rows, SelectConfig(policy=policy, random_fraction=0.5))
    for of_problem in picks.values():
        assert len({pick.mode for pick in of_problem if pick.role != "member"}) <= modes_at_most(policy)


@given(rows=whole_tries, verify=st.booleans())
def test_thinkless_pairs_a_right_long_response_with_a_short_one_or_keeps_neither(rows: list[Try], verify: bool) -> None:
    config = SelectConfig.model_validate({"policy": "thinkless", "thinkless": {"verify_short": verify}})
    _, picks = decide_and_pick(rows, config, problems=IDS)
    for key in IDS:
        own = [row for row in rows if row.problem_id == key]
        long = min(((row.tokens, row.index) for row in own if row.mode == ON and row.usable), default=None)
        fit = [row for row in own if row.mode == OFF and (row.usable if verify else row.whole)]
        short = min(((not row.usable, row.tokens, row.index) for row in fit), default=None)
        if long is None or short is None:
            assert key not in picks
        else:
            assert keys(picks[key]) == [(ON, long[1]), (OFF, short[2])]
            assert {pick.pair for pick in picks[key]} == {"long_short"}


def test_thinkless_says_which_half_is_missing() -> None:
    assert pick_one("thinkless", *tries("p", ON, 1, 3))[0].drop_reason == "no_short_response"
    assert pick_one("thinkless", *tries("p", OFF, 1, 3))[0].drop_reason == "no_long_response"
    wrong = pick_one("thinkless", *tries("p", ON, 1, 3), *tries("p", OFF, 0, 2))
    assert keys(wrong[1]) == [(ON, 0), (OFF, 0)]
    shorter = [replace(row, tokens=1) for row in tries("p", OFF, 0, 2)]
    right = pick_one("thinkless", *tries("p", ON, 1, 3), *shorter, *tries("p", OFF, 1, 0, first=5))
    assert keys(right[1]) == [(ON, 0), (OFF, 5)]
    strict = pick_one("thinkless", *tries("p", ON, 1, 3), *tries("p", OFF, 0, 2), thinkless={"verify_short": True})
    assert strict[0].drop_reason == "no_short_response"


@pytest.mark.parametrize(
    ("off_right", "mode", "rule", "reason"),
    [
        (0, Mode.THINK_ON, "hard", None),
        (9, Mode.THINK_ON, "hard", None),
        (10, None, "none", "neither_hard_nor_easy"),
        (14, None, "none", "neither_hard_nor_easy"),
        (15, Mode.THINK_OFF, "easy", None),
        (20, Mode.THINK_OFF, "easy", None),
    ],
)
def test_lhrm_thinks_on_hard_problems_answers_easy_ones_and_leaves_the_rest(
    off_right: int, mode: Mode | None, rule: str, reason: str | None
) -> None:
    rows = [*tries("p", ON, 3, 1), *tries("p", OFF, off_right, 20 - off_right)]
    decision, picks = pick_one("lhrm", *rows)
    assert (decision.mode, decision.rule, decision.drop_reason, len(picks)) == (
        mode,
        rule,
        reason,
        int(mode is not None),
    )


def test_lhrm_needs_a_pass_rate_without_thinking_and_a_right_response_of_the_mode() -> None:
    assert pick_one("lhrm", *tries("p", ON, 3, 1))[0].drop_reason == "no_pass_rate_off"
    hard = [*tries("p", ON, 0, 4), *tries("p", OFF, 1, 3)]
    assert pick_one("lhrm", *hard)[0].drop_reason == "preferred_mode_has_none"


def test_thresholds_of_lhrm_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="could be both"):
        SelectConfig.model_validate({"policy": "lhrm", "lhrm": {"hard_below": 0.8, "easy_from": 0.6}})


@settings(max_examples=30)
@given(rows=whole_tries)
def test_all_correct_keeps_every_right_response_and_shortest_the_first_of_them(rows: list[Try]) -> None:
    every = decide_and_pick(rows, SelectConfig(policy="all-correct"), problems=IDS)[1]
    one = decide_and_pick(rows, SelectConfig(policy="shortest"), problems=IDS)[1]
    for key in IDS:
        right = sorted((row.tokens, row.mode, row.index) for row in rows if row.problem_id == key and row.usable)
        assert keys(every.get(key, [])) == [(mode, index) for _, mode, index in right]
        assert keys(one.get(key, [])) == keys(every.get(key, []))[:1]


@settings(max_examples=30)
@given(rows=whole_tries)
def test_always_think_keeps_the_shortest_right_response_that_thinks(rows: list[Try]) -> None:
    decisions, picks = decide_and_pick(rows, SelectConfig(policy="always-think"), problems=IDS)
    for key in IDS:
        own = [row for row in rows if row.problem_id == key]
        right = sorted((row.tokens, row.index) for row in own if row.mode == ON and row.usable)
        assert keys(picks.get(key, [])) == [(ON, index) for _, index in right][:1]
        if not right and any(row.mode == OFF and row.usable for row in own):
            assert decisions[key].drop_reason == "no_right_thinking"


@settings(max_examples=30)
@given(rows=whole_tries, weight=st.sampled_from([0.0, 0.2, 1.0]))
def test_groups_hold_every_graded_rollout_with_its_reward(rows: list[Try], weight: float) -> None:
    capped = [replace(row, cap=3) if row.index == 9 else row for row in rows]
    config = SelectConfig.model_validate({"policy": "groups", "groups": {"format_weight": weight}})
    decisions, picks = decide_and_pick(capped, config, problems=IDS)
    for key in IDS:
        members = sorted(
            (row for row in capped if row.problem_id == key and row.known and row.cap is None),
            key=lambda row: (row.mode, row.index),
        )
        own = picks.get(key, [])
        assert keys(own) == [(row.mode, row.index) for row in members]
        assert [pick.score for pick in own] == [(row.status == "correct") + weight * row.whole for row in members]
        assert [(pick.reasoning, pick.answer) for pick in own] == [(row.reasoning, row.answer) for row in members]
        assert {pick.role for pick in own} <= {"member"}
        assert (decisions[key].drop_reason == "ungraded") == (not members)


def test_settings_of_other_policies_select_nothing_anew() -> None:
    hipo, groups = SelectConfig(), SelectConfig(policy="groups")
    assert hipo.in_use() == SelectConfig.model_validate({"lhrm": {"hard_below": 0.1}, "most": 3}).in_use()
    assert hipo.in_use() != SelectConfig(random_fraction=0.5).in_use()
    assert groups.in_use() == SelectConfig(policy="groups", random_fraction=0.5).in_use()
    assert groups.in_use() != SelectConfig.model_validate({"policy": "groups", "groups": {"format_weight": 0}}).in_use()
