"""Priors that are fitted to counts, against known distributions and plain sums, and the rule that asks them."""

import random
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Decision, Mode, Prior
from hipo_data.stages.select.decision_words import in_words
from hipo_data.stages.select.flips import COLUMNS, binomial, flip_probability
from hipo_data.stages.select.pair_counts import added, cells
from hipo_data.stages.select.prior import CELL, FEWEST, FEWEST_OF_SOURCE, RATES, Priors, fit
from hipo_data.stages.select.select import select
from tests.stages.graded import OFF, ON, Try, frames, tries

POSTERIOR = SelectConfig(rule="posterior", random_fraction=0)
Rows = dict[str, list[int] | list[str]]


def counts(source: str, problems: int, seed: int = 0, lift: float = 0.5, n: int = 8) -> pl.DataFrame:
    """Problems with p_off ~ U(0, 1), where thinking is right in a share `lift` of what think-off gets wrong, too."""
    rng = np.random.default_rng(seed)
    off = rng.random(problems)
    on = off + (1 - off) * lift
    every = {"right_on": rng.binomial(n, on), "n_on": n, "right_off": rng.binomial(n, off), "n_off": n}
    return pl.DataFrame(every).select(pl.lit(source).alias("source"), pl.all().cast(pl.Int64), problems=1)


def gains(
    records: list[Prior], right_on: int, right_off: int, delta: float = 0.15, source: str = "a", n: int = 8
) -> Any:
    asked = {"source": [source], "right_on": [right_on], "n_on": [n], "right_off": [right_off], "n_off": [n]}
    return Priors(tuple(records)).with_gain(pl.DataFrame(asked), 0.15).to_dicts()[0]


def test_the_weak_prior_is_jeffreys() -> None:
    (weak,) = fit(counts("a", FEWEST - 1))
    assert (weak.name, weak.problems) == ("weak", FEWEST - 1)
    rng = np.random.default_rng(1)
    for right_on, right_off in ((4, 4), (6, 4), (3, 0), (8, 7)):
        on, off = (rng.beta(0.5 + right, 8.5 - right, 400_000) for right in (right_on, right_off))
        assert gains([weak], right_on, right_off)["p_gain"] == pytest.approx(float((on - off >= 0.15).mean()), abs=0.02)


def test_a_fitted_prior_knows_what_the_run_is_like() -> None:
    found = fit(counts("a", 4_000))
    assert [(each.name, each.problems) for each in found] == [("run", 4_000)]
    weights = np.array(found[0].weights).reshape(len(RATES), -1)
    assert weights.sum() == pytest.approx(1, abs=1e-6)
    assert weights.min() > 0
    assert weights.sum(axis=0) @ RATES == pytest.approx(0.5, abs=0.02)
    assert weights.sum(axis=1) @ RATES == pytest.approx(0.75, abs=0.02)
    (weak,) = fit(counts("a", 1))
    # Equal counts: where thinking mends half of what is wrong, it probably does here too.
    assert gains(found, 4, 4)["p_gain"] > 0.6 > 0.4 > gains([weak], 4, 4)["p_gain"]


def test_a_source_of_enough_problems_has_a_prior_of_its_own_and_others_that_of_the_run() -> None:
    helped, useless, few = counts("a", FEWEST_OF_SOURCE), counts("b", 900, 1, lift=0.0), counts("c", 299, 2)
    found = fit(pl.concat([few, helped, useless]))
    assert [(each.name, each.source, each.problems) for each in found] == [
        ("run", None, 1499),
        ("source a", "a", FEWEST_OF_SOURCE),
        ("source b", "b", 900),
    ]
    assert gains(found, 5, 4, source="b")["p_gain"] < gains(found, 5, 4, source="c")["p_gain"]
    assert gains(found, 5, 4, source="c")["p_gain"] < gains(found, 5, 4, source="a")["p_gain"]
    assert [gains(found, 5, 4, source=name)["prior"] for name in "abcd"] == ["source a", "source b", "run", "run"]
    assert [each.name for each in fit(counts("a", 900))] == ["run"]  # one source is the run


def test_problems_of_one_mode_alone_fit_nothing() -> None:
    one_mode = counts("a", 1_000).with_columns(n_on=0, right_on=0)
    assert [(each.name, each.problems) for each in fit(one_mode)] == [("weak", 0)]
    assert [each.name for each in fit(one_mode.clear())] == ["weak"]


def test_neither_the_order_of_cells_nor_how_they_are_cut_up_changes_a_weight() -> None:
    whole = pl.concat([counts("a", 700), counts("b", 500, 1)])
    parts = [part.sample(fraction=1, shuffle=True, seed=3) for part in whole.iter_slices(97)]
    assert fit(added(parts)) == fit(whole) == fit(whole.reverse())


def test_many_kinds_of_counts_are_looked_at_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = pl.concat([counts("a", 400, n=n, seed=n) for n in (3, 5, 8)])
    asked = mixed.select(CELL)
    (whole,) = fit(mixed)
    by_one = Priors((whole,)).with_gain(asked, 0.2)
    monkeypatch.setattr("hipo_data.stages.select.prior._BLOCK", 40)
    (again,) = fit(mixed)
    assert again.weights == pytest.approx(whole.weights, abs=1e-11)
    assert Priors((whole,)).with_gain(asked, 0.2)["p_gain"].to_list() == pytest.approx(by_one["p_gain"].to_list())


