"""Responses that came with source rows, as rollouts beside the sampled ones."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from hipo_data.prompts.families.reading import read
from hipo_data.schemas.keys import digest
from hipo_data.schemas.records import FinishReason, Response, Rollout

_ANSWER = re.compile(r"<answer>(.*)</answer>", re.DOTALL)


def imported_rollouts(
    responses: Iterable[Response], count: int, count_tokens: Callable[[str], int], alone: bool = False
) -> Mapping[str, Sequence[Rollout]]:
    """Rollouts by problem, all in one mode, at most `count` each.

    They take the last indices, so that those which are still sampled are the same as without them.

    Args:
        count: rollouts a problem in this mode.
        count_tokens: of a text, by the tokenizer of the mode's model: lengths are compared with sampled ones.
        alone: none is sampled beside them, so that theirs are the first indices.
    """
    found: dict[str, list[Response]] = defaultdict(list)
    for response in responses:
        if len(found[response.problem_id]) < count:
            found[response.problem_id].append(response)
    return {
        problem_id: [
            _rollout(response, number if alone else count - len(ours) + number, count_tokens)
            for number, response in enumerate(ours)
        ]
        for problem_id, ours in found.items()
    }


def _rollout(response: Response, index: int, count_tokens: Callable[[str], int]) -> Rollout:
    parts = read(response.text, mode=response.mode, cut=response.finish_reason is FinishReason.LENGTH)
    reasoning, answer = parts.reasoning, parts.answer
    tagged = _ANSWER.search(answer or "")
    answer = tagged[1].strip() if tagged else answer
    tokens = count_tokens(response.text)
    reasoning_tokens = min(tokens, count_tokens(reasoning)) if reasoning else 0
    return Rollout(
        problem_id=response.problem_id,
        mode=response.mode,
        index=index,
        seed=0,
        model=response.model,
        prompt_hash="",
        request_hash=digest("imported", response.model, response.text),
        max_tokens=tokens,
        text=response.text,
        reasoning=reasoning,
        answer=answer,
        finish_reason=response.finish_reason,
        prompt_tokens=0,
        reasoning_tokens=reasoning_tokens,
        answer_tokens=tokens - reasoning_tokens,
        completion_tokens=tokens,
        source=response.source,
        given=response.given,
        given_by=response.given_by,
    )
