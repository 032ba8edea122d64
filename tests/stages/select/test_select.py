"""The δ rule against a plain reading of it, one problem at a time."""

import hashlib
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.schemas.config import SampleConfig, SelectConfig
from hipo_data.schemas.records import Decision, Mode
from hipo_data.stages.select.boundary import alike, exceeds, notice, ties
from hipo_data.stages.select.decision_words import in_words
from hipo_data.stages.select.select import POLICIES, select, select_picks
from tests.stages.graded import IDS, OFF, ON, Try, decide_and_pick, frames, many_tries, tries


def decide(
    rows: Sequence[Try],
    config: SelectConfig | None = None,
    seed: int = 0,
    problems: Sequence[str] | None = None,
) -> dict[str, Decision]:
    return decide_and_pick(rows, config, seed, problems)[0]


def decide_one(*rows: Try, **changes: Any) -> Decision:
    return decide(rows, SelectConfig(**{"random_fraction": 0, **changes}))["p"]


def draws(problem_id: str, seed: int, fraction: float) -> tuple[bool, bool]:
    """Whether a problem is drawn for a random mode, and whether its coin says think-on."""
    digest = hashlib.sha256(f"{seed}:random_mode:{problem_id}".encode()).hexdigest()
    return int(digest[:12], 16) < int(fraction * 16**12), int(digest[12:24], 16) % 2 == 0


def expected(problem_id: str, rows: Sequence[Try], config: SelectConfig, seed: int) -> dict[str, Any]:
    """The rule once more, in plain Python and exact fractions."""
    found: dict[str, Any] = {"rule": "none", "mode": None, "index": None, "chosen_tokens": None, "drop_reason": None}
    rate: dict[str, Fraction | None] = {}
    pick: dict[str, Try | None] = {}
    for mode, side in ((ON, "on"), (OFF, "off")):
        own = [row for row in rows if row.problem_id == problem_id and row.mode == mode]
        evidence = [row for row in own if row.cap is None]
        graded = [row for row in evidence if row.status in ("correct", "incorrect")]
        right = [row for row in graded if row.status == "correct"]
        found[f"n_{side}"], found[f"right_{side}"] = len(graded), len(right)
        found[f"unknown_{side}"] = len(evidence) - len(graded)
        found[f"truncated_{side}"] = sum(row.finish == "length" for row in evidence)
        rate[mode] = Fraction(len(right), len(graded)) if len(graded) >= config.min_graded else None
        pick[mode] = min((row for row in own if row.usable), key=lambda row: (row.tokens, row.index), default=None)
    on, off = rate[ON], rate[OFF]
    if on is None and off is None:
        return found | {"drop_reason": "ungraded" if config.min_graded == 1 else "too_few_graded"}
    sure_of_off = off is not None and 1 - off <= Fraction(str(config.delta))
    few = config.min_graded > 1 and (on is None or off is None) and not (on is None and sure_of_off)
    if on is not None and off is not None:
        preferred = ON if on - off > Fraction(str(config.delta)) else OFF
        rule = "margin" if preferred == ON else "default_off"
    else:
        preferred, rule = (ON if on is not None else OFF), "only_mode"
        if sure_of_off:
            rule = "default_off"
    choice: str | None = preferred
    drawn, heads = draws(problem_id, seed, config.random_fraction)
    other = OFF if preferred == ON else ON
    if drawn and (pick[ON] or pick[OFF]):
        choice, rule = (ON if pick[ON] and (heads or not pick[OFF]) else OFF), "random"
    elif few:
        return found | {"drop_reason": "too_few_graded"}
    elif pick[preferred] is None and pick[other] is not None and config.fallback == "other_mode":
        choice, rule = other, "fallback_on" if other == ON else "fallback_off"
    elif pick[preferred] is None:
        choice, rule = None, "none"
        if found["right_on"] + found["right_off"] == 0:
            found["drop_reason"] = "no_right_response"
        else:
            found["drop_reason"] = "preferred_mode_has_none" if pick[other] else "no_usable_response"
    chosen = pick[choice] if choice else None
    if chosen is not None:
        found |= {"index": chosen.index, "chosen_tokens": chosen.tokens}
    return found | {"rule": rule, "mode": choice}


