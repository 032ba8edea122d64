"""Examples as token rows: labels on the completion alone, and a weight for each token."""

from collections.abc import Sequence
from typing import Any

from hipo_data.prompts.conversation import Conversation
from hipo_data.prompts.formats.completions import read_completion
from hipo_data.prompts.formats.parts import Segment
from hipo_data.prompts.formats.reading import parsed
from hipo_data.schemas.errors import TrainingError, UserError
from hipo_data.trainer.training.config import SegmentWeights
from hipo_data.trainer.training.dataset_rows import Row

IGNORED = -100


def tokenise(
    rows: Sequence[Row], conversation: Conversation, max_length: int, too_long: str, weights: SegmentWeights
) -> list[dict[str, Any]]:
    """`input_ids`, `labels` and `weights` of each row; those that are too long refused or dropped.

    Raises `UserError` where an example is too long, or not in the format.
    """
    examples, long = [], []
    for row in rows:
        example = _example(row, conversation, weights)
        if len(example["input_ids"]) > max_length:
            long.append((len(example["input_ids"]), row["problem_id"]))
        else:
            examples.append(example)
    if long and too_long == "refuse":
        length, problem = max(long)
        raise UserError(
            f"{len(long)} of {len(rows)} examples are longer than max_length {max_length} (problem {problem} has "
            f"{length} tokens); raise max_length, or set too_long: drop"
        )
    if not examples:
        raise UserError(f"all {len(rows)} examples are longer than max_length {max_length}; raise it")
    return examples


def _example(row: Row, conversation: Conversation, weights: SegmentWeights) -> dict[str, Any]:
    *before, turn = row["messages"]
    if turn["role"] != "assistant" or not before:
        raise UserError(f"example {row['problem_id']} does not end in an assistant's turn after a question")
    response = parsed(conversation.format, turn["content"])
    if response is None:
        raise UserError(
            f"example {row['problem_id']} is no well-formed response in the {conversation.format.name} format; "
            "publish the dataset anew"
        )
    prompt = conversation.prompt_ids(before, response.mode)
    completion = conversation.completion_ids(turn["content"], response.mode)
    ends, given = frozenset([conversation.end_id]), conversation.given(response.mode)
    reading = read_completion(conversation.format, conversation.tokenizer, completion, ends, given)
    if len(reading.segments) != len(completion):
        raise TrainingError(f"example {row['problem_id']} has tokens that decode to nothing")
    factors = {
        Segment.JUDGE: weights.judge,
        Segment.MODE: weights.tag,
        Segment.REASONING: weights.reasoning,
        Segment.ANSWER: weights.answer,
    }
    return {
        "input_ids": prompt + completion,
        "labels": [IGNORED] * len(prompt) + completion,
        "weights": [0.0] * len(prompt) + [factors[segment] for segment in reading.segments],
    }
