"""Splitting rollouts and choosing again, against choices counted by hand, and predictions against simulation."""

import numpy as np
import polars as pl
import pytest

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.calibrate import (
    Repeated,
    advised,
    halves,
    predicted,
    reduced,
    sampled_in_full,
    shuffled,
)
from hipo_data.stages.select.prior import RATES, Priors, record
from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS, select
from tests.support.made_up_run import problem_rows, rollout_rows

N = 8
CONFIG = SelectConfig(random_fraction=0.3)
PROBLEMS = problem_rows(300).select("problem_id", "kind", source="dataset", level="level")
TABLE = rollout_rows(problem_rows(300), N, words=3).with_columns(answer=pl.format("{} tokens", "completion_tokens"))
TABLES = TABLE.select(ROLLOUT_COLUMNS).lazy(), TABLE.select(VERDICT_COLUMNS).lazy()
ROLLOUTS = reduced(*TABLES, CONFIG, ["<answer>"]).collect()


def chosen(rollouts: pl.DataFrame, config: SelectConfig) -> pl.DataFrame:
    parts = rollouts.select(ROLLOUT_COLUMNS).lazy(), rollouts.select(VERDICT_COLUMNS).lazy()
    return select(PROBLEMS.lazy(), *parts, config, 3).collect()


@pytest.mark.parametrize("leaking", ["keep", "refuse"])
def test_reduced_rollouts_decide_as_the_full_ones(leaking: str) -> None:
    config = SelectConfig.model_validate({"random_fraction": 0, "leaking": leaking})
    tagged = TABLE.with_columns(
        answer=pl.when(pl.col("index") % 3 == 0)
        .then(pl.lit("an <answer> tag"))
        .when((pl.col("mode") == "think_off") & (pl.col("index") % 3 == 1))
        .then(pl.lit("Wait, let me re-check. Wait, no."))
        .otherwise("answer")
    )
    tables = tagged.select(ROLLOUT_COLUMNS).lazy(), tagged.select(VERDICT_COLUMNS).lazy()
    found = reduced(*tables, config, ["<answer>"]).collect()
    assert chosen(found, config).equals(chosen(tagged, config))
    assert not chosen(found, config).equals(chosen(ROLLOUTS, config))


def test_every_repeat_is_another_order_of_the_same_rollouts() -> None:
    first, other, again = (shuffled(ROLLOUTS, 1, repeat) for repeat in (0, 1, 0))
    assert first.equals(again)
    assert not first.equals(other)
    key = ["problem_id", "mode"]
    for each in (first, other):
        assert each.sort(*key, "index").select(*key, "index").equals(ROLLOUTS.sort(*key, "index").select(*key, "index"))
        kept = ["problem_id", "mode", "status", "completion_tokens"]
        assert each.select(kept).sort(kept).equals(ROLLOUTS.select(kept).sort(kept))


def test_shares_are_those_of_the_two_halves() -> None:
    found = halves(PROBLEMS, ROLLOUTS, CONFIG, 4, seed=5, repeats=2)
    config = CONFIG.model_copy(update={"random_fraction": 0.0})  # no mode by lot, which would come back for sure
    mode = rule = 0
    for repeat in range(2):
        mixed = shuffled(ROLLOUTS, 5, repeat)
        one, other = (chosen(mixed.filter(within), config) for within in (pl.col("index") < 4, pl.col("index") >= 4))
        same = one["mode"].eq_missing(other["mode"])
        mode += same.sum()
        rule += (same & (one["rule"] == other["rule"]) & one["drop_reason"].eq_missing(other["drop_reason"])).sum()
    assert (found.choices, found.mode, found.rule) == (600, mode, rule)
    assert 0 < found.response < found.mode < found.choices
    assert sum(each.choices for each in found.tenths) == 600
    for each in found.tenths:
        assert each.low <= each.predicted <= each.low + 0.1 + 1e-6
    assert sum(each.choices * each.measured for each in found.tenths) == pytest.approx(mode)


