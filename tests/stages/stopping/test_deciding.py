"""Stopped sampling against full sampling through `select`, and what is said to be needed against all that may come."""

import hashlib
import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.prompts.formats import hipo
from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import HIDDEN, FinishReason, Mode, Status
from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS, select
from hipo_data.stages.stopping.calibration import calibrated, error_rates
from hipo_data.stages.stopping.deciding import End, Rules, choose, random_modes
from hipo_data.stages.stopping.waves import (
    Ask,
    Key,
    Outcome,
    Plan,
    cap_for,
    needs,
    next_wave,
    outcome_of,
    walk,
)
from tests.stages.builders import make_problem, make_rollout

ON, OFF = Mode.THINK_ON, Mode.THINK_OFF
Table = dict[Key, Outcome]

PLAIN = SelectConfig(random_fraction=0)
EIGHT = Plan(Rules(PLAIN), n_on=8, n_off=8)


def right(tokens: int = 10, usable: bool = True) -> Outcome:
    return Outcome(Status.CORRECT, usable, tokens)


WRONG, UNKNOWN = Outcome(Status.INCORRECT, False, 10), Outcome(Status.UNKNOWN, False, 10)


def table(on: Sequence[Outcome], off: Sequence[Outcome]) -> Table:
    return {(mode, index): row for mode, rows in ((ON, on), (OFF, off)) for index, row in enumerate(rows)}


def selected(
    tables: Mapping[str, Mapping[Key, Outcome]],
    config: SelectConfig,
    seed: int = 0,
    caps: Mapping[tuple[str, Key], int | None] | None = None,
    options: int | None = None,
) -> dict[str, dict[str, Any]]:
    """What `select` makes of the problems: all of `Decision`, and `solved`."""
    rows = [
        (
            key,
            mode.value,
            index,
            "r" if mode is ON else None,
            "a",
            "stop" if row.usable else "length",
            row.tokens,
            None,
            (caps or {}).get((key, (mode, index))),
            row.status.value,
        )
        for key, outcomes in tables.items()
        for (mode, index), row in outcomes.items()
    ]
    types = dict.fromkeys([*ROLLOUT_COLUMNS, "status"], pl.String()) | {
        "index": pl.Int64(),
        "completion_tokens": pl.Int64(),
        "max_tokens": pl.Int64(),
        "cap": pl.Int64(),
    }
    frame = pl.DataFrame(rows, schema=types, orient="row").lazy()
    told = {"problem_id": list(tables), "kind": ["math"] * len(tables), "options": [options] * len(tables)}
    problems = pl.LazyFrame(told, schema_overrides={"options": pl.Int64})
    decisions = select(problems, frame.select(ROLLOUT_COLUMNS), frame.select(VERDICT_COLUMNS), config, seed)
    found = {}
    for row in decisions.collect().iter_rows(named=True):
        found[row["problem_id"]] = row | {"solved": row["right_on"] + row["right_off"] > 0}
    return found


ROW = ["mode", "rule", "index", "drop_reason", "solved"]


def seen(ask: Ask, full: Mapping[Key, Outcome]) -> Outcome:
    """What comes of asking: the whole rollout, or its start where it is longer than the cap."""
    row = full[ask.key]
    return row if ask.cap is None or row.tokens <= ask.cap else Outcome(Status.INCORRECT, False, ask.cap + 1, cut=True)


def sample(plan: Plan, full: Mapping[Key, Outcome], order: random.Random) -> tuple[Table, list[list[Ask]]]:
    """Rollouts come in one by one in any order, and after each of them the process may die and ask again."""
    known = {key: row for key, row in full.items() if row.given}
    waves = []
    while wave := list(next_wave(plan, known)):
        waves.append(list(wave))
        while wave:
            ask = wave.pop(order.randrange(len(wave)))
            assert ask.key not in known
            known[ask.key] = seen(ask, full)
            if wave:
                assert list(next_wave(plan, known)) == wave
    return known, waves


def as_rows(known: Mapping[Key, Outcome]) -> Table:
    """What `select` has to be told: a rollout that was cut off below full sampling's limit is unknown."""
    return {key: row._replace(status=Status.UNKNOWN) if row.cut else row for key, row in known.items()}