configs = st.builds(
    SelectConfig,
    delta=st.sampled_from([0.0, 0.05, 0.15, 0.2, 0.25, 0.5, 1.0]),
    random_fraction=st.sampled_from([0.0, 0.3, 1.0]),
    fallback=st.sampled_from(["other_mode", "drop"]),
    min_graded=st.integers(1, 3),
)


@settings(max_examples=60)
@given(rows=many_tries, config=configs, seed=st.integers(0, 3))
def test_every_decision_is_that_of_the_plain_rule(rows: list[Try], config: SelectConfig, seed: int) -> None:
    for key, decision in decide(rows, config, seed, problems=IDS).items():
        wanted = expected(key, rows, config, seed)
        assert {name: getattr(decision, name) for name in wanted} == wanted


@settings(max_examples=15)
@given(rows=many_tries, config=configs, shuffle=st.randoms(use_true_random=False))
def test_order_of_rollouts_and_problems_never_changes_a_decision(
    rows: list[Try], config: SelectConfig, shuffle: random.Random
) -> None:
    mixed, ids = list(rows), list(IDS)
    shuffle.shuffle(mixed)
    shuffle.shuffle(ids)
    assert decide(mixed, config, problems=ids) == decide(rows, config, problems=IDS)


@settings(max_examples=15)
@given(rows=many_tries, low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_higher_delta_never_lets_more_problems_think(rows: list[Try], low: float, high: float) -> None:
    low, high = sorted((low, high))

    def by_margin(delta: float) -> set[str]:
        decisions = decide(rows, SelectConfig(delta=delta, random_fraction=0), problems=IDS)
        return {key for key, decision in decisions.items() if decision.rule == "margin"}

    assert by_margin(high) <= by_margin(low)


@settings(max_examples=15)
@given(rows=many_tries, config=configs, extra=st.integers(1, 5))
def test_unknown_verdicts_change_nothing_but_their_own_count(rows: list[Try], config: SelectConfig, extra: int) -> None:
    unknown = [row for mode in (ON, OFF) for key in IDS for row in tries(key, mode, 0, 0, extra, first=50)]
    unknown = [replace(row, tokens=10) for row in unknown]
    without, with_them = decide(rows, config, problems=IDS), decide([*rows, *unknown], config, problems=IDS)
    for key in IDS:
        fields = {"unknown_on", "unknown_off", "tokens_on", "tokens_off"}
        assert with_them[key].model_dump(exclude=fields) == without[key].model_dump(exclude=fields)
        assert with_them[key].unknown_on == without[key].unknown_on + extra


@settings(max_examples=15)
@given(rows=many_tries, config=configs)
def test_the_kept_response_is_right_whole_in_its_mode_and_the_shortest(rows: list[Try], config: SelectConfig) -> None:
    for key, decision in decide(rows, config, problems=IDS).items():
        if decision.mode is None:
            assert decision.index is None
            assert decision.drop_reason is not None
            continue
        own = [row for row in rows if (row.problem_id, row.mode) == (key, decision.mode)]
        kept = next(row for row in own if row.index == decision.index)
        assert (kept.status, kept.finish, kept.reasons) == ("correct", "stop", decision.mode is Mode.THINK_ON)
        rivals = [row for row in own if row.usable]
        assert (kept.tokens, kept.index) == min((row.tokens, row.index) for row in rivals)


@pytest.mark.parametrize("steps", [(7, 4), (12, 9), (14, 11), (19, 16), (18, 15)])
def test_a_gap_of_exactly_delta_falls_to_think_off_whatever_floats_make_of_it(steps: tuple[int, int]) -> None:
    on, off = steps
    decision = decide_one(*tries("p", ON, on, 20 - on), *tries("p", OFF, off, 20 - off), delta=0.15)
    assert (decision.mode, decision.rule) == (Mode.THINK_OFF, "default_off")


def test_a_gap_just_above_delta_lets_think() -> None:
    on, off = 550_001, 400_000  # 1e-6 above, where floats to nine digits were called a tie at ten times as many
    columns = {"right_on": [on], "n_on": [10**6], "right_off": [off], "n_off": [10**6]}
    compared = exceeds(*(pl.col(name) for name in columns), 0.15)
    assert pl.DataFrame(columns).select(compared).item() is exceeds(on, 10**6, off, 10**6, 0.15) is True
    assert exceeds(on - 1, 10**6, off, 10**6, 0.15) is False


@settings(max_examples=300)
@given(
    n_on=st.integers(1, 40), n_off=st.integers(1, 40), data=st.data(), steps=st.integers(0, 40), wild=st.floats(0, 1)
)
def test_columns_and_integers_compare_like_fractions(
    n_on: int, n_off: int, data: st.DataObject, steps: int, wild: float
) -> None:
    on, off = data.draw(st.integers(0, n_on)), data.draw(st.integers(0, n_off))
    for delta in (steps / 40, round(steps / n_on, 4) % 1, wild):
        true = Fraction(on, n_on) - Fraction(off, n_off) > Fraction(repr(delta))
        assert exceeds(on, n_on, off, n_off, delta) is true
        columns = {"right_on": [on], "n_on": [n_on], "right_off": [off], "n_off": [n_off]}
        assert pl.DataFrame(columns).select(exceeds(*(pl.col(name) for name in columns), delta)).item() is true


@pytest.mark.parametrize(("n_on", "n_off"), [(2, 2), (4, 4), (3, 5)])
def test_deltas_that_decide_alike_have_one_that_stands_for_them(n_on: int, n_off: int) -> None:
    counts = [(on, n) for most in (n_on, n_off) for n in range(1, most + 1) for on in range(n + 1)]
    decided: dict[float, list[bool]] = {}
    for delta in [0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 1 / 3, 0.34, 0.5, 0.66, 0.75, 1.0]:
        found = [exceeds(*on, *off, delta) for on in counts for off in counts if on[1] <= n_on and off[1] <= n_off]
        standing = alike(delta, n_on, n_off)
        assert found == [
            exceeds(*on, *off, standing) for on in counts for off in counts if on[1] <= n_on and off[1] <= n_off
        ]
        assert decided.setdefault(standing, found) == found
    assert len(decided) < 12
    assert alike(0.1, 2, 2) == alike(0.3, 2, 2) != alike(0.5, 2, 2)
    assert alike(0.15, 64, 64) == 0.15


@settings(max_examples=200)
@given(n_on=st.integers(0, 12), n_off=st.integers(0, 12), steps=st.integers(0, 100))
def test_a_delta_ties_where_some_pair_of_counts_lies_exactly_there(n_on: int, n_off: int, steps: int) -> None:
    pairs = [(on, off) for on in range(n_on + 1) for off in range(n_off + 1) if n_on and n_off]
    exact = any(Fraction(on, n_on) - Fraction(off, n_off) == Fraction(steps, 100) for on, off in pairs)
    assert ties(steps / 100, n_on, n_off) is exact


def test_a_recipe_is_told_of_a_delta_that_pass_rates_can_show_with_the_nearest_that_they_cannot() -> None:
    def said(delta: float, **counts: int) -> str:
        return notice(SelectConfig(delta=delta), SampleConfig(**counts)) or ""

    assert said(0.15, n=8) == said(0.25, n=6) == ""
    assert "pass rates of 8 rollouts" in said(0.25, n=8)
    assert "0.1875 would let them think, 0.3125 decides as 0.25 does" in said(0.25, n=8)
    assert "pass rates of 4 and 5 rollouts" in said(0.15, n_on=4, n_off=5)
    assert "0.125 would" in said(0.15, n_on=4, n_off=5)
    assert "would" not in said(0, n=8)
    assert "decides as" not in said(1, n=8)
    assert notice(SelectConfig(delta=0.25, policy="shortest"), SampleConfig(n=8)) is None


def test_a_gap_just_below_delta_falls_to_think_off() -> None:
    decision = decide_one(*tries("p", ON, 1149, 851), *tries("p", OFF, 850, 1150), delta=0.15)
    assert (decision.mode, decision.rule) == (Mode.THINK_OFF, "default_off")


def test_a_tie_answers_at_once_if_delta_is_zero_too() -> None:
    rows = [*tries("p", ON, 4, 4), *tries("p", OFF, 4, 4)]
    assert decide_one(*rows, delta=0.01).mode is Mode.THINK_OFF
    assert decide_one(*rows, delta=0).mode is Mode.THINK_OFF


def test_think_off_ahead_wins_by_any_margin() -> None:
    decision = decide_one(*tries("p", ON, 3, 5), *tries("p", OFF, 4, 4))
    assert (decision.mode, decision.rule, decision.margin) == (Mode.THINK_OFF, "default_off", -0.125)


def test_fallback_takes_the_mode_that_has_a_right_response_or_drops_as_configured() -> None:
    rows = [*tries("p", ON, 1, 9), *tries("p", OFF, 0, 10)]
    taken, dropped = decide_one(*rows), decide_one(*rows, fallback="drop")
    assert (taken.mode, taken.rule, taken.index) == (Mode.THINK_ON, "fallback_on", 0)
    assert (dropped.mode, dropped.rule, dropped.drop_reason) == (None, "none", "preferred_mode_has_none")


def test_fallback_off_where_all_right_thinking_responses_are_truncated() -> None:
    thinking = [replace(row, finish="length") for row in tries("p", ON, 8, 0)]
    decision = decide_one(*thinking, *tries("p", OFF, 1, 7))
    assert (decision.mode, decision.rule, decision.truncated_on) == (Mode.THINK_OFF, "fallback_off", 8)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "ungraded"),
        (tries("p", ON, 0, 0, 8) + tries("p", OFF, 0, 0, 8), "ungraded"),
        (tries("p", ON, 0, 8) + tries("p", OFF, 0, 8), "no_right_response"),
        (tries("p", ON, 0, 8) + tries("p", OFF, 0, 0, 8), "no_right_response"),
        ([replace(row, finish="length") for row in tries("p", ON, 8, 0)], "no_usable_response"),
        ([replace(row, reasons=True) for row in tries("p", OFF, 8, 0)], "no_usable_response"),
        ([replace(row, reasons=False) for row in tries("p", ON, 8, 0)], "no_usable_response"),
        ([replace(row, answer="a <|im_end|> b") for row in tries("p", ON, 8, 0)], "no_usable_response"),
    ],
)
def test_every_drop_says_why(rows: list[Try], reason: str) -> None:
    decision = decide(rows, problems=["p"])["p"]
    assert (decision.mode, decision.rule, decision.drop_reason) == (None, "none", reason)


