"""The look at a mode before its first rollouts, where the engine is; what passed is remembered in the run directory."""

import asyncio
import json

from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.nodes.asking import Host
from hipo_data.pipeline.store.files import put_bytes
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.schemas.keys import digest
from hipo_data.schemas.records import Problem
from hipo_data.stages.sample.preflight import ask, judge


async def preflight(host: Host, task: Task) -> None:
    """Asks the shard's first problems in the task's mode, once for a role and a model.

    Raises `UnfitError`, `EngineDeadError` or `EngineRefusedError`.
    """
    mode, limits = task.mode, task.config.check
    assert mode is not None and limits is not None
    path = task.run_dir / "preflight" / f"{mode}.json"
    role = task.config.roles.of(mode).model_dump(mode="json")
    passed = json.dumps(
        {"passed": digest(role, task.identity, limits.model_dump(mode="json"), task.config.sample.template)}
    ).encode()
    if await asyncio.to_thread(_content, path) == passed:
        return
    problems = await asyncio.to_thread(task.records, task.problems_label, Problem)
    host.asking += 1
    try:
        rollouts = await ask(
            host,
            problems,
            mode,
            task.config,
            model=task.model,
            identity=task.identity,
            slot=lambda prompt: host.slot(f"{task.name} {prompt}", task.urgency, task.deaths.get(prompt, 0)),
        )
    finally:
        host.asking -= 1
    judge(mode, rollouts, limits)
    await asyncio.to_thread(put_bytes, path, passed)


def _content(path: RunPath) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
