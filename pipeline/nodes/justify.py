"""The justify node: a shard's justifications and examples, made where the engine is."""

import asyncio
import time
from collections import defaultdict

import pyarrow.compute as pc

from hipo_data.pipeline.graph.nodes import ARMS, PICKS
from hipo_data.pipeline.graph.task import Task, commit
from hipo_data.pipeline.nodes.asking import Host, earlier, session
from hipo_data.pipeline.store.journal import remove_journal
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.arm_rate import ArmRate
from hipo_data.schemas.arrow import from_table, to_table
from hipo_data.schemas.length_unit import Unit, lengths_of
from hipo_data.schemas.records import Decision, Example, Justification, Pick, Problem, Rollout
from hipo_data.stages.justify.justify import Case, failed_in_engine, justification_key, justify


async def run_justify(host: Host, task: Task, flush_s: float) -> Manifest:
    """Makes the attempts that earlier ones have not. Raises `EngineDeadError` or `EngineRefusedError`."""
    started = time.monotonic()
    cases = await asyncio.to_thread(_cases, task)
    finished = await asyncio.to_thread(earlier, task, Justification, ".attempts", justification_key)
    role = task.config.roles.justifier
    form = FORMATS[task.config.publish.format]
    async with session(host, task, Justification, flush_s) as (engine, recorder):
        in_tokens = lengths_of(task.config).unit is Unit.TOKENS
        result = await justify(cases, task.config.justify, role, engine, finished, form, lengths=in_tokens)
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
        for mode in task.config.roles.modes
        for rollout in task.records(f"sample.{mode}/{task.shard}", Rollout)
        if (key := (rollout.problem_id, rollout.mode, rollout.index)) in wanted
    }
    arms: dict[str, list[ArmRate]] = defaultdict(list)
    if not task.config.roles.is_pair:
        for rate in task.records(f"{ARMS}/{task.shard}", ArmRate):
            arms[rate.problem_id].append(rate)
    return [
        Case(
            problems[pick.problem_id],
            decisions[pick.problem_id],
            rollouts[pick.problem_id, pick.mode, pick.index],
            pick,
            tuple(sorted(arms[pick.problem_id], key=lambda rate: rate.arm)),
        )
        for pick in picks
    ]