def test_the_rule_posterior_is_asked_under_a_prior_of_each_half() -> None:
    by_posterior = CONFIG.model_copy(update={"rule": "posterior", "delta": 0.3})
    found = halves(PROBLEMS, ROLLOUTS, by_posterior, 4, seed=5, repeats=1)
    assert 200 < found.mode < 300
    assert found.mode != halves(PROBLEMS, ROLLOUTS, CONFIG.model_copy(update={"delta": 0.3}), 4, 5, 1).mode


def test_problems_without_all_rollouts_are_left_out() -> None:
    gone = PROBLEMS["problem_id"][0]
    few = ROLLOUTS.filter(~((pl.col("problem_id") == gone) & (pl.col("mode") == "think_on") & (pl.col("index") > 2)))
    assert sampled_in_full(few, 4)["problem_id"].n_unique() == 299
    assert sampled_in_full(few, 3)["problem_id"].n_unique() == 300


@pytest.mark.parametrize("rule", ["margin", "posterior"])
def test_what_is_predicted_is_what_fresh_rollouts_do(rule: str) -> None:
    """A prior of three pairs of rates, and choices simulated from it."""
    config = SelectConfig.model_validate({"random_fraction": 0, "rule": rule, "delta": 0.25})
    weights = np.zeros((len(RATES), len(RATES)))
    pairs = [(40, 30), (60, 20), (20, 5)]
    for pair in pairs:
        weights[pair] = 1 / 3
    priors = Priors((record("run", weights),))
    n, draws, rng = 6, 300, np.random.default_rng(0)
    rows = []
    for number, (on, off) in enumerate(pairs):
        for side, rate in (("think_on", RATES[on]), ("think_off", RATES[off])):
            right = rng.random((2 * draws, n)) < rate
            rows.append(
                pl.DataFrame(
                    {
                        "problem_id": np.repeat([f"{number} {draw:04d}" for draw in range(2 * draws)], n),
                        "index": np.tile(np.arange(n), 2 * draws),
                        "status": np.where(right.ravel(), "correct", "incorrect"),
                    }
                ).with_columns(mode=pl.lit(side), reasoning=pl.lit("r" if side == "think_on" else None, pl.String))
            )
    beside = {"answer": pl.lit("a"), "finish_reason": pl.lit("stop"), "completion_tokens": pl.lit(9, pl.Int64)}
    table = pl.concat(rows).with_columns(**beside, max_tokens=pl.lit(99, pl.Int64), cap=pl.lit(None, pl.Int64))
    parts = table.select(ROLLOUT_COLUMNS).lazy(), table.select(VERDICT_COLUMNS).lazy()
    problems = table.select("problem_id").unique().with_columns(kind=pl.lit("math"), source=pl.lit("s"))
    modes = select(problems.lazy(), *parts, config, 0, priors=priors).collect()["mode"].fill_null("").to_numpy()
    one, other = modes.reshape(-1, 2).T  # sorted by id, so that two draws of a pair of rates lie side by side
    assert predicted(n, config, priors) == pytest.approx((one == other).mean(), abs=0.04)


def test_the_smallest_n_and_the_nearest_delta_are_advised_measured_before_predicted() -> None:
    def row(n: int, delta: float, mode: float | None, predicted: float) -> Repeated:
        return Repeated(n=n, delta=delta, mode=mode, rule=mode, response=mode, predicted=predicted)

    rows = [row(4, 0.15, 0.85, 0.95), row(8, 0.15, None, 0.9), row(16, 0.15, None, 0.95), row(8, 0.4, None, 0.97)]
    assert advised(rows, 0.15, 8, 0.9) == (8, 0.15)
    assert advised(rows, 0.15, 8, 0.92) == (16, 0.4)
    assert advised(rows, 0.15, 8, 0.8) == (4, 0.15)
    assert advised(rows, 0.15, 8, 0.99) == (None, None)
