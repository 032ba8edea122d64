"""A shard's rollouts spent in rounds: the same whatever finishes first and wherever an earlier attempt ended."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.engines.base import Completion, GenerationRequest
from hipo_data.schemas.records import Mode, Problem, Rollout, Status, Verdict
from hipo_data.stages.sample.sample import Sampler, rollout_key
from hipo_data.stages.stopping.adaptive import Spent, sample_adaptively
from tests.stages.builders import ScriptedEngine, by_key, completion, make_problem, make_session
from tests.support import made_up_run

PROBLEMS = [make_problem(f"What is {number} + 1?") for number in range(12)]
CONFIG = made_up_run.config(4, sample={"n": 4, "allocate": "adaptive"})


def answer(request: GenerationRequest) -> Completion:
    """Right by the seed, as often as the question's rate says; some cannot be graded."""
    rate = random.Random(request.question).random()
    said = random.Random(request.seed).choices(["right", "wrong", "dark"], [rate, 1 - rate, 0.1])[0]
    return completion(said)


async def grade(problem: Problem, rollouts: Sequence[Rollout]) -> list[Verdict]:
    await asyncio.sleep(0)
    status = {"right": Status.CORRECT, "wrong": Status.INCORRECT, "dark": Status.UNKNOWN}
    return [
        Verdict(
            problem_id=problem.problem_id,
            mode=rollout.mode,
            index=rollout.index,
            status=status[rollout.text],
            reason="said",
            extracted=None,
            grader="test",
        )
        for rollout in rollouts
    ]


def spend(
    engine: ScriptedEngine,
    problems: Sequence[Problem] = PROBLEMS,
    earlier: Iterable[Rollout] = (),
    slots: int = 100,
    seen: list[Rollout] | None = None,
) -> Spent:
    async def run() -> Spent:
        session, finished = make_session(engine, seen, slots), by_key(earlier, rollout_key)
        samplers = {mode: Sampler(mode, CONFIG.sample, CONFIG.roles.of(mode), session, finished) for mode in Mode}
        return await sample_adaptively(problems, samplers, grade, CONFIG)

    return asyncio.run(run())


@cache
def once() -> Spent:
    """Undisturbed."""
    return spend(ScriptedEngine(answer))


def test_the_budget_is_spent_and_verdicts_go_with_their_rollouts() -> None:
    for mode in Mode:
        rollouts, verdicts = once().rollouts[mode], once().verdicts[mode]
        assert len(rollouts) == 4 * len(PROBLEMS)
        assert [rollout_key(each) for each in rollouts] == [(v.problem_id, v.mode, v.index) for v in verdicts]
        numbers = {p.problem_id: [r.index for r in rollouts if r.problem_id == p.problem_id] for p in PROBLEMS}
        assert all(indexes == list(range(len(indexes))) for indexes in numbers.values())
        assert len(set(map(len, numbers.values()))) > 1


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 99), st.integers(1, 6), st.booleans())
def test_what_finishes_first_changes_nothing(seed: int, slots: int, flip: bool) -> None:
    draw = random.Random(seed)
    engine = ScriptedEngine(answer, lambda request: draw.randrange(9))
    assert spend(engine, PROBLEMS[::-1] if flip else PROBLEMS, slots=slots) == once()


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 99))
def test_an_attempt_that_died_anywhere_is_gone_on_with(seed: int) -> None:
    whole = [*once().rollouts[Mode.THINK_ON], *once().rollouts[Mode.THINK_OFF]]
    finished = random.Random(seed).sample(whole, seed * len(whole) // 99)
    engine = ScriptedEngine(answer)
    assert spend(engine, earlier=finished) == once()
    assert len(engine.requests) == len(whole) - len(finished)
