"""Responses that came with their rows are read as sampled ones are."""

import pytest

from hipo_data.schemas.records import Mode, Response, Source
from hipo_data.stages.sample.imported import imported_rollouts


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("<think>R</think><answer>A</answer>", "R", "A"),
        ("<think>R</think>It is:\n<answer>A</answer>", "R", "A"),
        ("<think>R</think><answer>A</answer>\n</think>", "R", "A"),
        ("<think>R</think>An example:\n<think>\nR2", "R\n\nAn example:\n<think>\nR2", None),
        ("<think>R</think>A<|im_end|>", "R", "A"),
        ("<think>R", "R", None),
        ("A", None, "A"),
    ],
)
def test_imported_response_is_taken_apart(text: str, reasoning: str | None, answer: str | None) -> None:
    source = Source(dataset="d", split="train", file="f", row=0)
    response = Response(problem_id="p", model="m", text=text, source=source)
    (rollout,) = imported_rollouts([response], 4, len)["p"]
    assert (rollout.reasoning, rollout.answer, rollout.text) == (reasoning, answer, text)
    assert (rollout.mode, rollout.index, rollout.completion_tokens) == (Mode.THINK_ON, 3, len(text))
