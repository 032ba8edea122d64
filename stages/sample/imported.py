"""Responses that came with source rows, as think-on rollouts beside the sampled ones."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from hipo_data.prompts.families.reading import read
from hipo_data.schemas.keys import digest
from hipo_data.schemas.records import FinishReason, Mode, Response, Rollout

_ANSWER = re.compile(r"<answer>(.*)</answer>", re.DOTALL)


def imported_rollouts(
    responses: Iterable[Response], count: int, count_tokens: Callable[[str], int]
) -> Mapping[str, Sequence[Rollout]]:
    """Rollouts by problem, at most `count` each.

    They take the last indices, so that those which are still sampled are the same as without them.

    Args:
        count: think-on rollouts a problem.
        count_tokens: of a text, by the tokenizer of the think-on model: lengths are compared with sampled ones.
    """
    found: dict[str, list[Response]] = defaultdict(list)
    for response in responses:
        if len(found[response.problem_id]) < count:
            found[response.problem_id].append(response)
    return {
        problem_id: [
            _rollout(response, count - len(ours) + number, count_tokens) for number, response in enumerate(ours)
        ]
        for problem_id, ours in found.items()
    }


def _rollout(response: Response, index: int, count_tokens: Callable[[str], int]) -> Rollout:
    parts = read(response.text, mode=Mode.THINK_ON)
    reasoning, answer = parts.reasoning, parts.answer
    tagged = _ANSWER.search(answer or "")
    answer = tagged[1].strip() if tagged else answer
    tokens = count_tokens(response.text)
    reasoning_tokens = min(tokens, count_tokens(reasoning)) if reasoning else 0
    return Rollout(
        problem_id=response.problem_id,
        mode=Mode.THINK_ON,
        index=index,
        seed=0,
        model=response.model,
        prompt_hash="",
        request_hash=digest("imported", response.model, response.text),
        max_tokens=tokens,
        text=response.text,
        reasoning=reasoning,
        answer=answer,
        finish_reason=FinishReason.STOP,
        prompt_tokens=0,
        reasoning_tokens=reasoning_tokens,
        answer_tokens=tokens - reasoning_tokens,
        completion_tokens=tokens,
        source=response.source,
    )
