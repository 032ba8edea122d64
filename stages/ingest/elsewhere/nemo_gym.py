"""NeMo Gym: the rollouts of `ng_collect_rollouts`, JSON Lines, and their materialised inputs beside them.

| column | holds |
| --- | --- |
| `responses_create_params.input` | the prompt, text or messages |
| `response.output` | items: `reasoning` with `summary` or `content`, `message` with `content` |
| `response.incomplete_details.reason` | why it was cut off |
| `reward` | the grade |
| `expected_answer` and the like | the gold; else in the row of the materialised inputs with the same `_ng_task_index` |
| `_ng_task_index`, `_ng_rollout_index` | the key |

Rows of the failures beside it (`_ng_failure_class`) are infrastructure's, and no rollouts.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from hipo_data.schemas.records import FinishReason
from hipo_data.stages.ingest.elsewhere.rollout import (
    Json,
    NotARolloutError,
    Written,
    asked,
    ending,
    number,
    refuse_hidden,
    response_text,
    text_of,
)

NAME = "nemo_gym"
TITLE = "NeMo Gym's rollouts"
TASK = "_ng_task_index"
GOLDS = ("expected_answer", "answer", "ground_truth", "verifier_metadata.unit_tests", "unit_tests")
QUESTIONS = ("question", "problem")


def is_own(row: Json) -> bool:
    """Whether a row looks like one of these."""
    return "responses_create_params" in row


def rollouts(row: Json) -> Iterator[Written]:
    """The one rollout of a row. Raises `NotARolloutError`."""
    if "_ng_failure_class" in row:
        raise NotARolloutError("failed_rollout", f"NeMo Gym says that it failed: {row['_ng_failure_class']}")
    if row.get("mask_sample"):
        raise NotARolloutError("failed_rollout", "NeMo Gym masks it (`mask_sample`), as what failed in its servers")
    response = row.get("response")
    if not isinstance(response, Mapping):
        raise NotARolloutError("no_response", "the row has no `response`; materialised inputs hold no rollouts")
    if response.get("error"):
        raise NotARolloutError("failed_rollout", f"the model's server failed: {response['error']}")
    details = response.get("incomplete_details")
    ended = ending(details.get("reason")) if isinstance(details, Mapping) else FinishReason.STOP
    text = response_text(*_parts(response.get("output")), cut=ended is FinishReason.LENGTH)
    refuse_hidden(_reasoning_tokens(response.get("usage")), text)
    task, index = row.get(TASK), row.get("_ng_rollout_index")
    yield Written(
        question=_question(row),
        text=text,
        key=None if task is None or index is None else f"{task}-{index}",
        task=None if task is None else str(task),
        model=response.get("model"),
        ended=ended,
        reward=number(row.get("reward")),
    )


def _question(row: Json) -> str:
    for name in QUESTIONS:
        if isinstance(row.get(name), str):
            return str(row[name])
    return asked(row["responses_create_params"].get("input"))


def _parts(items: Any) -> tuple[str | None, str | None]:
    """Reasoning and answer. Raises `NotARolloutError` where tools are called or the answer comes in several pieces."""
    reasoning: list[str] = []
    answers: list[str] = []
    for item in items if isinstance(items, list) else ():
        kind = item.get("type")
        if kind == "reasoning":
            reasoning += [found for name in ("content", "summary") if (found := text_of(item.get(name)))][:1]
        elif kind == "message":
            answers.append(text_of(item.get("content")) or "")
        else:
            raise NotARolloutError(
                "tool_calls", f"the response holds an item of type {kind!r}, so no text is all of it"
            )
    if len(answers) > 1:
        raise NotARolloutError("several_turns", f"the response holds {len(answers)} messages")
    return "\n\n".join(reasoning) or None, answers[0] if answers else None


def _reasoning_tokens(usage: Any) -> Any:
    details = usage.get("output_tokens_details") if isinstance(usage, Mapping) else None
    return details.get("reasoning_tokens") if isinstance(details, Mapping) else None