outcomes = st.one_of(
    st.builds(right, st.integers(1, 4)),
    st.builds(right, st.integers(1, 4), usable=st.just(False)),
    st.builds(WRONG._replace, tokens=st.integers(1, 4)),
    st.just(UNKNOWN),
)
configs = st.builds(
    SelectConfig,
    delta=st.sampled_from([0, 0.1, 0.125, 0.15, 0.25, 0.3, 0.5, 1]),
    random_fraction=st.sampled_from([0, 0, 0.5, 1]),
    fallback=st.sampled_from(["other_mode", "drop"]),
    min_graded=st.sampled_from([1, 1, 2, 3, 5]),
)
counts = st.integers(0, 8)


def tables(n_on: int, n_off: int) -> st.SearchStrategy[Table]:
    return st.builds(table, *(st.lists(outcomes, min_size=n, max_size=n) for n in (n_on, n_off)))


def ids_of(many: Sequence[object]) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest()[:32] for number in range(len(many))]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), config=configs, n_on=counts, n_off=counts, first=st.integers(1, 4), growth=st.integers(1, 3))
def test_stopped_sampling_selects_what_full_sampling_selects(
    data: st.DataObject, config: SelectConfig, n_on: int, n_off: int, first: int, growth: int
) -> None:
    many = data.draw(st.lists(tables(n_on, n_off), min_size=1, max_size=12))
    order, imported = data.draw(st.randoms(use_true_random=False)), data.draw(st.sampled_from([0, 0, 0.3]))
    options = data.draw(st.sampled_from([None, None, 2, 4]))
    full = dict(zip(ids_of(many), many, strict=True))
    for rows in full.values():
        rows.update({key: row._replace(given=order.random() < imported) for key, row in rows.items()})
    expected, drawn = selected(full, config, options=options), random_modes(list(full), config, 0)
    stopped: dict[str, Table] = {}
    caps: dict[tuple[str, Key], int | None] = {}
    for mode, (key, rows) in zip(drawn, full.items(), strict=True):
        plan = Plan(Rules(config, mode, options=options), n_on, n_off, first, growth)
        known, waves = sample(plan, rows, order)
        asked = [ask for wave in waves for ask in wave]
        assert {ask.key for ask in asked} <= rows.keys()
        assert all(ask.cap is None or ask.cap >= 1 for ask in asked)
        stopped[key] = as_rows(known)
        caps |= {(key, ask.key): ask.cap for ask in asked}
        done = walk(plan, known)
        assert done.choice is not None
        assert [*done.choice[:2], done.index, *done.choice[2:]] == [expected[key][name] for name in ROW]
        assert walk(plan, rows) == replace(done, asked=walk(plan, rows).asked)
        assert sorted(walk(plan, rows).asked) == sorted(asked)  # full outcomes show the same evidence
        assert needs(plan, known) == []
    assert [[row[name] for name in ROW] for row in selected(stopped, config, caps=caps, options=options).values()] == [
        [row[name] for name in ROW] for row in expected.values()
    ]


def row_of(plan: Plan, rows: Mapping[Key, Outcome]) -> tuple[object, ...]:
    """The row of full sampling, which the test above compares with `select`."""
    ends, picks = {}, {}
    for mode in (ON, OFF):
        own = [(row, index) for (of, index), row in rows.items() if of is mode]
        graded = [row.status is Status.CORRECT for row, _ in own if row.status is not Status.UNKNOWN]
        picks[mode] = min(((row.tokens, index) for row, index in own if row.usable), default=None)
        known = len(graded) if len(graded) >= plan.rules.select.min_graded else 0
        ends[mode] = End(known, sum(graded), picks[mode] is not None)
    choice = choose(ends[ON], ends[OFF], plan.rules)
    best = picks[choice.mode] if choice.mode else None
    return *choice, best and best[1]


ANY = [*(right(tokens) for tokens in (1, 2, 3, 4)), right(usable=False), WRONG, UNKNOWN]


