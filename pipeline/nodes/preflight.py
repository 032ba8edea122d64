"""A mode's first rollouts, looked at before all others; what passed is remembered in the run directory."""

import asyncio
import json
from collections.abc import Mapping, Sequence

from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.store.files import put_bytes
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.schemas.config import RecordedEngine, RoleConfig
from hipo_data.schemas.keys import digest
from hipo_data.schemas.records import Problem, Rollout
from hipo_data.stages.asking.engine_session import EngineSession
from hipo_data.stages.sample.preflight import judge
from hipo_data.stages.sample.sample import RolloutKey, rollout_key, sample


async def preflight(
    task: Task,
    problems: list[Problem],
    role: RoleConfig,
    engine: EngineSession[Rollout],
    finished: dict[RolloutKey, list[Rollout]],
    imported: Mapping[str, Sequence[Rollout]],
) -> None:
    """Before all other rollouts the first few, which count like any, unless this mode of this model was looked at.

    Raises `UnfitError` where they say that it is not the mode.
    """
    mode, limits = task.mode, task.config.check
    assert mode is not None
    recorded = isinstance(task.config.engines[role.engine], RecordedEngine)
    if limits is None or recorded or not task.config.sample.count(mode):
        return
    left = [problem for problem in problems if not imported.get(problem.problem_id)]
    asked, others = left[: limits.questions], left[limits.questions : 2 * limits.questions]
    passed = task.run_dir / "preflight" / f"{mode}.json"
    unsaid = {"control"} if role.control is None else set()  # so that what was looked at before stays
    said = {
        "model": task.identity,
        "role": digest(role.model_dump(mode="json", exclude=unsaid), task.config.sample.template),
    }
    if not asked or await asyncio.to_thread(_content, passed) == (content := json.dumps(said).encode()):
        return
    once = task.config.sample.model_copy(update={"n": 1, "n_on": None, "n_off": None})
    rollouts = await sample(asked, mode, once, role, engine, finished)
    if any(rollout.error for rollout in rollouts):
        # A few prompts that no request for them survives are those problems' matter; the mode is judged by others, too.
        rollouts += await sample(others, mode, once, role, engine, finished)
    judge(mode, rollouts, limits)
    for rollout in rollouts:
        finished[rollout_key(rollout)] = [rollout]
    await asyncio.to_thread(put_bytes, passed, content)


def _content(path: RunPath) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
