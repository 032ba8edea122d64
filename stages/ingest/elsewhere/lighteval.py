"""lighteval: details of an evaluation, Parquet, one row a problem with all its responses.

| column | holds |
| --- | --- |
| `doc.query`, `doc.id` | the prompt, the problem's own id |
| `doc.choices`, `doc.gold_index` | the golds |
| `model_response.text`, `model_response.reasonings` | the responses, and reasoning that was kept apart |
| `metric` | by name a number of the whole row: a grade only where the row has one response |

Details of lighteval 0.9 and before have other columns (`predictions`) and are refused.
"""

from collections.abc import Iterator
from typing import Any

from hipo_data.stages.ingest.elsewhere.rollout import Json, NotARolloutError, Written, number, response_text

NAME = "lighteval"
TITLE = "lighteval's details"
GOLDS = ("doc.golds",)


def is_own(row: Json) -> bool:
    """Whether a row looks like one of these."""
    return {"doc", "model_response", "metric"} <= row.keys() or "predictions" in row


def rollouts(row: Json) -> Iterator[Written]:
    """The rollouts of a row. Raises `NotARolloutError`."""
    if "doc" not in row:
        raise NotARolloutError(
            "other_version", "the details are of lighteval 0.9 or before; 0.10 and later can be read"
        )
    doc, found = row["doc"], row["model_response"]
    texts = found.get("text") or []
    if not texts:
        raise NotARolloutError("no_response", "the row has no generated text, only likelihoods")
    reasonings = found.get("reasonings") or []
    grades = [value for value in (row.get("metric") or {}).values() if value is not None]
    for place, text in enumerate(texts):
        reasoning = reasonings[place] if place < len(reasonings) else None
        yield Written(
            question=doc["query"],
            text=response_text(reasoning, text, cut=False),
            key=f"{doc['id']}-{place}" if doc.get("id") else None,
            task=doc.get("id") or None,
            reward=number(grades[0]) if len(texts) == 1 and len(grades) == 1 else None,
        )


def golds(row: Json) -> Any:
    """The right choices of a row: one as it is, several as a list."""
    doc = row["doc"]
    places = doc["gold_index"] if isinstance(doc["gold_index"], list) else [doc["gold_index"]]
    found = [doc["choices"][place] for place in places]
    return found[0] if len(found) == 1 else found