def decide(rows: list[Try], config: SelectConfig = POSTERIOR, priors: Priors | None = None) -> dict[str, Decision]:
    problems, rollouts, verdicts = frames(rows)
    problems = problems.with_columns(source=pl.lit("a"))
    if priors is None:
        priors = Priors(tuple(fit(cells(problems, rollouts, verdicts, config, 0).collect())))
    decided = select(problems, rollouts, verdicts, config, 0, priors=priors).collect()
    return {row["problem_id"]: Decision.model_validate(row) for row in decided.iter_rows(named=True)}


def test_think_on_wins_where_a_gain_is_more_likely_than_not_and_both_say_why() -> None:
    priors = Priors(tuple(fit(counts("a", 4_000))))
    rows = [*tries("p", ON, 5, 3), *tries("p", OFF, 4, 4), *tries("q", ON, 7, 1), *tries("q", OFF, 7, 1)]
    rows += [*tries("r", ON, 8, 0), *tries("r", OFF, 8, 0), *tries("s", ON, 2, 0, unknown=6), *tries("s", OFF, 1, 1)]
    found = decide(rows, priors=priors)
    assert (found["p"].mode, found["p"].rule, found["p"].prior, found["p"].prior_problems) == (
        Mode.THINK_ON,
        "margin",
        "run",
        4_000,
    )
    words = in_words(found["p"].model_dump())
    assert "> 0.5 by the prior of the run, fitted to 4,000 problems → think-on (margin)" in words
    assert found["q"].rule == "default_off"
    assert "≤ 0.5 by the prior of the run" in in_words(found["q"].model_dump())
    assert found["r"].rule == "default_off"
    assert "think-off was right every time → think-off" in in_words(found["r"].model_dump())
    assert (found["s"].n_on, found["s"].mode) == (2, Mode.THINK_ON)
    by_margin = decide(rows, SelectConfig(random_fraction=0, delta=0.15))
    assert (by_margin["p"].rule, by_margin["p"].p_gain, by_margin["p"].prior) == ("default_off", None, None)


def test_the_weak_prior_is_said_and_a_mode_without_verdicts_leaves_the_choice_to_the_other() -> None:
    found = decide([*tries("p", ON, 6, 2), *tries("p", OFF, 1, 7), *tries("q", ON, 2, 2), *tries("q", OFF, 0, 0, 4)])
    assert "the weak prior, since only 1 problems tell of both modes" in in_words(found["p"].model_dump())
    assert (found["q"].rule, found["q"].p_gain) == ("only_mode", None)


def test_what_the_prior_is_fitted_to_leaves_out_what_a_stop_may_leave_out() -> None:
    rows = [*tries("a", ON, 3, 1), *tries("a", OFF, 4, 0)]  # think-on need not be sampled
    rows += [*tries("b", ON, 3, 1, unknown=1), *tries("b", OFF, 1, 2), Try("b", ON, 9, "correct", cap=5)]
    rows += [*tries("c", ON, 4, 0), *tries("c", OFF, 0, 0, unknown=4)]
    rows += [*tries("d", ON, 1, 0), *tries("d", OFF, 0, 3)]
    random.Random(0).shuffle(rows)
    problems, rollouts, verdicts = frames(rows)
    problems = problems.with_columns(source=pl.lit("s"))

    def counted(config: SelectConfig) -> list[tuple[int, ...]]:
        return cells(problems, rollouts, verdicts, config, 0).collect().drop("source").rows()

    assert counted(POSTERIOR) == [(0, 0, 4, 4, 1), (1, 1, 0, 3, 1), (3, 4, 1, 3, 1)]
    few = POSTERIOR.model_copy(update={"min_graded": 3})
    assert counted(few) == [(0, 0, 0, 3, 1), (0, 0, 4, 4, 1), (3, 4, 1, 3, 1)]
    assert counted(POSTERIOR.model_copy(update={"random_fraction": 1.0})) == []


def test_flips_are_those_of_the_rule_and_its_prior() -> None:
    priors = Priors(tuple(fit(pl.concat([counts("a", 900), counts("b", 900, lift=0.0)]))))
    rows = [*tries("p", ON, 5, 3), *tries("p", OFF, 4, 4)]
    frame = pl.DataFrame([decide(rows, priors=priors)["p"].model_dump()], infer_schema_length=None)
    typed = frame.select(*COLUMNS, "prior").with_columns(pl.col("rule", "mode").cast(pl.String))
    (of_a,), (by_margin,) = (
        flip_probability(typed, config, priors).to_list() for config in (POSTERIOR, SelectConfig(random_fraction=0))
    )
    chosen = decide(
        [
            row
            for x in range(9)
            for y in range(9)
            for row in (*tries(f"{x} {y}", ON, x, 8 - x), *tries(f"{x} {y}", OFF, y, 8 - y))
        ],
        priors=priors,
    )
    otherwise = [tuple(map(int, key.split())) for key, each in chosen.items() if each.mode is not Mode.THINK_ON]
    weights = dict(priors.by_name)["source a"][1] * np.outer(binomial(8)[5], binomial(8)[4])
    again = [float(binomial(8)[x] @ weights @ binomial(8)[y] / weights.sum()) for x, y in otherwise]
    assert of_a == pytest.approx(sum(again))
    assert of_a != by_margin


def test_recipes_that_ask_a_prior_where_none_is_read_are_refused() -> None:
    with pytest.raises(ValidationError, match="a rule of the policies hipo and effort, but policy is shortest"):
        SelectConfig(rule="posterior", policy="shortest")
    with pytest.raises(ValueError, match="needs the priors of the run"):
        select(*frames(tries("p", ON, 1, 1)), POSTERIOR, 0)
    assert "rule" not in SelectConfig().in_use()
    assert POSTERIOR.in_use()["rule"] == "posterior"
