"""Flip probabilities against plain sums in fractions, with the real rule asked about every repetition."""

from fractions import Fraction
from math import comb, factorial

import numpy as np
import polars as pl
import pytest

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.flips import COLUMNS, flip_probability, predictive
from tests.stages.select.test_select import ON, Try, decide, tries

OFF = "think_off"
UNDRAWN = {"random_fraction": 0}


def beta(a: int, b: int) -> Fraction:
    return Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))


def chance(n: int, right: int, x: int) -> Fraction:
    """Of x right among n more, by the integral over a uniform prior."""
    return comb(n, x) * beta(1 + right + x, 1 + n - right + n - x) / beta(1 + right, 1 + n - right)


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
    return dict(zip(decisions, flip_probability(typed, config), strict=True))


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
            chance(n_on, on, x) * chance(n_off, off, y) for (x, y), mode in chosen.items() if mode != chosen[on, off]
        )
        assert flip == pytest.approx(float(otherwise), abs=1e-12)


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
    assert flips([*tagged, *rest], config)["p"] == pytest.approx(float(chance(4, 2, 0)))  # only with nothing to keep
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
    assert flip_probability(empty, SelectConfig()).to_list() == []


@pytest.mark.parametrize("n", [0, 1, 8, 64, 512])
def test_predictions_are_probabilities(n: int) -> None:
    table = predictive(n)
    assert np.allclose(table.sum(axis=1), 1)
    assert np.allclose(table, table[::-1, ::-1])  # right and wrong are alike to a uniform prior
