"""Think-off's sample node where rollouts go to the least sure problems: it samples both modes of a shard in turns.

Think-on's records go to think-on's own journal, so that its node, which runs next, finds them as those of an earlier
attempt: what is told to it is how many each problem got. A record that is lost meanwhile is sampled again there.
"""

import asyncio
import time
from collections import Counter

import pyarrow as pa

from hipo_data.pipeline.graph.nodes import ALLOCATED, VERDICTS, Node
from hipo_data.pipeline.graph.task import Task, commit
from hipo_data.pipeline.nodes.asking import Host, earlier, given_up, session
from hipo_data.pipeline.nodes.grading import RemoteGrading
from hipo_data.pipeline.nodes.preflight import preflight
from hipo_data.pipeline.nodes.sampled import counts_of, table_of, uneven, worth_asking_again
from hipo_data.pipeline.store.journal import lost_requests, remove_journal
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.schemas.arrow import to_table
from hipo_data.schemas.records import Mode, Problem, Rollout, Verdict
from hipo_data.stages.sample.sample import Sampler, rollout_key
from hipo_data.stages.stopping.adaptive import sample_adaptively


async def sample_both(host: Host, task: Task, flush_s: float) -> Manifest:
    """Samples what earlier attempts have not. Raises `EngineDeadError` or `EngineRefusedError`."""
    started = time.monotonic()
    config, roles = task.config.sample, task.config.roles
    name = Node("sample", task.shard, Mode.THINK_ON).name
    other = task.model_copy(update={"name": name, "mode": Mode.THINK_ON})
    problems = await asyncio.to_thread(task.records, task.problems_label, Problem)
    known = {each.mode: await asyncio.to_thread(earlier, each, Rollout, "", rollout_key) for each in (task, other)}
    lost = sum([await asyncio.to_thread(lost_requests, each.journal) for each in (task, other)])
    async with (
        session(host, task, Rollout, flush_s) as (off, off_recorder),
        session(host, other, Rollout, flush_s, within=task) as (on, on_recorder),
    ):
        sessions = {Mode.THINK_OFF: off, Mode.THINK_ON: on}
        samplers = {}
        for each in (task, other):
            mode = each.mode
            assert mode is not None
            await preflight(each, problems, roles.of(mode), sessions[mode], known[mode], {})
            failed = await asyncio.to_thread(given_up, each)
            samplers[mode] = Sampler(mode, config, roles.of(mode), sessions[mode], known[mode], failed)
        spent = await sample_adaptively(problems, samplers, RemoteGrading(task.config), task.config)
    rollouts, others = spent.rollouts[Mode.THINK_OFF], spent.rollouts[Mode.THINK_ON]
    sampled = off_recorder.finished + on_recorder.finished
    manifest = await asyncio.to_thread(
        commit,
        task,
        {
            "rows": table_of(rollouts, roles.of(Mode.THINK_OFF)),
            VERDICTS: to_table(spent.verdicts[Mode.THINK_OFF], Verdict),
            ALLOCATED: _table(problems, others),
        },
        [],
        rows_in=len(rollouts),
        rows_out=len(rollouts),
        started=started,
        retry=worth_asking_again(rollouts, task.config.check),
        counts={
            **counts_of(rollouts, sampled, max(0, len(rollouts) + len(others) - sampled), lost),
            **uneven(rollouts),
        },
    )
    await asyncio.to_thread(remove_journal, task.journal)
    return manifest


_COLUMN = "think_on"


def _table(problems: list[Problem], rollouts: list[Rollout]) -> pa.Table:
    numbers = Counter(rollout.problem_id for rollout in rollouts)
    ids = [problem.problem_id for problem in problems]
    return pa.table({"problem_id": ids, _COLUMN: pa.array([numbers[each] for each in ids], pa.int64())})


def allocated(task: Task) -> dict[str, int] | None:
    """Think-on rollouts by problem, as think-off's node tells them; null where all problems get as many."""
    if ALLOCATED not in task.inputs:
        return None
    table = task.table(ALLOCATED)
    return dict(zip(table["problem_id"].to_pylist(), table[_COLUMN].to_pylist(), strict=True))
