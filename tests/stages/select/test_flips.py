"""Flip probabilities against plain sums over pairs of rates, with the real rule asked about every repetition."""

from math import comb

import numpy as np
import polars as pl
import pytest

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.flips import COLUMNS, binomial, flip_probability, with_again, wrong_mode
from hipo_data.stages.select.prior import CELL, RATES, SHOWN_STEPS, Floats, Priors, fit, record
from tests.stages.select.test_select import ON, Try, decide, tries

OFF = "think_off"
UNDRAWN = {"random_fraction": 0}


PRIOR = np.random.default_rng(0).dirichlet(np.ones(len(RATES) ** 2)).reshape(len(RATES), len(RATES))
PRIOR = PRIOR.round(12)  # as records have it
PRIORS = Priors((record("run", PRIOR),))


def chance(right: tuple[int, int], n: tuple[int, int], x: tuple[int, int], of: tuple[int, int]) -> float:
    """Of x right among `of` more in both modes, think-on first, after `right` among n: the sum over pairs of rates."""

    def together(*counts: tuple[tuple[int, int], tuple[int, int]]) -> float:
        def likely(side: int) -> Floats:
            each = [comb(m[side], k[side]) * RATES ** k[side] * (1 - RATES) ** (m[side] - k[side]) for k, m in counts]
            found: Floats = np.prod(each, axis=0)
            return found

        return float(likely(0) @ PRIOR @ likely(1))

    return together((right, n), (x, of)) / together((right, n))


def modes(n_on: int, n_off: int, config: SelectConfig) -> dict[tuple[int, int], str | None]:
    """What select itself makes of every pair of right counts."""
    rows: list[Try] = []
    pairs = [(x, y) for x in range(n_on + 1) for y in range(n_off + 1)]
    for x, y in pairs:
        rows += tries(f"{x:02d} {y:02d}", ON, x, n_on - x) + tries(f"{x:02d} {y:02d}", OFF, y, n_off - y)
    decisions = decide(rows, config)
    return {(x, y): decisions[f"{x:02d} {y:02d}"].mode for x, y in pairs}


def flips(rows: list[Try], config: SelectConfig, seed: int = 0) -> dict[str, float | None]:
    decisions = decide(rows, config, seed)
    frame = pl.DataFrame([decision.model_dump() for decision in decisions.values()], infer_schema_length=None)
    typed = frame.select(COLUMNS).with_columns(pl.col("rule", "mode").cast(pl.String))
    return dict(zip(decisions, flip_probability(typed, config, PRIORS), strict=True))


@pytest.mark.parametrize(
    "config",
    [
        SelectConfig(delta=0.3, **UNDRAWN),
        SelectConfig(delta=0.0, **UNDRAWN),
        SelectConfig(delta=0.5, fallback="drop", **UNDRAWN),
        SelectConfig(policy="adaptthink", **UNDRAWN),
        SelectConfig(delta=0.3, min_graded=3, **UNDRAWN),
    ],
    ids=["hipo", "no margin", "no fallback", "adaptthink", "too few graded"],
)
def test_a_flip_is_the_chance_that_select_would_decide_otherwise(config: SelectConfig) -> None:
    n_on, n_off = 3, 2
    chosen = modes(n_on, n_off, config)
    rows = [
        row
        for on, off in chosen
        for row in (*tries(f"{on} {off}", ON, on, n_on - on), *tries(f"{on} {off}", OFF, off, n_off - off))
    ]
    for key, flip in flips(rows, config).items():
        on, off = map(int, key.split())
        otherwise = sum(
            chance((on, off), (n_on, n_off), pair, (n_on, n_off))
            for pair, mode in chosen.items()
            if mode != chosen[on, off]
        )
        assert flip == pytest.approx(otherwise, abs=1e-12)


def test_problems_with_unlike_counts_do_not_mix() -> None:
    config = SelectConfig(delta=0.3, **UNDRAWN)
    a = [*tries("a", ON, 3, 1), *tries("a", OFF, 1, 3)]
    b = [*tries("b", ON, 2, 0, unknown=2), *tries("b", OFF, 2, 2)]
    together = flips([*a, *b], config)
    assert together == {**flips(a, config), **flips(b, config)}
    assert together["a"] != together["b"]


def test_a_mode_whose_right_responses_cannot_be_kept_stays_so() -> None:
    config = SelectConfig(delta=0.1, **UNDRAWN)
    tagged = [Try("p", ON, index, "correct", answer="<answer>") for index in range(4)]
    rest = tries("p", OFF, 2, 2)
    assert decide([*tagged, *rest], config)["p"].rule == "fallback_off"
    assert flips([*tagged, *rest], config)["p"] == pytest.approx(
        sum(chance((4, 2), (4, 4), (x, 0), (4, 4)) for x in range(5))  # only with nothing to keep
    )
    unkept = [Try("p", OFF, index, "correct", answer="<answer>") for index in range(4)]
    assert flips([*tagged, *unkept], config)["p"] == 0


def test_a_drawn_mode_and_a_policy_that_weighs_no_pass_rates_have_none() -> None:
    rows = [*tries("p", ON, 3, 1), *tries("p", OFF, 1, 3)]
    assert flips(rows, SelectConfig(random_fraction=1)) == {"p": None}
    assert flips(rows, SelectConfig(policy="shortest", random_fraction=0)) == {"p": None}


