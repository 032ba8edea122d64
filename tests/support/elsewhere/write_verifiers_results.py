"""Run with an earlier verifiers: results of the sums, written to argv[1] by its own `save_outputs`."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sums import SUMS, Response, responses
from verifiers.errors import ModelError
from verifiers.types import State
from verifiers.utils.save_utils import save_outputs, state_to_output


def output(place: int, given: Response) -> dict:
    question, gold = SUMS[place]
    prompt = [{"role": "system", "content": "Add up."}, {"role": "user", "content": question}]
    turn = {"role": "assistant", "content": given.answer, "reasoning_content": given.reasoning}
    state = State(
        prompt=prompt, answer=gold, task="sums", example_id=place, completion=[turn], reward=given.reward,
        is_completed=True, is_truncated=given.ended == "length",
    )  # fmt: skip
    if given.ended == "error":
        state |= {"completion": [], "error": ModelError("the server hung up")}
    return state_to_output(state)


with TemporaryDirectory() as folder:
    save_outputs([output(place, given) for place in range(len(SUMS)) for given in responses(place)], Path(folder))
    Path(sys.argv[1]).write_bytes((Path(folder) / "results.jsonl").read_bytes())