@settings(max_examples=100, deadline=None)
@given(
    data=st.data(),
    config=configs,
    drawn=st.sampled_from([None, None, ON, OFF]),
    options=st.sampled_from([None, None, 4]),
    n_on=st.integers(0, 4),
    n_off=st.integers(0, 4),
)
def test_needed_is_exactly_what_some_outcome_of_which_changes_the_row(
    data: st.DataObject, config: SelectConfig, drawn: Mode | None, options: int | None, n_on: int, n_off: int
) -> None:
    plan = Plan(Rules(config, drawn, options=options), n_on, n_off)
    full = data.draw(tables(n_on, n_off))
    out = data.draw(st.lists(st.sampled_from(sorted(full)), unique=True, max_size=3)) if full else []
    known = {key: row for key, row in full.items() if key not in out}
    ends = {
        ending: row_of(plan, known | dict(zip(out, ending, strict=True)))
        for ending in itertools.product(ANY, repeat=len(out))
    }

    def changes(place: int, values: Sequence[Outcome]) -> bool:
        return any(
            len({ends[*ending[:place], value, *ending[place + 1 :]] for value in values}) > 1
            for ending in ends
            if ending[place] is UNKNOWN
        )

    asks = {ask.key: ask for ask in needs(plan, known)}
    assert asks.keys() == {key for place, key in enumerate(out) if changes(place, ANY)}
    for place, key in enumerate(out):
        cap = asks[key].cap if key in asks else None
        if cap is not None:
            assert not changes(place, [row for row in ANY if not row.usable or row.tokens > cap])
            assert changes(place, [right(cap), UNKNOWN])


def test_a_gap_of_exactly_delta_is_decided_as_select_decides_it() -> None:
    config = SelectConfig(delta=0.1, random_fraction=0)  # 3/5 - 4/8 is a little less than 0.1 in floating point
    full = table([right()] * 3 + [WRONG] * 2, [right()] * 4 + [WRONG] * 4)
    done = walk(Plan(Rules(config), n_on=5, n_off=8), full)
    assert done.choice is not None
    assert done.choice.mode == OFF == selected({"p": full}, config)["p"]["mode"]


def test_think_on_is_not_sampled_where_no_result_of_it_could_win() -> None:
    full = table([right()] * 8, [right(7)] * 7 + [WRONG])
    known, waves = sample(EIGHT, full, random.Random(0))
    assert {ask.mode for wave in waves for ask in wave} == {OFF}
    assert walk(EIGHT, known).index == 0


def test_think_on_is_sampled_where_a_high_pass_rate_has_nothing_to_keep() -> None:
    full = table([right(5)] * 8, [right(usable=False)] * 8)
    known, _ = sample(EIGHT, full, random.Random(0))
    done = walk(EIGHT, known)
    assert (done.choice and done.choice.rule, done.index) == ("fallback_on", 0)


def test_a_winner_s_remaining_rollouts_are_asked_for_only_as_far_as_they_could_be_kept() -> None:
    on = [right(50), right(40), right(60), right(45), right(39), right(40), right(30), right(31)]
    full = table(on, [WRONG] * 8)
    known, waves = sample(replace(EIGHT, first=2, growth=1), full, random.Random(0))
    caps = [ask for wave in waves for ask in wave if ask.cap is not None]
    assert caps == [Ask(ON, 2, 39), Ask(ON, 3, 39), Ask(ON, 4, 39), Ask(ON, 5, 39), Ask(ON, 6, 38), Ask(ON, 7, 38)]
    assert walk(EIGHT, known).index == 6


def test_of_equal_lengths_the_lower_index_is_kept_so_its_cap_is_one_token_more() -> None:
    assert [cap_for((40, 3), index) for index in (2, 4)] == [40, 39]
    assert cap_for(None, 0) is None


def test_a_rollout_that_was_cut_off_is_asked_for_again_only_where_more_of_it_is_wanted() -> None:
    full = table([WRONG] * 8, [right(9), *[right(20)] * 7])
    capped = Outcome(Status.INCORRECT, False, 9, cut=True)
    known = {**full, (OFF, 7): capped}
    assert next_wave(EIGHT, known) == ()
    assert next_wave(EIGHT, {**known, (OFF, 7): capped._replace(tokens=8)}) == (Ask(OFF, 7, 8),)
    assert next_wave(EIGHT, {**known, (OFF, 1): capped})[0] == Ask(OFF, 1, None)