@pytest.mark.parametrize(("mode", "other"), [(ON, OFF), (OFF, ON)])
def test_a_mode_without_graded_rollouts_leaves_the_choice_to_the_other(mode: str, other: str) -> None:
    missing = decide_one(*tries("p", mode, 2, 6))
    unknown = decide_one(*tries("p", mode, 2, 6), *tries("p", other, 0, 0, 8))
    for decision in (missing, unknown):
        assert (decision.mode, decision.rule, decision.margin) == (Mode(mode), "only_mode", None)


def test_a_pass_rate_on_too_few_graded_rollouts_does_not_count() -> None:
    rows = [*tries("p", ON, 1, 0, 7), *tries("p", OFF, 1, 7)]
    assert decide_one(*rows).rule == "margin"
    strict = decide_one(*rows, min_graded=2)
    assert (strict.p_on, strict.mode, strict.drop_reason) == (None, None, "too_few_graded")


def test_too_few_verdicts_of_a_mode_leave_a_problem_out_unless_they_could_not_matter() -> None:
    few = [*tries("p", OFF, 3, 0), *tries("p", ON, 1, 3)]
    decision = decide_one(*few, min_graded=4)
    assert (decision.p_off, decision.mode, decision.drop_reason) == (None, None, "too_few_graded")
    assert "fewer graded rollouts than select.min_graded" in in_words(decision.model_dump())
    needless = decide_one(*tries("p", OFF, 4, 0), *tries("p", ON, 1, 0), min_graded=4)
    assert (needless.p_on, needless.mode, needless.rule) == (None, Mode.THINK_OFF, "default_off")
    wanted = decide_one(*tries("p", OFF, 3, 1), *tries("p", ON, 1, 0), min_graded=4)
    assert wanted.drop_reason == "too_few_graded"
    drawn = decide_one(*tries("p", OFF, 4, 0), *tries("p", ON, 1, 3), min_graded=5, random_fraction=1)
    assert drawn.drop_reason == "too_few_graded"  # no pass rate at all, and so no example even by lot


