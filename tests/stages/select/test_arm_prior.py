"""The prior over rates of several arms: against sums over all rates, and against the rule posterior of two modes."""

from collections.abc import Sequence
from itertools import product
from math import comb

import numpy as np
import polars as pl
import pytest

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.arm_counts import graded_arms
from hipo_data.stages.select.arm_posterior_flips import _outcomes, arm_posterior_flips
from hipo_data.stages.select.arm_prior import (
    ArmPriors,
    Chain,
    _record,
    arm_cells,
    asked_for,
    fit_arms,
    names_of,
    wide_counts,
)
from hipo_data.stages.select.flips import flip_probability
from hipo_data.stages.select.pair_counts import cells
from hipo_data.stages.select.policies.effort import kept_arms
from hipo_data.stages.select.prior import RATES, Floats, Priors, fit
from hipo_data.stages.select.select import select, select_picks
from tests.stages.graded import Try, frames, tries

TWO, THREE = ["think_off", "think_on"], ["think_off", "low", "think_on"]


def chain(seed: int = 0, arms: int = 3) -> Chain:
    drawn = np.random.default_rng(seed).dirichlet(np.full(64 * 64, 0.3), arms - 1)
    return Chain.of([table.reshape(64, 64) for table in drawn])


def counts_of(counts: Sequence[tuple[int, int]]) -> pl.DataFrame:
    return pl.DataFrame(dict(zip(names_of(len(counts)), ([each] for pair in counts for each in pair), strict=True)))


def joint(of: Chain) -> Floats:
    """Weights of all triples of rates, (64, 64, 64)."""
    found: Floats = np.einsum("a,ba,cb->abc", of.first, of.steps[0], of.steps[1])
    return found


RATED_TRIPLES = np.stack(np.meshgrid(RATES, RATES, RATES, indexing="ij"))


@pytest.mark.parametrize(
    "counts",
    [
        [(2, 8), (5, 8), (8, 8)],
        [(0, 0), (5, 8), (6, 7)],
        [(3, 4), (0, 0), (2, 3)],
        [(4, 4), (0, 0), (0, 0)],
        [(0, 8), (0, 8), (0, 0)],
    ],
)
@pytest.mark.parametrize("delta", [0.0, 0.15, 0.5])
def test_an_arm_is_asked_for_as_often_as_all_rates_together_say(counts: list[tuple[int, int]], delta: float) -> None:
    weights, rated = joint(chain()), np.array([n > 0 for _, n in counts])[:, None, None, None]
    for rates, (right, n) in zip(RATED_TRIPLES, counts, strict=True):
        weights = weights * rates**right * (1 - rates) ** (n - right)
    known = np.where(rated, RATED_TRIPLES, -1)
    near = rated & (known.max(axis=0) - known <= max(delta, 0.01))
    lowest = near.argmax(axis=0)
    expected = [weights[lowest == place].sum() / weights.sum() for place in range(3)]
    assert asked_for(counts_of(counts), chain(), delta)[0] == pytest.approx(expected, abs=1e-12)


def drawn(rates: Floats, n: int, seed: int, source: str = "s") -> tuple[pl.DataFrame, pl.DataFrame]:
    """Arms and sources of problems with these rates, (problems, K)."""
    right = np.random.default_rng(seed).binomial(n, rates)
    ids = [f"{source}{number:05d}" for number in range(len(rates))]
    arms = pl.concat(
        pl.DataFrame(
            {"problem_id": ids, "arm": place, "n": n, "right": right[:, place]}, schema_overrides={"arm": pl.Int64}
        )
        for place in range(rates.shape[1])
    )
    return arms, pl.DataFrame({"problem_id": ids, "source": source})


