"""What a sample node says of its rollouts in its manifest, and which that came with the problems it has no use for."""

from collections import Counter
from collections.abc import Sequence

from hipo_data.pipeline.graph.task import Task
from hipo_data.schemas.check_config import CheckConfig
from hipo_data.schemas.records import KEPT_CHARS, Rejected, Response, Rollout
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
        "prompt_tokens": sum(rollout.prompt_tokens for rollout in rollouts),
        "completion_tokens": sum(rollout.completion_tokens for rollout in rollouts),
    }


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
