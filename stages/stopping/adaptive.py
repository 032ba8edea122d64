"""Sampling where it matters: a shard's rollouts of both modes, spent round by round, each graded before the next.

What a round asks for is a function of the verdicts of the rounds before (`stopping.allocation`), and a rollout of its
problem, mode and index. So an attempt that was killed asks for the same rollouts again and takes the finished ones.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.records import Mode, Problem, Rollout, Status, Verdict
from hipo_data.stages.sample.sample import ProblemSampler, Sampler, rollout_key
from hipo_data.stages.stopping.allocation import Terms, further
from hipo_data.stages.stopping.deciding import random_modes
from hipo_data.stages.stopping.sampler import Grades
from hipo_data.stages.texts.thinking_aloud import leaks

_SIDES = {Mode.THINK_ON: "on", Mode.THINK_OFF: "off"}


@dataclass(frozen=True)
class Spent:
    """The rollouts of both modes, sorted by key, and their verdicts, in the same order."""

    rollouts: Mapping[Mode, list[Rollout]]
    verdicts: Mapping[Mode, list[Verdict]]


async def sample_adaptively(
    problems: Sequence[Problem], samplers: Mapping[Mode, Sampler], grade: Grades, config: RunConfig
) -> Spent:
    """Spends n rollouts a problem and mode where decisions are least sure.

    Args:
        problems: all of a shard.
        samplers: of both modes.
        grade: asked for every rollout once.
        config: counts, δ, and the rule.
    """
    terms = Terms(
        config.select,
        n_on=config.sample.count(Mode.THINK_ON),
        n_off=config.sample.count(Mode.THINK_OFF),
        most=config.sample.allocate_most,
    )
    drawn = random_modes([problem.problem_id for problem in problems], config.select, config.seed)
    accounts = [
        _Account(problem, {mode: sampler.of(problem) for mode, sampler in samplers.items()}, mode is not None)
        for problem, mode in zip(problems, drawn, strict=True)
    ]
    refuses = config.select.refuses_leaks
    while accounts:
        counted = pl.DataFrame([account.counts(refuses) for account in accounts])
        more = await asyncio.to_thread(further, counted, terms)
        if not any(each.any() for each in more.values()):
            break
        async with asyncio.TaskGroup() as group:
            for place, account in enumerate(accounts):
                for mode, each in more.items():
                    group.create_task(account.take(mode, int(each[place]), grade))
    graded = {
        mode: sorted((pair for each in accounts for pair in each.graded[mode]), key=lambda pair: rollout_key(pair[0]))
        for mode in Mode
    }
    return Spent(
        {mode: [rollout for rollout, _ in pairs] for mode, pairs in graded.items()},
        {mode: [verdict for _, verdict in pairs] for mode, pairs in graded.items()},
    )


class _Account:
    """What a problem has been given."""

    def __init__(self, problem: Problem, samplers: Mapping[Mode, ProblemSampler], drawn: bool) -> None:
        self.graded: dict[Mode, list[tuple[Rollout, Verdict]]] = {mode: [] for mode in Mode}
        self._problem = problem
        self._samplers = samplers
        self._drawn = drawn

    async def take(self, mode: Mode, count: int, grade: Grades) -> None:
        """Samples and grades so many more rollouts of a mode."""
        if not count:
            return
        first = len(self.graded[mode])
        asked = (self._samplers[mode].rollout(index) for index in range(first, first + count))
        rollouts = await asyncio.gather(*asked)
        self.graded[mode] += zip(rollouts, await grade(self._problem, rollouts), strict=True)

    def counts(self, refuses: bool) -> dict[str, str | int | bool]:
        """A row as `further` reads it; with `refuses`, think-off responses that think are unknown."""
        found: dict[str, str | int | bool] = {"problem_id": self._problem.problem_id, "drawn": self._drawn}
        for mode, side in _SIDES.items():
            known = [
                verdict.status
                for rollout, verdict in self.graded[mode]
                if verdict.status is not Status.UNKNOWN
                and not (refuses and leaks(mode, rollout.reasoning, rollout.answer))
            ]
            found[f"asked_{side}"] = len(self.graded[mode])
            found[f"n_{side}"] = len(known)
            found[f"right_{side}"] = known.count(Status.CORRECT)
        return found