def test_a_capped_rollout_is_part_of_no_pass_rate() -> None:
    # Decided with a risk after 4 of 8; were the short right ones among the rest counted, think-on would come out ahead.
    plan = replace(EIGHT, rules=replace(EIGHT.rules, risk=0.5), first=4)
    full = table([WRONG] * 4 + [right(1)] * 4, [right(30)] * 4 + [right(1)] * 4)
    known, _ = sample(plan, full, random.Random(1))
    done = walk(plan, known)
    assert done.choice is not None
    assert (done.choice.mode, done.index) == (OFF, 4)


def test_more_rollouts_a_mode_ask_only_for_those_that_are_new() -> None:
    full = table(
        [right(30 + i) if i % 3 else WRONG for i in range(16)], [WRONG if i % 2 else right(9) for i in range(16)]
    )
    known, _ = sample(replace(EIGHT, first=8), full, random.Random(0))
    more = replace(EIGHT, n_on=16, n_off=16, first=8)
    assert all(ask.key not in known or known[ask.key].cut for ask in next_wave(more, known))
    everything, _ = sample(more, full, random.Random(0))
    assert walk(more, known | everything) == walk(more, everything)


def test_waves_grow_and_hold_at_least_what_is_needed_anyway() -> None:
    # Think-off cannot be settled before 7 of 8 are right; think-on needs 6 right, so 3 wrong ones settle it first.
    full = table([WRONG, right(), WRONG, right(), right(), right(), right(), WRONG], [right(), WRONG] * 4)
    _, waves = sample(EIGHT, full, random.Random(0))
    sizes = [[len(wave) for wave in waves if wave[0].mode is mode] for mode in (OFF, ON)]
    assert sizes == [[7, 1], [3, 2, 3]]
    _, at_once = sample(replace(EIGHT, first=8), full, random.Random(0))
    assert [len(wave) for wave in at_once] == [8, 8]


@pytest.mark.parametrize("leaking", ["keep", "refuse"])
def test_nobody_has_to_say_twice_which_rollouts_count_and_which_may_be_kept(leaking: str) -> None:
    problem = make_problem()
    answers = [None, "42", f"{hipo.TAGS[0]}42", "41. Wait, no. Hmm, 42"]
    cases = [
        (make_rollout(problem, mode, finish_reason=finish, reasoning=reasoning, answer=answer), status)
        for mode, finish, reasoning, answer, status in itertools.product(
            Mode, FinishReason, [None, HIDDEN, "why"], answers, Status
        )
    ]
    ids = [f"{number:04}" for number in range(len(cases))]
    columns = {name: [getattr(rollout, name) for rollout, _ in cases] for name in ROLLOUT_COLUMNS}
    rollouts = pl.LazyFrame(columns | {"problem_id": ids})
    verdicts = rollouts.select("problem_id", "mode", "index", status=pl.Series([status for _, status in cases]))
    problems = pl.LazyFrame({"problem_id": ids, "kind": ["math"] * len(ids)})
    config = PLAIN.model_copy(update={"leaking": leaking})
    decisions = select(problems, rollouts, verdicts, config, 0).collect().to_dicts()
    for (rollout, status), row in zip(cases, decisions, strict=True):
        outcome = outcome_of(rollout, status, max_tokens=100, refuse_leaking=leaking == "refuse")
        assert outcome.usable == (row["index"] is not None)
        assert (outcome.status is Status.UNKNOWN) == (row["unknown_on"] + row["unknown_off"] == 1)
        assert (outcome.status is Status.CORRECT) == (row["right_on"] + row["right_off"] == 1)
    assert any(row["index"] is not None for row in decisions)
    cut = make_rollout(problem, finish_reason="length", max_tokens=50)
    assert [outcome_of(cut, Status.UNKNOWN, limit).cut for limit in (50, 51)] == [False, True]


def drawn_tables(on: np.ndarray, off: np.ndarray, seed: int) -> Iterator[Table]:
    """A problem for each pair of pass rates: 8 rollouts a mode, think-on about ten times as long."""
    rng = np.random.default_rng(seed)
    sides = {
        mode: (
            rng.random((len(rate), 8)) < rate[:, None],
            rng.lognormal(np.log(tokens), 0.6, (len(rate), 8)).astype(int) + 1,
        )
        for mode, rate, tokens in ((ON, on, 4000), (OFF, off, 400))
    }
    for place in range(len(on)):
        yield {
            (mode, index): right(tokens) if good else WRONG._replace(tokens=tokens)
            for mode, (is_right, lengths) in sides.items()
            for index, (good, tokens) in enumerate(zip(is_right[place].tolist(), lengths[place].tolist(), strict=True))
        }


