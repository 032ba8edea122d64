"""The sample node: a shard's rollouts in one mode, made where the engine is."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from engines.base import CountsTokens, EngineRefusedError
from pipeline.engine_host import EngineHost
from pipeline.engine_node import earlier, session
from pipeline.graph import RESPONSES
from pipeline.journal import lost_requests, remove_journal
from pipeline.manifest import Manifest
from pipeline.task import Task, commit
from schemas.arrow import to_table
from schemas.records import FinishReason, Mode, Problem, Response, Rollout
from stages.imported import imported_rollouts
from stages.sample import rollout_key, sample


async def run_sample(host: EngineHost, task: Task, flush_s: float) -> Manifest:
    """Samples what earlier attempts have not. Raises `EngineDeadError` or `EngineRefusedError`."""
    started = time.monotonic()
    assert task.mode is not None
    role = task.config.roles.of(task.mode)
    problems = await asyncio.to_thread(task.records, task.problems_label, Problem)
    finished = await asyncio.to_thread(earlier, task, Rollout, "", rollout_key)
    imported = await _imported(host, task)
    lost = lost_requests(task.journal)
    async with session(host, task, Rollout, flush_s) as (engine, recorder):
        rollouts = await sample(problems, task.mode, task.config.sample, role, engine, finished, imported)
    failed = [rollout for rollout in rollouts if rollout.finish_reason is FinishReason.ERROR]
    manifest = await asyncio.to_thread(
        commit,
        task,
        {"rows": to_table(rollouts, Rollout)},
        [],
        rows_in=len(problems) * task.config.sample.count(task.mode),
        rows_out=len(rollouts),
        started=started,
        retry=sum(not rollout.error_permanent for rollout in failed),
        counts={
            "sampled": recorder.finished,
            "reused": sum(rollout.source is None for rollout in rollouts) - recorder.finished,
            "imported": sum(rollout.source is not None for rollout in rollouts),
            "lost": lost,
            "failed": len(failed),
            "prompt_tokens": sum(rollout.prompt_tokens for rollout in rollouts),
            "completion_tokens": sum(rollout.completion_tokens for rollout in rollouts),
        },
    )
    await asyncio.to_thread(remove_journal, task.journal)
    return manifest


async def _imported(host: EngineHost, task: Task) -> Mapping[str, Sequence[Rollout]]:
    """Responses that came with the problems. Raises `EngineRefusedError` where their tokens cannot be counted."""
    if RESPONSES + task.shard not in task.inputs:
        return {}
    if not isinstance(host.engine, CountsTokens):
        raise EngineRefusedError(
            "imported responses need an engine that knows its tokenizer, for their lengths are compared with "
            "sampled ones; use a vllm engine for roles.think_on, or import_rollouts: false"
        )
    await host.ready()
    responses = await asyncio.to_thread(task.records, RESPONSES + task.shard, Response)
    count = task.config.sample.count(Mode.THINK_ON)
    return await asyncio.to_thread(imported_rollouts, responses, count, host.engine.count_tokens)
