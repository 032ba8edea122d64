"""inspect: logs of evaluations, as `.eval` (a zip of JSON, each part compressed with zstd or deflate) or `.json`.

| field of a sample | holds |
| --- | --- |
| `id`, `epoch` | the key; `id` is the problem's own |
| `input` | the prompt, text or messages |
| `target` | the gold |
| `output.choices` | one message with parts of `reasoning` and `text`, and its `stop_reason` |
| `scores` | by scorer {value}: `C`, `I`, `P`, `N`, a number or a truth value; of several the first counts |
| `error` | what failed |

`attachment://` stands for a text that the sample keeps under `attachments`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

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

NAME = "inspect"
TITLE = "inspect's logs"
VERSIONS = (1, 2)
GOLDS = ("target",)
_GRADES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
_ATTACHED = "attachment://"


def is_own(row: Json) -> bool:
    """Whether a sample looks like one of these."""
    return {"epoch", "input", "target", "output"} <= row.keys()


def is_log(document: Json) -> bool:
    """Whether a JSON document is a log as a whole."""
    return {"version", "status", "eval"} <= document.keys()


def samples(log: Json) -> Iterator[Json]:
    """The samples of a log that is one JSON document."""
    yield from log.get("samples") or ()


def rollouts(sample: Json) -> Iterator[Written]:
    """The one rollout of a sample. Raises `NotARolloutError`."""
    failed = (sample.get("error") or {}).get("message") or sample["output"].get("error")
    if failed:
        raise NotARolloutError("failed_rollout", f"inspect says that it failed: {failed}")
    sample = _attached(sample, sample.get("attachments") or {})
    output = sample["output"]
    choices = output.get("choices") or []
    if len(choices) != 1:
        raise NotARolloutError("no_response", f"the sample has {len(choices)} choices")
    turns = [each for each in sample.get("messages") or () if each.get("role") in ("assistant", "tool")]
    if any(each.get("role") == "tool" or each.get("tool_calls") for each in turns):
        raise NotARolloutError("tool_calls", "the response calls tools, and no single text is all of it")
    if len(turns) > 1:
        raise NotARolloutError("several_turns", f"there are {len(turns)} assistant turns")
    ended = ending(choices[0].get("stop_reason"))
    content = choices[0]["message"].get("content")
    text = response_text(_reasoning(content), text_of(content), ended == "length")
    refuse_hidden((output.get("usage") or {}).get("reasoning_tokens"), text)
    yield Written(
        question=asked(sample["input"]),
        text=text,
        key=f"{sample['id']}-{sample['epoch']}",
        task=str(sample["id"]),
        model=output.get("model"),
        ended=ended,
        reward=_grade(sample.get("scores") or {}),
    )


def _reasoning(content: Any) -> str | None:
    """What is shown of it; a part that the maker redacted holds none."""
    parts = [each for each in content if each.get("type") == "reasoning"] if isinstance(content, list) else []
    shown = [each["reasoning"] for each in parts if each.get("reasoning") and not each.get("redacted")]
    if parts and not shown:
        raise NotARolloutError("hidden_reasoning", "the reasoning is redacted, so the response is of no mode")
    return "\n\n".join(shown) or None


def _grade(scores: Json) -> float | None:
    first = next((each for each in scores.values() if isinstance(each, Mapping)), None)
    if first is None:
        return None
    value = first.get("value")
    return _GRADES.get(value) if isinstance(value, str) else number(value)


def _attached(value: Any, attachments: Json) -> Any:
    """`value` with its attachments in their places, but for events, which nothing here reads."""
    if isinstance(value, str) and value.startswith(_ATTACHED):
        return attachments.get(value.removeprefix(_ATTACHED), value)
    if isinstance(value, list):
        return [_attached(each, attachments) for each in value]
    if isinstance(value, Mapping):
        skipped = ("events", "events_data", "attachments", "store", "timelines")
        return {name: each if name in skipped else _attached(each, attachments) for name, each in value.items()}
    return value
