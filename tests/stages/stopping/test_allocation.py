"""A fixed number of rollouts goes where it saves most wrong decisions, whatever the order of work."""

import random
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.prior import RATES
from hipo_data.stages.stopping import allocation
from hipo_data.stages.stopping.allocation import COUNTED, Savings, Terms, further, savings

ON, OFF = Mode.THINK_ON, Mode.THINK_OFF
SIDES = {ON: "on", OFF: "off"}
MOST = 64
RIGHT, WRONG, UNKNOWN = 1, 0, -1
World = dict[str, dict[Mode, list[int]]]
"""Verdicts that a problem's rollouts would have, by index."""

configs = st.builds(
    SelectConfig,
    rule=st.sampled_from(["margin", "posterior"]),
    delta=st.sampled_from([0, 0.15, 0.25, 1]),
    min_graded=st.sampled_from([1, 1, 3]),
)


def world(problems: int, seed: int, unknown: float = 0.0) -> World:
    draw = random.Random(seed)
    found: World = {}
    for number in range(problems):
        rates = {ON: draw.random(), OFF: draw.random()}
        found[f"{number:04x}"] = {
            mode: [UNKNOWN if draw.random() < unknown else int(draw.random() < rate) for _ in range(MOST)]
            for mode, rate in rates.items()
        }
    return found


def counted(made: World, asked: dict[str, dict[Mode, int]], drawn: frozenset[str] = frozenset()) -> pl.DataFrame:
    rows = []
    for key, verdicts in made.items():
        row: dict[str, object] = {"problem_id": key, "drawn": key in drawn}
        for mode, side in SIDES.items():
            seen = verdicts[mode][: asked[key][mode]]
            row |= {
                f"asked_{side}": len(seen),
                f"n_{side}": len(seen) - seen.count(UNKNOWN),
                f"right_{side}": seen.count(RIGHT),
            }
        rows.append(row)
    return pl.DataFrame(rows).select(COUNTED)


def nothing(made: World) -> dict[str, dict[Mode, int]]:
    return {key: dict.fromkeys(Mode, 0) for key in made}


def spend(
    made: World, terms: Terms, order: random.Random | None = None, drawn: frozenset[str] = frozenset()
) -> list[dict[str, dict[Mode, int]]]:
    """What each problem has been given after each round; rows come in another order each time with `order`."""
    asked = nothing(made)
    history: list[dict[str, dict[Mode, int]]] = []
    while True:
        rows = counted(made, asked, drawn)
        if order is not None:
            rows = rows[order.sample(range(len(rows)), len(rows))]
        more = further(rows, terms)
        if not any(each.any() for each in more.values()):
            return history
        for mode, each in more.items():
            for key, pairs in zip(rows["problem_id"], each.tolist(), strict=True):
                asked = {**asked, key: {**asked[key], mode: asked[key][mode] + pairs}}
        history.append(asked)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(0, 99),
    configs,
    st.tuples(st.integers(3, 6), st.integers(3, 6)),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_the_budget_of_each_mode_is_spent_to_the_last_rollout_and_none_gets_too_many(
    problems: int, seed: int, config: SelectConfig, counts: tuple[int, int], unknown: float
) -> None:
    terms = Terms(config, *counts, most=3)
    history = spend(world(problems, seed, unknown), terms)
    for mode in Mode:
        given_ = [each[mode] for each in history[-1].values()]
        assert sum(given_) == terms.count(mode) * problems
        assert terms.first(mode) <= min(given_)
        assert max(given_) <= 3 * terms.count(mode)
    for before, after in pairwise(history):
        assert all(after[key][mode] >= before[key][mode] for key in before for mode in Mode)


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 50), st.integers(0, 99), configs)
def test_the_order_of_problems_changes_nothing(problems: int, seed: int, config: SelectConfig) -> None:
    made, terms = world(problems, seed, 0.1), Terms(config, 4, 4, most=4)
    assert spend(made, terms, random.Random(seed)) == spend(made, terms)


def test_rounds_go_on_from_the_counts_of_the_round_before_alone() -> None:
    made, terms = world(40, 3), Terms(SelectConfig(), 5, 5, most=4)
    history = spend(made, terms)
    assert len(history) > 5
    for before, after in pairwise(history):
        more = further(counted(made, before), terms)
        again = {
            key: {mode: before[key][mode] + int(more[mode][place]) for mode in Mode} for place, key in enumerate(made)
        }
        assert again == after


def test_problems_that_are_sure_and_problems_drawn_for_a_mode_get_no_more() -> None:
    rows = {
        "sure": {ON: [0] * 8, OFF: [1] * 8},
        "close": {ON: [1, 1, 1, 0, 1, 0, 1, 1], OFF: [0, 1, 0, 1, 1, 0, 1, 0]},
        "drawn": {ON: [1, 1, 1, 0, 1, 0, 1, 1], OFF: [0, 1, 0, 1, 1, 0, 1, 0]},
        "dark": {ON: [1, 1, 1, 0, -1, -1, -1, -1], OFF: [0, 1, 0, 1, -1, -1, -1, -1]},
        "half": {ON: [1, 1, 1, 0], OFF: [0, 1, 0, 1]},
    }
    asked = {key: {mode: len(each) for mode, each in verdicts.items()} for key, verdicts in rows.items()}
    for config in (SelectConfig(), SelectConfig(rule="posterior")):
        worth = savings(counted(rows, asked, frozenset({"drawn"})), config)
        for each in worth.values():
            of = dict(zip(rows, each.tolist(), strict=True))
            assert of["sure"] < 0.2 * of["close"]
            assert of["drawn"] == 0
            assert 0 < of["dark"] < of["half"]


def test_what_a_rollout_saves_is_what_a_simulation_of_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The expected fall in wrong decisions, by the weak prior, against drawn rates and drawn verdicts."""
    config, rng = SelectConfig(delta=0.15), np.random.default_rng(0)
    right_on, n_on, right_off, n_off, look = 2, 3, 1, 3, 4
    even = np.full((len(RATES), len(RATES)), len(RATES) ** -2.0)
    on, off = (
        rng.choice(RATES, 400_000, p=likely / likely.sum())
        for likely in (RATES**right * (1 - RATES) ** (n - right) for right, n in ((right_on, n_on), (right_off, n_off)))
    )
    gains = on - off > config.delta
    now = (right_on / n_on - right_off / n_off > config.delta) != gains
    later_on = (right_on + rng.binomial(look, on)) / (n_on + look)
    after = (later_on - right_off / n_off > config.delta) != gains
    monkeypatch.setattr(allocation, "LOOKS", (look,))
    found = Savings(even, config).of(n_on, n_off)[ON][right_on, right_off]
    later_off = (right_off + rng.binomial(look, off)) / (n_off + look)
    both = ((later_on - later_off > config.delta) != gains).mean()
    shown = max((now.mean() - after.mean()) / look, (now.mean() - both) / (2 * look))
    assert abs(found - shown) < 0.001
    assert found > 0.002