def test_only_more_than_one_graded_rollout_is_in_the_fingerprint() -> None:
    assert "too_few" not in SelectConfig().in_use()
    assert SelectConfig(min_graded=2).in_use()["too_few"] == "left_out"
    assert "too_few" not in SelectConfig(min_graded=2, policy="adaptthink").in_use()


def test_a_rollout_without_verdict_is_unknown_and_not_wrong() -> None:
    ungraded = [replace(row, status=None) for row in tries("p", OFF, 0, 3, first=5)]
    decision = decide_one(*tries("p", OFF, 5, 0), *ungraded)
    assert (decision.p_off, decision.n_off, decision.unknown_off) == (1.0, 5, 3)


def test_a_problem_whose_responses_do_not_agree_says_so_and_one_that_they_agree_on_is_marked() -> None:
    """Of problems with a gold nothing is said, whether or not they are graded."""
    agreed, undecided, graded, ungraded = IDS[:4]
    rows = [row for key in (agreed, graded) for row in tries(key, ON, 2, 1)]
    rows += [row for key in (undecided, ungraded) for row in tries(key, ON, 0, 0, unknown=3)]
    votes = pl.LazyFrame({"problem_id": [agreed, undecided], "answer": ["42", None]})
    for policy in POLICIES:
        config = SelectConfig(policy=policy, random_fraction=0)  # type: ignore[arg-type]
        chosen = select_picks(*frames(rows), config, 0, votes=votes)
        found = {row["problem_id"]: row for row in chosen.decisions.collect().to_dicts()}
        golds = {key: row["pseudo_gold"] for key, row in found.items()}
        assert golds == {agreed: "42", undecided: None, graded: None, ungraded: None}
        assert found[undecided]["drop_reason"] == "no_agreement"
        assert found[ungraded]["drop_reason"] == "ungraded"
        assert found[agreed]["drop_reason"] == found[graded]["drop_reason"]


