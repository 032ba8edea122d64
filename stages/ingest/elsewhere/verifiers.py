"""verifiers and prime-rl: the episodes of `traces.jsonl` (0.3 on), and the `results.jsonl` of before.

| `traces.jsonl` | holds |
| --- | --- |
| `traces` | of an episode, one a rollout; a line may also be a trace by itself |
| `version` | of a trace: 1 |
| `task.data.prompt`, `task.data.answer`, `task.key` | the question, the gold, the problem's own id |
| `nodes` | the messages, each with the place of the one before it in `parent`; the model's are `sampled` |
| `calls` | of the model: `finish_reason`, `usage` |
| `rewards` | by name {score, weight}; their weighted sum is the grade |
| `errors`, `ok` | what failed |

| `results.jsonl` | holds |
| --- | --- |
| `prompt`, `completion` | messages or text |
| `answer`, `reward`, `example_id`, `error` | the gold, the grade, the problem's own id, what failed |

Those results leave out the reasoning that a server keeps apart, so that a response without `<think>` in them may be of
either mode: the recipe has to say it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from hipo_data.schemas.records import FinishReason
from hipo_data.stages.ingest.elsewhere.rollout import (
    Json,
    NotARolloutError,
    Written,
    answered,
    asked,
    ending,
    number,
    refuse_hidden,
)

NAME = "verifiers"
TITLE = "verifiers' or prime-rl's traces and results"
VERSION = 1
GOLDS = ("task.data.answer", "task.data.info.answer", "answer", "info.answer")


def is_own(row: Json) -> bool:
    """Whether a row looks like one of these."""
    return _is_trace(row) or "traces" in row or {"prompt", "completion", "reward"} <= row.keys()


def _is_trace(row: Json) -> bool:
    return "nodes" in row and "rewards" in row


def rollouts(row: Json) -> Iterator[Written]:
    """The rollouts of a row, one a trace of its trained agent. Raises `NotARolloutError`."""
    if "traces" in row:
        traces = [each for each in row["traces"] if each.get("agent", {}).get("trainable", True)]
        if not traces:
            raise NotARolloutError("failed_rollout", f"the episode has no trace: {_errors(row)}")
        if len(traces) > 1:
            raise NotARolloutError("several_turns", f"the episode has the traces of {len(traces)} agents")
        row = traces[0]
    yield _of_trace(row) if _is_trace(row) else _of_result(row)


def _of_trace(trace: Json) -> Written:
    if trace.get("version", VERSION) != VERSION:
        raise NotARolloutError("other_version", f"the trace is of version {trace['version']}; version 1 can be read")
    calls = [call for call in trace.get("calls") or () if not call.get("error")]
    text_errors = _errors(trace)
    sampled = [node for node in trace["nodes"] if node.get("sampled")]
    if text_errors and (not trace.get("ok") or not sampled):
        raise NotARolloutError("failed_rollout", f"verifiers says that it failed: {text_errors}")
    ended = ending(calls[-1].get("finish_reason")) if calls else FinishReason.STOP
    prompt = [node["message"] for node in trace["nodes"] if not node.get("sampled")]
    text = answered([node["message"] for node in sampled] + [m for m in prompt if m.get("role") == "tool"], ended)
    refuse_hidden((calls[-1].get("usage") or {}).get("reasoning_tokens") if calls else None, text)
    task = trace.get("task") or {}
    data = task.get("data") or {}
    rewards = [each for each in (trace.get("rewards") or {}).values() if each is not None]
    return Written(
        question=asked(data.get("prompt") or prompt),
        text=text,
        key=trace.get("id"),
        task=task.get("key") or data.get("id"),
        model=calls[-1].get("model") if calls else None,
        ended=ended,
        reward=number(sum(each["score"] * each.get("weight", 1.0) for each in rewards)) if rewards else None,
    )


def _of_result(row: Json) -> Written:
    if row.get("error"):
        said = row.get("error_chain") or row["error"]
        raise NotARolloutError("failed_rollout", f"verifiers says that it failed: {said}")
    ended = FinishReason.LENGTH if row.get("is_truncated") else FinishReason.STOP
    task = row.get("example_id", row.get("id"))
    text = answered(row["completion"], ended)
    return Written(
        question=asked(row["prompt"]),
        text=text,
        shows_mode="<think>" in text,
        task=None if task is None else str(task),
        model=row.get("model"),
        ended=ended,
        reward=number(row.get("reward")),
    )


def _errors(found: Json) -> str:
    errors: Any = found.get("errors") or ()
    return "; ".join(f"{each.get('type')}: {each.get('message')}" for each in errors if isinstance(each, Mapping))