def test_a_drawn_problem_has_no_flip_beside_one_alike_that_was_not_drawn() -> None:
    ids = [f"p{number}" for number in range(12)]
    rows = [row for key in ids for row in (*tries(key, ON, 4, 0), *tries(key, OFF, 1, 3))]
    config = SelectConfig(random_fraction=0.5)
    drawn = {key for key, decision in decide(rows, config).items() if decision.rule == "random"}
    assert 0 < len(drawn) < 12
    assert {key for key, flip in flips(rows, config).items() if flip is None} == drawn


def test_no_problems_have_no_flips() -> None:
    empty = pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))
    assert flip_probability(empty, SelectConfig(), PRIORS).to_list() == []


def test_where_sampling_stopped_a_repetition_samples_in_full() -> None:
    config = SelectConfig(delta=0.3, **UNDRAWN)
    decision = decide([*tries("p", ON, 0, 0), *tries("p", OFF, 3, 0)], config)["p"]
    frame = pl.DataFrame([decision.model_dump()]).cast({"mode": pl.String})
    assert flip_probability(frame.select(COLUMNS), config, PRIORS).item() == pytest.approx(
        chance((0, 3), (0, 3), (0, 0), (0, 3))  # as many again: think-off, unless nothing is right
    )
    full = with_again(frame, {Mode.THINK_ON: 2, Mode.THINK_OFF: 3})
    assert full.select("again_on", "again_off").row(0) == (2, 3)
    otherwise = sum(chance((0, 3), (0, 3), pair, (2, 3)) for pair, mode in modes(2, 3, config).items() if mode != OFF)
    assert flip_probability(full, config, PRIORS).item() == pytest.approx(otherwise)


def test_a_wrong_mode_is_one_that_the_true_gain_does_not_ask_for() -> None:
    config = SelectConfig(delta=0.3, **UNDRAWN)
    rows = [*tries("a", ON, 4, 0), *tries("a", OFF, 0, 4), *tries("b", ON, 2, 2), *tries("b", OFF, 2, 2)]
    decisions = decide([*rows, *tries("c", ON, 0, 4), *tries("c", OFF, 0, 4)], config)
    frame = pl.DataFrame([each.model_dump() for each in decisions.values()], infer_schema_length=None)
    found = wrong_mode(frame.select(COLUMNS).cast({"mode": pl.String}), config, PRIORS).to_list()
    at = {x: RATES**x * (1 - RATES) ** (4 - x) for x in (0, 2, 4)}
    joint = {"a": PRIOR * np.outer(at[4], at[0]), "b": PRIOR * np.outer(at[2], at[2])}
    gains = RATES[:, None] - RATES[None, :] > 0.3
    gained = {key: float(each[gains].sum() / each.sum()) for key, each in joint.items()}
    assert found == [pytest.approx(1 - gained["a"]), pytest.approx(gained["b"]), None]
    assert wrong_mode(frame.select(COLUMNS), SelectConfig(policy="adaptthink"), PRIORS).null_count() == 3


@pytest.mark.parametrize("n", [0, 1, 8, 64, 512])
def test_outcomes_are_probabilities(n: int) -> None:
    assert np.allclose(binomial(n).sum(axis=0), 1)


@pytest.mark.parametrize("n", [8, 16])
def test_rates_that_are_the_same_gain_nothing_where_no_margin_is_asked_for(n: int) -> None:
    """Most problems are solved always or never, in both modes alike; of the others half gain by thinking."""
    draw, size = np.random.default_rng(0), 3_000
    same, kind = draw.choice([0.0, 1.0], size), draw.random(size)
    off = np.where(kind < 0.7, same, draw.uniform(0.1, 0.5, size))
    on = np.where(kind < 0.7, same, np.where(kind < 0.85, off + 0.45, off - 0.1))
    said, is_wrong = at_no_margin(on, off, n, draw)
    assert said.mean() == pytest.approx(is_wrong.mean(), abs=0.01)


def test_small_gains_of_unlike_problems_are_told_as_often_as_they_are_there() -> None:
    draw = np.random.default_rng(0)
    off = draw.beta(2, 2, 3_000)
    on = np.clip(off + draw.normal(0.12, 0.18, 3_000), 0, 1)
    said, is_wrong = at_no_margin(on, off, 8, draw)
    assert said.mean() == pytest.approx(is_wrong.mean(), abs=0.02)


def at_no_margin(on: Floats, off: Floats, n: int, draw: np.random.Generator) -> tuple[Floats, Floats]:
    """Of decisions by `n` rollouts a mode at δ = 0: how likely each is said to be wrong, and which are."""
    right_on, right_off = draw.binomial(n, on), draw.binomial(n, off)
    counts = {"right_on": right_on, "n_on": n, "right_off": right_off, "n_off": n}
    rows = pl.DataFrame(counts).with_columns(pl.all().cast(pl.Int64), source=pl.lit("made-up"), rule=pl.lit("margin"))
    priors = Priors(tuple(fit(rows.group_by(CELL).agg(problems=pl.len().cast(pl.Int64)), SHOWN_STEPS)))
    thinks = right_on > right_off
    decided = rows.with_columns(mode=pl.Series(np.where(thinks, ON, OFF)))
    said = wrong_mode(decided, SelectConfig(delta=0.0, **UNDRAWN), priors).to_numpy()
    return said, (thinks != (on > off)).astype(np.float64)
