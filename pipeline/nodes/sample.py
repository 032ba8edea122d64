"""The sample node: a shard's rollouts in one mode, made where the engine is."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from hipo_data.engines.base import CountsTokens
from hipo_data.pipeline.graph.nodes import RESPONSES, VERDICTS
from hipo_data.pipeline.graph.task import Task, commit
from hipo_data.pipeline.nodes.asking import Host, earlier, given_up, session
from hipo_data.pipeline.nodes.grading import RemoteGrading
from hipo_data.pipeline.nodes.preflight import preflight
from hipo_data.pipeline.store.journal import lost_requests, remove_journal
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.arrow import to_table
from hipo_data.schemas.check_config import CheckConfig
from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.records import Mode, Problem, Response, Rollout, Verdict
from hipo_data.stages.sample.imported import imported_rollouts
from hipo_data.stages.sample.sample import Sampler, rollout_key, sample
from hipo_data.stages.sample.shown import shown
from hipo_data.stages.stopping.sampler import Graded, is_cut, sample_until_decided, tokens_saved


async def run_sample(host: Host, task: Task, flush_s: float) -> Manifest:
    """Samples what earlier attempts have not. Raises `EngineDeadError` or `EngineRefusedError`."""
    started = time.monotonic()
    assert task.mode is not None
    role = task.config.roles.of(task.mode)
    problems = await asyncio.to_thread(task.records, task.problems_label, Problem)
    finished = await asyncio.to_thread(earlier, task, Rollout, "", rollout_key)
    failed_before = await asyncio.to_thread(given_up, task)
    imported = await _imported(host, task)
    lost = await asyncio.to_thread(lost_requests, task.journal)
    stops = task.config.sample.stops and task.mode is Mode.THINK_ON
    verdicts: list[Verdict] | None = None
    async with session(host, task, Rollout, flush_s) as (engine, recorder):
        await preflight(task, problems, role, engine, finished, imported)
        if stops:
            sampler = Sampler(task.mode, task.config.sample, role, engine, finished, failed_before)
            think_off = await asyncio.to_thread(_think_off, task)
            tags = FORMATS[task.config.publish.format].tags
            grade = RemoteGrading(task.config)
            stopped = await sample_until_decided(problems, think_off, imported, sampler, grade, task.config, tags)
            rollouts, verdicts = stopped.rollouts, stopped.verdicts
        else:
            rollouts = await sample(
                problems, task.mode, task.config.sample, role, engine, finished, imported, failed_before
            )
    failed = [rollout for rollout in rollouts if rollout.finish_reason.is_failure]
    seen = shown(rollouts)
    count = task.config.sample.count(task.mode)
    tables = {"rows": to_table(rollouts, Rollout)}
    if verdicts is not None:
        tables[VERDICTS] = to_table(verdicts, Verdict)
    manifest = await asyncio.to_thread(
        commit,
        task,
        tables,
        [],
        rows_in=len(rollouts) if stops else len(problems) * count,
        rows_out=len(rollouts),
        started=started,
        retry=_worth_asking_again(failed, rollouts, task.config.check),
        counts={
            "sampled": recorder.finished,
            "reused": max(0, sum(rollout.source is None for rollout in rollouts) - recorder.finished),
            "imported": sum(rollout.source is not None for rollout in rollouts),
            "lost": lost,
            "failed": len(failed),
            **seen.counts(),
            "prompt_tokens": sum(rollout.prompt_tokens for rollout in rollouts),
            "completion_tokens": sum(rollout.completion_tokens for rollout in rollouts),
            **(_savings(rollouts, problems, count) if stops else {}),
        },
    )
    await asyncio.to_thread(remove_journal, task.journal)
    return manifest


def _worth_asking_again(failed: list[Rollout], rollouts: list[Rollout], limits: CheckConfig | None) -> int:
    """Failed rollouts that the next run asks for: where nearly all of a shard fail, not the prompts are to blame."""
    if limits is not None and len(failed) > limits.failed * len(rollouts):
        return len(failed)
    return sum(not rollout.error_permanent for rollout in failed)


def _think_off(task: Task) -> dict[str, list[Graded]]:
    """Rollouts and verdicts of think-off, by problem."""
    name = f"{Mode.THINK_OFF}/{task.shard}"
    verdicts = {(v.problem_id, v.index): v for v in task.records(f"verify.{name}", Verdict)}
    found: dict[str, list[Graded]] = defaultdict(list)
    for rollout in task.records(f"sample.{name}", Rollout):
        found[rollout.problem_id].append((rollout, verdicts[rollout.problem_id, rollout.index]))
    return found


def _savings(rollouts: list[Rollout], problems: list[Problem], count: int) -> dict[str, int]:
    return {
        "unneeded": len(problems) * count - len(rollouts),
        "capped": sum(is_cut(rollout) for rollout in rollouts),
        "saved_tokens": tokens_saved(rollouts, problems, count),
    }


async def _imported(host: Host, task: Task) -> Mapping[str, Sequence[Rollout]]:
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
