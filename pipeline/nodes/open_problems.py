"""Which problems of a shard a dearer arm is sampled for, where arms are sampled from cheap to dear."""

import polars as pl

from hipo_data.pipeline.graph.task import Task
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.records import Problem
from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS
from hipo_data.stages.stopping.ladder import open_problems


def open_to(task: Task, problems: list[Problem]) -> list[Problem]:
    """Those that the arm of a sample node can still decide, by the verdicts of all cheaper ones."""
    modes = task.config.roles.modes
    assert task.mode is not None
    lower = modes[: modes.index(task.mode)]
    if not lower:
        return problems
    rollouts, verdicts = (
        pl.concat([pl.DataFrame(task.table(f"{stage}.{mode}/{task.shard}", columns)).lazy() for mode in lower])
        for stage, columns in (("sample", ROLLOUT_COLUMNS), ("verify", VERDICT_COLUMNS))
    )
    tags = FORMATS[task.config.publish.format].tags
    ids = [problem.problem_id for problem in problems]
    still = set(open_problems(ids, rollouts, verdicts, task.config.select, tags, modes))
    return [problem for problem in problems if problem.problem_id in still]
