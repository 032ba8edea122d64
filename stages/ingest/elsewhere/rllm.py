"""rllm: episodes as `rllm eval` saves them, one JSON file an episode, or as JSON Lines.

| field | holds |
| --- | --- |
| `task` | `instruction` and `metadata` with the source row, or that row itself |
| `trajectories` | one; its last step's `chat_completions`, or `model_response` |
| `is_correct`, `trajectories.reward` | the grade |
| `termination_reason`, `metadata.error` | how it ended |
"""

from collections.abc import Iterator, Mapping
from typing import Any

from hipo_data.stages.ingest.elsewhere.rollout import Json, NotARolloutError, Written, answered, asked, ending, number

NAME = "rllm"
TITLE = "rllm's episodes"
GOLDS = (
    "task.metadata.ground_truth",
    "task.metadata.answer",
    "task.metadata.gold",
    "task.ground_truth",
    "task.answer",
)


def is_own(row: Json) -> bool:
    """Whether a row looks like one of these."""
    return "trajectories" in row and "task" in row


def rollouts(row: Json) -> Iterator[Written]:
    """The one rollout of an episode. Raises `NotARolloutError`."""
    reason = row.get("termination_reason")
    error = (row.get("metadata") or {}).get("error") or (reason if reason in ("error", "timeout") else None)
    if error:
        raise NotARolloutError("failed_rollout", f"rllm says that it failed: {error}")
    trajectories = row["trajectories"] or []
    if len(trajectories) != 1 or len(trajectories[0].get("steps") or ()) != 1:
        steps = sum(len(each.get("steps") or ()) for each in trajectories)
        code = "several_turns" if steps else "no_response"
        raise NotARolloutError(code, f"the episode has {len(trajectories)} trajectories with {steps} steps")
    trajectory, step = trajectories[0], trajectories[0]["steps"][0]
    output = step.get("model_output") or {}
    ended = ending(output.get("finish_reason") or reason)
    chat = step.get("chat_completions") or []
    turns = [each for each in chat if each.get("role") in ("assistant", "tool")]
    text = answered(turns or step.get("model_response") or output.get("content") or step.get("output"), ended)
    task = row["task"]
    reward = trajectory.get("reward")
    yield Written(
        question=_question(task, chat),
        text=text,
        key=str(row["id"]) if row.get("id") else None,
        task=str(task["id"]) if isinstance(task, Mapping) and task.get("id") is not None else None,
        model=(row.get("metadata") or {}).get("model"),
        ended=ended,
        reward=number(row.get("is_correct")) if reward is None else number(reward),
    )


def _question(task: Any, chat: list[Json]) -> str:
    if isinstance(task, Mapping):
        row = task.get("metadata") or task
        for found in (row.get("question"), row.get("problem"), task.get("instruction")):
            if isinstance(found, str) and found.strip():
                return found
    return asked(chat)
