"""The justify node: a shard's justifications and examples, made where the engine is."""

import asyncio
import time

import pyarrow.compute as pc

from pipeline.engine_host import EngineHost
from pipeline.engine_node import earlier, session
from pipeline.graph import PICKS
from pipeline.journal import remove_journal
from pipeline.manifest import Manifest
from pipeline.task import Task, commit
from prompts.formats.registry import FORMATS
from schemas.arrow import from_table, to_table
from schemas.records import Decision, Example, Justification, Mode, Pick, Problem, Rollout
from stages.justify import Case, failed_in_engine, justification_key, justify


async def run_justify(host: EngineHost, task: Task, flush_s: float) -> Manifest:
    """Makes the attempts that earlier ones have not. Raises `EngineDeadError` or `EngineRefusedError`."""
    started = time.monotonic()
    cases = await asyncio.to_thread(_cases, task)
    finished = await asyncio.to_thread(earlier, task, Justification, ".attempts", justification_key)
    role = task.config.roles.justifier
    form = FORMATS[task.config.publish.format]
    async with session(host, task, Justification, flush_s) as (engine, recorder):
        result = await justify(cases, task.config.justify, role, engine, finished, form)
    failed = {row.problem_id for row in result.attempts if failed_in_engine(row)}
    manifest = await asyncio.to_thread(
        commit,
        task,
        {"rows": to_table(result.examples, Example), "attempts": to_table(result.attempts, Justification)},
        result.rejected,
        rows_in=len(cases),
        rows_out=len(result.examples),
        started=started,
        retry=len(failed & {row.key for row in result.rejected}),
        counts={
            "attempts": len(result.attempts),
            "written": recorder.finished,
            "completion_tokens": sum(attempt.completion_tokens for attempt in result.attempts),
        },
    )
    await asyncio.to_thread(remove_journal, task.journal)
    return manifest


def _cases(task: Task) -> list[Case]:
    """One for each pick that is to become an example; members of groups are published as they are."""
    table = task.table(f"{PICKS}/{task.shard}")
    picks = list(from_table(table.filter(pc.not_equal(table["role"], "member")), Pick))
    if not picks:
        return []
    problems = {problem.problem_id: problem for problem in task.records(task.problems_label, Problem)}
    decisions = {decision.problem_id: decision for decision in task.records(f"select/{task.shard}", Decision)}
    wanted = {(pick.problem_id, pick.mode, pick.index) for pick in picks}
    rollouts = {
        key: rollout
        for mode in Mode
        for rollout in task.records(f"sample.{mode}/{task.shard}", Rollout)
        if (key := (rollout.problem_id, rollout.mode, rollout.index)) in wanted
    }
    return [
        Case(
            problems[pick.problem_id],
            decisions[pick.problem_id],
            rollouts[pick.problem_id, pick.mode, pick.index],
            pick,
        )
        for pick in picks
    ]