@pytest.mark.slow
def test_the_stated_error_rate_holds_where_it_is_hardest_and_is_the_computed_one() -> None:
    alpha, half = 0.05, 10_000
    plan = calibrated(EIGHT, alpha)
    rates = error_rates(plan)
    worst = divmod(int(rates.argmax()), 101)
    assert 0 < rates.max() <= alpha
    rng = np.random.default_rng(1)
    on, off = (np.concatenate([np.full(half, at / 100), rng.random(half)]) for at in worst)
    many = list(drawn_tables(on, off, seed=2))
    ids = ids_of(many)
    expected = selected(dict(zip(ids, many, strict=True)), PLAIN)
    done = [walk(plan, rows) for rows in many]
    evidence = {
        key: {ask.key: rows[ask.key] for ask in each.asked if ask.cap is None}
        for key, rows, each in zip(ids, many, done, strict=True)
    }
    told, wrong = selected(evidence, PLAIN), []
    for key, each in zip(ids, done, strict=True):
        assert each.choice is not None
        assert told[key]["mode"] == each.choice.mode
        wrong.append(each.choice.mode != expected[key]["mode"])
        assert wrong[-1] or each.index == expected[key]["index"]
    measured = sum(wrong[:half]) / half
    assert abs(measured - rates.max()) <= 4 * (rates.max() / half) ** 0.5
    assert 0 < sum(wrong) / len(wrong) <= alpha


def test_the_computed_error_rate_is_that_of_all_tables_weighted_by_their_probability() -> None:
    plan = Plan(Rules(PLAIN, risk=0.2), n_on=4, n_off=4)
    rate = np.linspace(0, 1, 101)
    total = np.zeros((101, 101))
    for verdicts in itertools.product([right(), WRONG], repeat=8):
        rows = table(verdicts[:4], verdicts[4:])
        choice = walk(plan, rows).choice
        assert choice is not None
        if choice.mode is not row_of(plan, rows)[0]:
            on, off = (sum(row.status is Status.CORRECT for row in part) for part in (verdicts[:4], verdicts[4:]))
            total += np.outer(rate**on * (1 - rate) ** (4 - on), rate**off * (1 - rate) ** (4 - off))
    assert total.max() > 0.1
    np.testing.assert_allclose(error_rates(plan), total, atol=1e-12)


@pytest.mark.parametrize("alpha", [0.01, 0.02, 0.05, 0.2])
def test_a_calibrated_plan_keeps_to_the_stated_error_rate(alpha: float) -> None:
    assert error_rates(calibrated(EIGHT, alpha)).max() <= alpha


def test_an_error_rate_of_zero_is_exact_sampling_and_a_random_mode_never_risks_an_error() -> None:
    assert calibrated(EIGHT, 0).rules.risk == 0
    on, off = np.random.default_rng(3).random((2, 200))
    for rows in drawn_tables(on, off, seed=4):
        for mode in (ON, OFF):
            exact = replace(EIGHT, rules=Rules(PLAIN, mode))
            assert walk(replace(exact, rules=Rules(PLAIN, mode, risk=0.5)), rows) == walk(exact, rows)


def tokens_of(plan: Plan, many: Sequence[Table]) -> int:
    return sum(seen(ask, rows).tokens for rows in many for ask in walk(plan, rows).asked)


def test_tokens_saved_where_thinking_is_right_at_81_and_not_thinking_at_45_percent() -> None:
    rng = np.random.default_rng(5)
    many = list(drawn_tables(rng.beta(1.62, 0.38, 2_000), rng.beta(0.9, 1.1, 2_000), seed=6))
    full = sum(row.tokens for rows in many for row in rows.values())
    one_by_one, growing, at_once = (
        1 - tokens_of(replace(EIGHT, first=first, growth=growth), many) / full
        for first, growth in ((1, 1), (1, 2), (8, 1))
    )
    risking = 1 - tokens_of(calibrated(EIGHT, 0.05), many) / full
    assert 0.1 < at_once < growing < one_by_one < risking
    assert growing > 0.3
