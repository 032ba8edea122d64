"""Arms sampled from cheap to dear: what the ladder leaves out never changes a decision. Every outcome is tried."""

from functools import cache
from itertools import product

import polars as pl
import pytest

from hipo_data.prompts.formats.hipo import HIPO
from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.arm_counts import graded_arms
from hipo_data.stages.select.arm_prior import ArmPriors, arm_cells, fit_arms
from hipo_data.stages.select.select import select
from hipo_data.stages.stopping.ladder import open_problems
from tests.stages.graded import Try, frames

ARMS = ["think_off", "short", "think_on"]
FATES = ["kept", "unusable", "wrong", "unknown"]
_STATUS = {"kept": "correct", "unusable": "correct", "wrong": "incorrect", "unknown": "unknown"}
CHOICE = ["problem_id", "rule", "mode", "index", "chosen_tokens", "drop_reason"]


@cache
def every_outcome() -> tuple[list[str], tuple[Try, ...]]:
    """4,096 problems: each fate of each of two rollouts of three arms."""
    outcomes = list(product(FATES, repeat=2 * len(ARMS)))
    ids = [f"{number:04d}" for number in range(len(outcomes))]
    rows = [
        Try(
            problem,
            ARMS[place // 2],
            place % 2,
            _STATUS[fate],
            tokens=5 + place % 2,
            reasons=Mode(ARMS[place // 2]).thinks == (fate != "unusable"),
        )
        for problem, fates in zip(ids, outcomes, strict=True)
        for place, fate in enumerate(fates)
    ]
    return ids, tuple(rows)


def climbed(ids: list[str], rows: tuple[Try, ...], config: SelectConfig) -> list[Try]:
    """The rollouts that a run would have sampled."""
    sampled: list[Try] = []
    still = ids
    for arm in ARMS:
        wanted = set(still)
        sampled += [row for row in rows if row.mode == arm and row.problem_id in wanted]
        _, rollouts, verdicts = frames(sampled)
        still = open_problems(still, rollouts, verdicts, config, HIPO.tags, ARMS)
    return sampled


def chosen(ids: list[str], rows: list[Try], config: SelectConfig) -> pl.DataFrame:
    return select(*frames(rows, ids), config, 0, arms=ARMS).select(CHOICE).collect()


@pytest.mark.parametrize("fallback", ["other_mode", "drop"])
@pytest.mark.parametrize(("delta", "min_graded"), [(0.0, 1), (0.15, 1), (0.5, 1), (0.5, 2), (1.0, 1)])
def test_no_decision_differs_from_full_sampling(delta: float, min_graded: int, fallback: str) -> None:
    config = SelectConfig.model_validate(
        {"policy": "effort", "delta": delta, "min_graded": min_graded, "fallback": fallback}
    )
    ids, rows = every_outcome()
    stopped = climbed(ids, rows, config)
    assert chosen(ids, stopped, config).equals(chosen(ids, list(rows), config))
    assert len(stopped) < len(rows)


@pytest.mark.parametrize("fallback", ["other_mode", "drop"])
@pytest.mark.parametrize(("delta", "min_graded"), [(0.15, 1), (0.5, 2)])
def test_the_rule_posterior_fits_the_same_prior_and_decides_as_in_full(
    delta: float, min_graded: int, fallback: str
) -> None:
    config = SelectConfig.model_validate(
        {"policy": "effort", "rule": "posterior", "delta": delta, "min_graded": min_graded, "fallback": fallback}
    )
    ids, rows = every_outcome()
    stopped = climbed(ids, rows, config)
    assert len(stopped) < len(rows)
    found = []
    for sampled in (stopped, list(rows)):
        problems, rollouts, verdicts = frames(sampled, ids)
        problems = problems.with_columns(source=pl.lit("s"))
        arms = graded_arms(rollouts, verdicts, config, ARMS).collect()
        priors = ArmPriors(tuple(fit_arms(arm_cells(arms, problems.collect(), 3, min_graded), 3)))
        decided = select(problems, rollouts, verdicts, config, 0, priors=priors, arms=ARMS).select(CHOICE).collect()
        found.append((priors.records, decided))
    assert found[0][0] == found[1][0]
    assert found[0][1].equals(found[1][1])
    assert found[0][1]["mode"].n_unique() == 4


def test_an_easy_problem_costs_the_first_arm_alone_and_a_hard_one_all() -> None:
    config = SelectConfig(policy="effort")
    rows = tuple(
        Try(problem, arm, index, status, reasons=Mode(arm).thinks)
        for problem, status in (("easy", "correct"), ("hard", "incorrect"))
        for arm in ARMS
        for index in range(2)
    )
    sampled = climbed(["easy", "hard"], rows, config)
    assert {row.mode for row in sampled if row.problem_id == "easy"} == {"think_off"}
    assert {row.mode for row in sampled if row.problem_id == "hard"} == set(ARMS)


def test_leaking_responses_count_for_nothing_here_as_in_the_selection() -> None:
    config = SelectConfig.model_validate({"policy": "effort", "leaking": "refuse"})
    rows = [Try("p", "think_off", index, "correct", reasons=True) for index in range(2)]
    _, rollouts, verdicts = frames(rows)
    assert open_problems(["p"], rollouts, verdicts, config, HIPO.tags, ARMS) == ["p"]
