"""Under the rule posterior, too, stopped sampling leads to full sampling's dataset: one prior, the same choices."""

import random
from dataclasses import replace

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode, Status
from hipo_data.stages.select.pair_counts import cells
from hipo_data.stages.select.prior import Priors, fit
from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS, select
from hipo_data.stages.stopping.deciding import Rules, random_modes
from hipo_data.stages.stopping.waves import Ask, Key, Outcome, Plan, needs, next_wave
from tests.stages.stopping.test_deciding import (
    OFF,
    ON,
    ROW,
    UNKNOWN,
    WRONG,
    Table,
    as_rows,
    ids_of,
    right,
    sample,
    table,
    tables,
)

POSTERIOR = SelectConfig(rule="posterior", random_fraction=0)
configs = st.builds(
    SelectConfig,
    rule=st.just("posterior"),
    delta=st.sampled_from([0, 0.1, 0.15, 0.3, 0.5, 1]),
    random_fraction=st.sampled_from([0, 0, 0.5, 1]),
    fallback=st.sampled_from(["other_mode", "drop"]),
    min_graded=st.sampled_from([1, 1, 2, 3, 5]),
)


def stopped_runs(
    fulls: dict[str, Table], config: SelectConfig, n_on: int, n_off: int
) -> tuple[dict[str, Table], dict[tuple[str, Key], int | None]]:
    """What stopped sampling has of each problem, think-off in full, and the caps that it asked with."""
    found: dict[str, Table] = {}
    caps: dict[tuple[str, Key], int | None] = {}
    for (key, full), drawn in zip(fulls.items(), random_modes(list(fulls), config, 0), strict=True):
        plan = Plan(Rules(config, drawn=drawn), n_on=n_on, n_off=n_off)
        known, waves = sample(
            plan, {at: row._replace(given=at[0] is OFF) for at, row in full.items()}, random.Random(0)
        )
        assert needs(plan, known) == []
        assert next_wave(plan, known) == ()
        caps |= {(key, ask.key): ask.cap for wave in waves for ask in wave}
        found[key] = as_rows(known)
    return found, caps


def decided(
    runs: dict[str, Table], config: SelectConfig, caps: dict[tuple[str, Key], int | None]
) -> tuple[pl.DataFrame, list[dict[str, object]]]:
    """The counts that the prior is fitted to, and the decisions under it."""
    rows = [
        (key, mode.value, index, "r" if mode is ON else None, "a", "stop" if row.usable else "length", row.tokens, None,
         caps.get((key, (mode, index))), row.status.value)
        for key, outcomes in runs.items() for (mode, index), row in outcomes.items()
    ]  # fmt: skip
    ints = dict.fromkeys(["index", "completion_tokens", "max_tokens", "cap"], pl.Int64())
    types = dict.fromkeys([*ROLLOUT_COLUMNS, "status"], pl.String()) | ints
    frame = pl.DataFrame(rows, schema=types, orient="row").lazy()
    sources = ["a" if int(key, 16) % 2 else "b" for key in runs]
    problems = pl.LazyFrame({"problem_id": list(runs), "kind": ["math"] * len(runs), "source": sources})
    rollouts, verdicts = frame.select(ROLLOUT_COLUMNS), frame.select(VERDICT_COLUMNS)
    counted = cells(problems, rollouts, verdicts, config, 0).collect()
    priors = Priors(tuple(fit(counted)))
    decisions = select(problems, rollouts, verdicts, config, 0, priors=priors).collect()
    solved = decisions.with_columns(solved=pl.col("right_on") + pl.col("right_off") > 0)
    return counted, solved.select("problem_id", *ROW).to_dicts()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), config=configs, n_on=st.integers(0, 6), n_off=st.integers(0, 6))
def test_stopped_and_full_sampling_count_the_same_and_choose_the_same(
    data: st.DataObject, config: SelectConfig, n_on: int, n_off: int
) -> None:
    many = data.draw(st.lists(tables(n_on, n_off), min_size=1, max_size=5))
    fulls = dict(zip(ids_of(many), many, strict=True))
    counted, rows = decided(fulls, config, {})
    stopped, caps = stopped_runs(fulls, config, n_on, n_off)
    counted_again, rows_again = decided(stopped, config, caps)
    assert counted.equals(counted_again)
    assert rows == rows_again


def simulated(count: int) -> dict[str, Table]:
    """Problems of two kinds, some verdicts unknown, lengths in tokens."""
    rng = np.random.default_rng(5)
    hard = rng.random(count) < 0.5
    rates = {
        OFF: np.where(hard, rng.beta(1, 4, count), rng.beta(9, 1, count)),
        ON: np.where(hard, rng.beta(6, 2, count), rng.beta(9, 1, count)),
    }
    found = {}
    for problem, key in enumerate(ids_of(range(count))):
        rows = {
            mode: [
                UNKNOWN if dice < 0.05 else right(tokens) if good else WRONG
                for dice, good, tokens in zip(
                    rng.random(8), rng.random(8) < rates[mode][problem], rng.integers(5, 50, 8).tolist(), strict=True
                )
            ]
            for mode in Mode
        }
        found[key] = table(rows[ON], rows[OFF])
    return found


def test_thousands_of_problems_are_decided_alike_under_one_fitted_prior_and_think_on_is_saved() -> None:
    fulls = simulated(2_000)
    config = POSTERIOR.model_copy(update={"random_fraction": 0.01})
    counted, rows = decided(fulls, config, {})
    assert {prior.name for prior in fit(counted)} == {"run", "source a", "source b"}
    stopped, caps = stopped_runs(fulls, config, 8, 8)
    counted_again, rows_again = decided(stopped, config, caps)
    assert counted.equals(counted_again)
    assert rows == rows_again
    asked = sum(key[0] is ON for outcomes in stopped.values() for key in outcomes)
    assert 0.6 * 16_000 < asked < 0.9 * 16_000
    assert {row["rule"] for row in rows} >= {"margin", "default_off", "random"}
    by_margin = decided_by_margin(fulls)
    assert sum(row["mode"] != by_margin[str(row["problem_id"])] for row in rows) > 20


def decided_by_margin(fulls: dict[str, Table]) -> dict[str, object]:
    from tests.stages.stopping.test_deciding import selected

    return {key: row["mode"] for key, row in selected(fulls, SelectConfig(random_fraction=0)).items()}


def test_think_on_is_asked_for_all_at_once_unless_think_off_was_right_every_time() -> None:
    plan = Plan(Rules(POSTERIOR), n_on=8, n_off=8)

    def first(*off: Outcome) -> tuple[Ask, ...]:
        return next_wave(plan, {(OFF, index): row._replace(given=True) for index, row in enumerate(off)})

    assert first(*[right()] * 8) == ()
    assert first(*[right()] * 7, UNKNOWN) == ()
    assert first(*[right()] * 7, WRONG) == tuple(Ask(ON, index, None) for index in range(8))
    drawn = replace(plan, rules=replace(plan.rules, drawn=ON))
    assert len(next_wave(drawn, {(OFF, index): WRONG._replace(given=True) for index in range(8)})) < 8
    assert Status.UNKNOWN is UNKNOWN.status
