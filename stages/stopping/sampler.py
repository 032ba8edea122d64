"""Sampling think-on only as far as it matters: waves of rollouts, each graded before the next is asked for.

Think-off is there in full, graded. What is asked for next is a function of the outcomes so far (`stopping.waves`), so
that the same rollouts are sampled whatever finishes first, and `stages.select` comes to what full sampling leads to.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from hipo_data.schemas.config import RunConfig, SampleConfig, SelectConfig
from hipo_data.schemas.records import FinishReason, Mode, Problem, Rollout, Verdict
from hipo_data.stages.sample.sample import Sampler, rollout_key
from hipo_data.stages.stopping.calibration import calibrated
from hipo_data.stages.stopping.deciding import Rules, random_modes
from hipo_data.stages.stopping.waves import Key, Outcome, Plan, next_wave, outcome_of

Graded = tuple[Rollout, Verdict]
Grades = Callable[[Problem, Sequence[Rollout]], Awaitable[list[Verdict]]]
"""Verdicts of rollouts of one problem, in order."""


@dataclass(frozen=True)
class Stopped:
    """Think-on as far as it was sampled, sorted by key, with the verdicts that it was stopped by."""

    rollouts: list[Rollout]
    verdicts: list[Verdict]


async def sample_until_decided(
    problems: Sequence[Problem],
    think_off: Mapping[str, Sequence[Graded]],
    imported: Mapping[str, Sequence[Rollout]],
    sampler: Sampler,
    grade: Grades,
    config: RunConfig,
    tags: Collection[str],
) -> Stopped:
    """Samples think-on, wave by wave.

    Args:
        problems: all of a shard.
        think_off: rollouts and verdicts of full sampling, by problem.
        imported: think-on rollouts that are there already, by problem.
        sampler: of think-on.
        grade: asked for every rollout once.
        config: counts, δ, and when to stop.
        tags: of the format, which a response that is kept may not hold.
    """
    plan = await asyncio.to_thread(plan_of, config.sample, config.select)
    drawn = random_modes([problem.problem_id for problem in problems], config.select, config.seed)
    refuses = config.select.refuses_leaks
    limits = {mode: config.roles.of(mode).sampling.max_tokens for mode in Mode}

    def outcome(rollout: Rollout, verdict: Verdict, *, given: bool) -> Outcome:
        return outcome_of(rollout, verdict.status, limits[rollout.mode], tags, given, refuses)

    async def one(problem: Problem, own: Plan) -> list[Graded]:
        outcomes: dict[Key, Outcome] = {
            (rollout.mode, rollout.index): outcome(rollout, verdict, given=True)
            for rollout, verdict in think_off.get(problem.problem_id, ())
        }
        graded: list[Graded] = []

        async def take(rollouts: Sequence[Rollout], *, given: bool) -> None:
            for rollout, verdict in zip(rollouts, await grade(problem, rollouts), strict=True):
                graded.append((rollout, verdict))
                outcomes[rollout.mode, rollout.index] = outcome(rollout, verdict, given=given)

        await take(imported.get(problem.problem_id, ()), given=True)
        of_problem = sampler.of(problem)
        while wave := next_wave(own, outcomes):
            await take(await asyncio.gather(*(of_problem.rollout(ask.index, ask.cap) for ask in wave)), given=False)
        return graded

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                one(problem, replace(plan, rules=replace(plan.rules, drawn=mode, options=problem.options)))
            )
            for problem, mode in zip(problems, drawn, strict=True)
        ]
    graded = sorted((pair for task in tasks for pair in task.result()), key=lambda pair: rollout_key(pair[0]))
    return Stopped([rollout for rollout, _ in graded], [verdict for _, verdict in graded])


@lru_cache
def plan_of(sample: SampleConfig, select: SelectConfig) -> Plan:
    """Full sampling and how it may be cut down; the calibration of a stated error rate takes seconds."""
    plan = Plan(Rules(select), n_on=sample.count(Mode.THINK_ON), n_off=sample.count(Mode.THINK_OFF))
    return calibrated(plan, sample.stop_error) if sample.stop == "likely" else plan


def tokens_saved(rollouts: Sequence[Rollout], problems: Sequence[Problem], count: int) -> int:
    """About how many completion tokens full sampling of think-on would have taken more.

    A rollout that was not asked for, or cut off, is taken to be as long as the mean of its problem's whole ones, and
    where there are none, of all whole ones; a cut one at least as long as it got. Problems that were not asked at all
    are the easier ones, which may think less: of four arms of budgets half of what this says was saved.
    """
    by_problem: dict[str, list[Rollout]] = {problem.problem_id: [] for problem in problems}
    for rollout in rollouts:
        by_problem[rollout.problem_id].append(rollout)
    mean = _mean(rollouts)
    saved = 0.0
    for own in by_problem.values():
        typical = _mean(own) or mean
        saved += (count - len(own)) * typical
        saved += sum(max(0.0, typical - rollout.completion_tokens) for rollout in own if is_cut(rollout))
    return round(saved)


def is_cut(rollout: Rollout) -> bool:
    """Whether it was cut off at its cap; a recorded one may be longer and whole."""
    ended = rollout.finish_reason is FinishReason.LENGTH
    return ended and rollout.cap is not None and rollout.completion_tokens > rollout.cap


def _mean(rollouts: Sequence[Rollout]) -> float:
    whole = [rollout.completion_tokens for rollout in rollouts if rollout.error is None and rollout.cap is None]
    return sum(whole) / len(whole) if whole else 0.0
