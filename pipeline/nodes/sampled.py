"""What a sample node says of its rollouts in its manifest, and which that came with the problems it has no use for."""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

from hipo_data.pipeline.graph.task import Task
from hipo_data.schemas.arrow import to_table
from hipo_data.schemas.check_config import CheckConfig
from hipo_data.schemas.config import RoleConfig
from hipo_data.schemas.records import KEPT_CHARS, Control, Rejected, Response, Rollout
from hipo_data.stages.sample.shown import shown


def counts_of(rollouts: Sequence[Rollout], sampled: int, reused: int, lost: int) -> dict[str, int]:
    """Counts of a node's rollouts: how many it made itself, took from earlier attempts, and found lost."""
    return {
        "sampled": sampled,
        "reused": reused,
        "imported": sum(rollout.source is not None for rollout in rollouts),
        "lost": lost,
        "failed": sum(rollout.finish_reason.is_failure for rollout in rollouts),
        **shown(rollouts).counts(),
        "prompt_tokens": sum(rollout.spent_prompt_tokens for rollout in rollouts),
        "completion_tokens": sum(rollout.spent_completion_tokens for rollout in rollouts),
        **_control([rollout.control for rollout in rollouts if rollout.control is not None]),
    }


def _control(controls: Sequence[Control]) -> dict[str, int]:
    """Of rollouts whose thinking was controlled: tokens beside them, and replies of a controller that said nothing."""
    if not controls:
        return {}
    return {
        "control_tokens": sum(control.completion_tokens for control in controls),
        "control_unread": sum(control.unread for control in controls),
    }


def table_of(rollouts: Sequence[Rollout], role: RoleConfig) -> pa.Table:
    """The node's table; the column `control` only where the role is controlled, whether or not there are rollouts:
    tables of all shards have to be alike."""
    table = to_table(rollouts, Rollout)
    return table.drop_columns(["control"]) if role.control is None else table


def uneven(rollouts: Sequence[Rollout]) -> dict[str, int]:
    """Of rollouts in one mode, the smallest and the greatest number that a problem got."""
    numbers = Counter(rollout.problem_id for rollout in rollouts).values()
    return {"fewest": min(numbers, default=0), "most": max(numbers, default=0)}


def worth_asking_again(rollouts: Sequence[Rollout], limits: CheckConfig | None) -> int:
    """Failed rollouts that the next run asks for: where nearly all of a shard fail, not the prompts are to blame."""
    failed = [rollout for rollout in rollouts if rollout.finish_reason.is_failure]
    if limits is not None and len(failed) > limits.failed * len(rollouts):
        return len(failed)
    return sum(not rollout.error_permanent for rollout in failed)


def beyond_n(task: Task, responses: list[Response]) -> list[Rejected]:
    """What came beyond n a problem: in the order in which it came, those after the first n."""
    assert task.mode is not None
    came: Counter[str] = Counter()
    left: list[Rejected] = []
    for response in responses:
        came[response.problem_id] += 1
        if came[response.problem_id] > task.config.sample.count(task.mode):
            detail = f"more rollouts came in {task.mode} than sample.n asks for; raise sample.n to take them all"
            left.append(
                Rejected(
                    stage="sample",
                    reason="beyond_n",
                    detail=detail,
                    key=response.problem_id,
                    row=response.text[:KEPT_CHARS],
                    sources=[response.source],
                )
            )
    return left