def test_uneven_counts_compare_rates_and_not_counts() -> None:
    decision = decide_one(*tries("p", ON, 2, 0), *tries("p", OFF, 9, 7))
    assert (decision.p_on, decision.p_off, decision.mode) == (1.0, 0.5625, Mode.THINK_ON)


@pytest.mark.parametrize("finish", ["error", "empty"])
def test_failed_requests_do_not_drag_the_mean_length_down(finish: str) -> None:
    failed = [replace(row, finish=finish, tokens=0) for row in tries("p", ON, 0, 0, 2, first=8)]
    long = [replace(row, tokens=30) for row in tries("p", ON, 1, 1)]
    assert decide_one(*long, *failed).tokens_on == 30.0


def test_wilson_intervals_are_those_worked_out_by_hand() -> None:
    # centre (p + z²/2n)/(1 + z²/n), half z/(1 + z²/n) √(p(1-p)/n + z²/4n²), z² = 3.841458820694124
    decision = decide_one(*tries("p", ON, 6, 2), *tries("p", OFF, 0, 8))
    # on, n = 8, p = 3/4: z²/n = 0.4801823526, centre (0.75 + 0.2400911763)/1.4801823526 = 0.6688981088,
    # half 1.9599639845/1.4801823526 · √(0.0234375 + 0.0150056984) = 0.2596226788
    assert decision.p_on_low == pytest.approx(0.409275, abs=1e-6)
    assert decision.p_on_high == pytest.approx(0.928521, abs=1e-6)
    # off, n = 8, p = 0: 0 and z²/(n + z²) = 3.8414588/11.8414588
    assert decision.p_off_low == 0.0
    assert decision.p_off_high == pytest.approx(0.324408, abs=1e-6)


