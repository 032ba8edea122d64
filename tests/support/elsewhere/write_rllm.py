"""Run with rllm: episodes of the sums, written to the folder argv[1] by its own store, one file each."""

import sys
from pathlib import Path

from rllm.eval.episode_store import EvalEpisodeStore
from rllm.types import Episode, Step, Task, Trajectory
from sums import MODEL, SUMS, Response, responses


def episode(place: int, given: Response) -> Episode:
    question, gold = SUMS[place]
    task = Task(id=f"sum-{place}", instruction=question, metadata={"question": question, "ground_truth": gold})
    if given.ended == "error":
        return Episode(task=task, metadata={"error": "the server hung up"})
    turn = {"role": "assistant", "content": given.answer, "reasoning": given.reasoning}
    chat = [{"role": "user", "content": question}, turn]
    step = Step(chat_completions=chat, model_response=given.answer, done=True)
    trajectory = Trajectory(name="solver", steps=[step], reward=given.reward)
    reason = "max_response_length_exceeded" if given.ended == "length" else "env_done"
    return Episode(
        task=task,
        termination_reason=reason,
        trajectories=[trajectory],
        is_correct=given.reward == 1.0,
        metadata={"model": MODEL},
    )


store = EvalEpisodeStore(Path(sys.argv[1]))
for number in range(4):
    for place in range(len(SUMS)):
        store.write(4 * place + number, episode(place, responses(place)[number]))