def correlated(problems: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    off = rng.beta(0.5, 0.6, problems)
    low = off + (1 - off) * rng.beta(0.6, 1.0, problems)
    return np.stack([off, low, low + (1 - low) * rng.beta(0.3, 1.5, problems)], axis=1)


def test_the_means_and_the_pairs_of_neighbours_are_found_again() -> None:
    rates = correlated(8_000, 1)
    arms, _ = drawn(rates, 8, 2)
    wide = arms.filter(pl.col("arm") == 0).select("problem_id")
    for place in range(3):  # all of them, also of arms that are dearer than one that was right every time
        own = arms.filter(pl.col("arm") == place).select(
            "problem_id", pl.col("right").alias(f"r{place}"), pl.col("n").alias(f"n{place}")
        )
        wide = wide.join(own, on="problem_id")
    counted = (
        wide.with_columns(source=pl.lit("s")).group_by("source", *names_of(3)).agg(problems=pl.len().cast(pl.Int64))
    )
    (prior,) = fit_arms(counted, 3)
    found = ArmPriors((prior,)).chains["run"]
    assert prior.problems == 8_000
    means = [float(table.sum(axis=1) @ RATES) for table in found.tables]
    assert means == pytest.approx(rates[:, 1:].mean(axis=0).tolist(), abs=0.02)
    assert float(found.first @ RATES) == pytest.approx(rates[:, 0].mean(), abs=0.01)
    products = [float(RATES @ table @ RATES) for table in found.tables]
    assert products == pytest.approx((rates[:, 1:] * rates[:, :-1]).mean(axis=0).tolist(), abs=0.02)


def test_the_likeliest_arm_is_wrong_less_often_than_the_lowest_by_measured_rates() -> None:
    rates = correlated(6_000, 3)
    arms, sources = drawn(rates, 8, 4)
    config = SelectConfig.model_validate({"policy": "effort", "rule": "posterior"})
    priors = ArmPriors(tuple(fit_arms(arm_cells(arms, sources, 3, 1), 3)))
    counted = arms.with_columns(p=pl.col("right") / pl.col("n"), pick=pl.when(pl.col("right") > 0).then(0))
    asked = priors.with_asked(counted, sources, config.delta, 1)
    truth = (rates.max(axis=1, keepdims=True) - rates <= config.delta).argmax(axis=1)
    true = pl.DataFrame({"problem_id": sources["problem_id"], "true": truth})
    wrong = {}
    for posterior in (False, True):
        kept = kept_arms(asked.lazy(), config.delta, "other_mode", by_posterior=posterior).collect()
        beside = kept.join(true, on="problem_id")
        wrong[posterior] = float((beside["arm"] != beside["true"]).mean())
    assert wrong[True] < 0.93 * wrong[False]
    # What is said of the wrong ones is about what comes.
    kept = kept_arms(asked.lazy(), config.delta, "other_mode", by_posterior=True).collect()
    said = 1 - kept.filter(pl.col("rule") == "within_delta")["p_asked"].mean()  # type: ignore[operator]
    assert said == pytest.approx(wrong[True], abs=0.03)


def pair_tables(seed: int, n: int = 4) -> list[Try]:
    rng = np.random.default_rng(seed)
    rows: list[Try] = []
    for number in range(120):
        off, on = sorted(rng.beta(0.7, 0.7, 2))
        for mode, rate in (("think_off", off), ("think_on", on)):
            right, unknown = int(rng.binomial(n, rate)), int(rng.integers(0, 2) * (number % 3 == 0))
            rows += tries(f"{number:03d}", mode, right, n - right, unknown)
    return rows


@pytest.mark.parametrize("delta", [0.0, 0.15, 0.25])
def test_two_arms_are_fitted_and_decided_as_two_modes_are(delta: float) -> None:
    problems, rollouts, verdicts = frames(pair_tables(5))
    problems = problems.with_columns(source=pl.lit("s"))
    shared = {"rule": "posterior", "random_fraction": 0, "delta": delta}
    hipo = SelectConfig.model_validate(shared)
    effort = SelectConfig.model_validate({"policy": "effort", **shared})
    priors = fit(cells(problems, rollouts, verdicts, hipo, 0).collect())
    arms = graded_arms(rollouts, verdicts, effort, TWO).collect()
    assert fit_arms(arm_cells(arms, problems.collect(), 2, 1), 2) == priors
    first = select(problems, rollouts, verdicts, hipo, 0, priors=Priors(tuple(priors))).collect()
    chosen = select_picks(problems, rollouts, verdicts, effort, 0, priors=ArmPriors(tuple(priors)))
    second = chosen.decisions.collect()
    named = {"rule", "p_gain"}
    assert first.drop(named).equals(second.drop(named))
    # Where think-off was right every time its rule asks no prior, and says none here.
    gains = first.join(second, on="problem_id").filter(pl.col("p_gain_right").is_not_null())
    assert gains["p_gain"].to_list() == pytest.approx(gains["p_gain_right"].to_list(), abs=1e-12)
    assert chosen.arms is not None
    table = chosen.arms.collect()
    kept = second.drop_nulls("mode").select("problem_id", "mode")
    flips = arm_posterior_flips(table, kept, TWO, delta, "other_mode", 1, ArmPriors(tuple(priors)), problems.collect())
    both = first.with_columns(flip_probability(first, hipo, Priors(tuple(priors)))).join(flips, on="problem_id")
    asked = both.filter(pl.col("right_off") < pl.col("n_off"))  # elsewhere think-on counts as not sampled here
    assert asked["flip"].to_list() == pytest.approx(asked["flip_right"].to_list(), abs=1e-9)


@pytest.mark.parametrize("fallback", ["other_mode", "drop"])
def test_every_outcome_is_decided_as_the_policy_decides_it(fallback: str) -> None:
    sizes, own = (2, 3, 2), chain(7)
    outcomes = _outcomes(sizes, own, 0.15, fallback, 1)  # type: ignore[arg-type]
    priors = ArmPriors((_record("run", None, 100, own),))
    sources = pl.DataFrame({"problem_id": ["p"], "source": ["s"]})
    for rights in product(*(range(size + 1) for size in sizes)):
        arms = pl.DataFrame(
            {
                "problem_id": "p",
                "mode": THREE,
                "arm": [0, 1, 2],
                "n": list(sizes),
                "right": list(rights),
                "p": [right / n for right, n in zip(rights, sizes, strict=True)],
                "pick": [0 if right else None for right in rights],
            }
        )
        asked = priors.with_asked(arms, sources, 0.15, 1)
        kept = kept_arms(asked.lazy(), 0.15, fallback, by_posterior=True).collect()  # type: ignore[arg-type]
        assert outcomes[rights] == (kept["arm"][0] if kept.height else -1), rights


def test_flips_are_the_sum_over_all_rates_and_outcomes() -> None:
    own, sizes, counts = chain(9), (2, 2, 2), [(1, 2), (1, 2), (2, 2)]
    weights = joint(own)
    for rates, (right, n) in zip(RATED_TRIPLES, counts, strict=True):
        weights = weights * rates**right * (1 - rates) ** (n - right)
    weights /= weights.sum()
    outcomes = _outcomes(sizes, own, 0.15, "other_mode", 1)
    expected = 0.0
    for rights in product(range(3), repeat=3):
        if outcomes[rights] != 2:
            chance = np.ones_like(weights)
            for rates, right in zip(RATED_TRIPLES, rights, strict=True):
                chance = chance * comb(2, right) * rates**right * (1 - rates) ** (2 - right)
            expected += float((weights * chance).sum())
    arms = pl.DataFrame(
        {"problem_id": "p", "mode": THREE, "arm": [0, 1, 2], "n": 2, "right": [right for right, _ in counts]}
    )
    kept = pl.DataFrame({"problem_id": ["p"], "mode": ["think_on"]})
    sources = pl.DataFrame({"problem_id": ["p"], "source": ["s"]})
    priors = ArmPriors((_record("run", None, 100, own),))
    flips = arm_posterior_flips(arms, kept, THREE, 0.15, "other_mode", 1, priors, sources)
    assert flips["flip"].item() == pytest.approx(expected, abs=1e-9)


def test_dearer_arms_than_one_that_was_always_right_are_not_looked_at() -> None:
    arms = pl.DataFrame({"problem_id": "p", "arm": [0, 1, 2], "n": [4, 3, 4], "right": [1, 3, 0]})
    assert wide_counts(arms, 3, 1).row(0)[1:] == (1, 4, 3, 3, 0, 0)
    assert wide_counts(arms, 3, 4).row(0)[1:] == (1, 4, 0, 0, 0, 4)  # too few graded to be right every time


def test_few_problems_leave_rates_of_neighbours_apart() -> None:
    arms, sources = drawn(correlated(20, 1), 4, 2)
    (weak,) = fit_arms(arm_cells(arms, sources, 3, 1), 3)
    assert (weak.name, set(weak.weights)) == ("weak", {round(64.0**-2, 12)})
    arms, sources = drawn(correlated(200, 1), 4, 2)
    few = arms.filter((pl.col("arm") < 2) | (pl.col("problem_id") < "s00010"))
    (prior,) = fit_arms(arm_cells(few, sources, 3, 1), 3)
    known = ArmPriors((prior,)).chains["run"]
    assert known.steps[1] == pytest.approx(np.full((64, 64), 1 / 64), abs=1e-6)
    assert known.steps[0].max() > 2 / 64