def test_intervals_stay_within_zero_and_one_and_hold_the_rate() -> None:
    for n in (1, 2, 7, 1000):
        for right in {0, 1, n // 2, n}:
            decision = decide_one(*tries("p", ON, right, n - right))
            low, high = decision.p_on_low, decision.p_on_high
            assert low is not None
            assert high is not None
            assert 0 <= low <= right / n + 1e-12
            assert right / n - 1e-12 <= high <= 1


def test_one_problem_with_ten_thousand_rollouts() -> None:
    rows = [replace(row, tokens=20_000 - row.index) for row in tries("p", ON, 9_000, 1_000)]
    decision = decide_one(*rows, *tries("p", OFF, 7, 3))
    assert (decision.n_on, decision.p_on, decision.index, decision.chosen_tokens) == (10_000, 0.9, 8_999, 11_001)
    assert math.isclose(decision.margin or 0, 0.2)


def many_problems(count: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest()[:32] for number in range(count)]


def random_ones(ids: Sequence[str], seed: int = 0) -> dict[str, str]:
    """Mode of the problems that got a random one; each has one right response in either mode."""
    frame = pl.DataFrame({"problem_id": ids}).join(pl.DataFrame({"mode": [ON, OFF]}), how="cross")
    rollouts = frame.with_columns(
        index=pl.lit(0, pl.Int64),
        reasoning=pl.when(pl.col("mode") == ON).then(pl.lit("because")),
        answer=pl.lit("42"),
        finish_reason=pl.lit("stop"),
        completion_tokens=pl.lit(5, pl.Int64),
        cap=pl.lit(None, pl.Int64),
    )
    verdicts = rollouts.select("problem_id", "mode", "index", status=pl.lit("correct"))
    problems = pl.LazyFrame({"problem_id": ids, "kind": ["math"] * len(ids)})
    table = select(problems, rollouts.lazy(), verdicts.lazy(), SelectConfig(), seed).collect()
    drawn = table.filter(pl.col("rule") == "random")
    return dict(zip(drawn["problem_id"], drawn["mode"], strict=True))


def test_about_one_percent_get_a_random_mode_the_same_ones_in_any_order_and_batch() -> None:
    ids = many_problems(20_000)
    drawn = random_ones(ids)
    assert 140 <= len(drawn) <= 260  # 200 ± 4 standard deviations
    assert 0.35 <= sum(mode == ON for mode in drawn.values()) / len(drawn) <= 0.65
    in_batches = random_ones(ids[:777]) | random_ones(ids[777:9_000]) | random_ones(ids[:8_999:-1])
    assert in_batches == drawn
    assert drawn == {key: ON if draws(key, 0, 0.01)[1] else OFF for key in ids if draws(key, 0, 0.01)[0]}


def test_another_seed_draws_other_problems() -> None:
    ids = many_problems(5_000)
    assert random_ones(ids, seed=1).keys() != random_ones(ids, seed=0).keys()


def test_a_random_mode_is_one_that_has_a_right_response() -> None:
    ids = many_problems(30)
    rows = [row for key in ids for row in (*tries(key, ON, 1, 3), *tries(key, OFF, 0, 4))]
    decisions = decide(rows, SelectConfig(random_fraction=1, fallback="drop"))
    assert {(d.mode, d.rule) for d in decisions.values()} == {(Mode.THINK_ON, "random")}


def test_a_verdict_given_twice_is_refused_and_not_counted_twice() -> None:
    rows = pl.LazyFrame(
        {
            "problem_id": ["p"],
            "mode": [ON],
            "index": [0],
            "reasoning": ["r"],
            "answer": ["a"],
            "finish_reason": ["stop"],
            "completion_tokens": [1],
            "cap": None,
        }
    )
    verdict = pl.LazyFrame({"problem_id": ["p"] * 2, "mode": [ON] * 2, "index": [0] * 2, "status": ["correct"] * 2})
    problems = pl.LazyFrame({"problem_id": ["p"], "kind": ["math"]})
    with pytest.raises(pl.exceptions.ComputeError):
        select(problems, rows, verdict, SelectConfig(), 0).collect()


def test_a_rollout_with_a_cap_can_be_kept_and_counts_in_no_pass_rate() -> None:
    capped = [
        Try("p", ON, 4, "correct", tokens=5, cap=9),
        Try("p", ON, 5, "incorrect", tokens=10, finish="length", cap=9),
    ]
    decision = decide_one(*tries("p", ON, 3, 1), *tries("p", OFF, 0, 4), *capped)
    assert (decision.n_on, decision.right_on, decision.truncated_on, decision.tokens_on) == (4, 3, 0, 10)
    assert (decision.mode, decision.index, decision.chosen_tokens) == (Mode.THINK_ON, 4, 5)


def test_think_off_that_no_pass_rate_could_beat_by_delta_needs_no_rival() -> None:
    rules = {right: decide_one(*tries("p", OFF, right, 20 - right), delta=0.15).rule for right in (16, 17, 18)}
    assert rules == {16: "only_mode", 17: "default_off", 18: "default_off"}
