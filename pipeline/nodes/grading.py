"""Grading beside sampling: an engine's node asks, tasks on the cluster's CPUs answer."""

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Any

from hipo_data.graders import Grader
from hipo_data.pipeline.ray_options import ray_options
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.grading import GradingConfig
from hipo_data.schemas.records import Problem, Rollout, Verdict
from hipo_data.stages.verify.verify import verify

_BATCH = 256
_PAUSE_S = 0.02


@cache
def grader_of(config: GradingConfig) -> Grader:
    """One grader a worker process, kept between its tasks: its own processes are slow to start."""
    return Grader(config)


def grade_batch(config: GradingConfig, problems: list[Problem], rollouts: list[Rollout]) -> list[Verdict]:
    """Verdicts in the order of the rollouts."""
    return verify({problem.problem_id: problem for problem in problems}, rollouts, grader_of(config))


class RemoteGrading:
    """Collects what is asked within a moment into one task. Belongs to one event loop."""

    def __init__(self, config: RunConfig) -> None:
        import ray

        self._config = config.verify
        remote: Any = ray.remote(grade_batch)
        self._remote = remote.options(**ray_options(config.ray.verify), max_retries=config.ray.max_restarts)
        self._open: list[tuple[Problem, list[Rollout], asyncio.Future[list[Verdict]]]] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def __call__(self, problem: Problem, rollouts: Sequence[Rollout]) -> list[Verdict]:
        """Verdicts in the order of the rollouts, all of one problem. Raises what the grader raised."""
        if not rollouts:
            return []
        future: asyncio.Future[list[Verdict]] = asyncio.get_running_loop().create_future()
        # Graders read answers alone; reasoning is long.
        slim = [rollout.model_copy(update={"text": "", "reasoning": None}) for rollout in rollouts]
        self._open.append((problem, slim, future))
        asked = sum(len(each) for _, each, _ in self._open)
        if len(self._open) == 1 or asked >= _BATCH:
            task = asyncio.create_task(self._send(0 if asked >= _BATCH else _PAUSE_S))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return await future

    async def _send(self, pause_s: float) -> None:
        from ray.exceptions import RayTaskError

        await asyncio.sleep(pause_s)
        batch, self._open = self._open, []
        if not batch:
            return
        try:
            verdicts = await self._remote.remote(
                self._config,
                [problem for problem, _, _ in batch],
                [rollout for _, rollouts, _ in batch for rollout in rollouts],
            )
        except BaseException as error:
            cause = error.cause if isinstance(error, RayTaskError) else error
            for _, _, future in batch:
                if not future.done():
                    future.set_exception(cause)
            return
        for _, rollouts, future in batch:
            own, verdicts = verdicts[: len(rollouts)], verdicts[len(rollouts) :]
            if not future.done():
                future.set_result(own)
