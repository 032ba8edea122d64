"""Run with verifiers: traces of the sums, written to argv[1] by its own store, as `vf eval` and prime-rl have them."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sums import MODEL, SUMS, Response, responses
from verifiers.v1.configs.agent import AgentConfig
from verifiers.v1.episode import Episode
from verifiers.v1.errors import ProviderError
from verifiers.v1.graph import MessageNode
from verifiers.v1.task import TaskData
from verifiers.v1.trace import AgentInfo, ModelCall, Reward, Trace, TraceTask
from verifiers.v1.types import AssistantMessage, SystemMessage, UserMessage
from verifiers.v1.utils.trace_store import TRACES_FILE, write_episode


class Sum(TaskData):
    answer: str


def episode(place: int, given: Response) -> Episode:
    question, gold = SUMS[place]
    task = TraceTask(
        type="SumTask", data=Sum(idx=place, prompt=question, system_prompt="Add up.", answer=gold), key=f"sum-{place}"
    )
    trace = Trace(task=task, agent=AgentInfo(config=AgentConfig(model=MODEL)))
    trace.nodes = [
        MessageNode(message=SystemMessage(content="Add up.")),
        MessageNode(parent=0, message=UserMessage(content=question)),
    ]
    if given.ended == "error":
        trace.record_error(ProviderError("the server hung up"))
    else:
        message = AssistantMessage(content=given.answer or None, reasoning_content=given.reasoning)
        trace.nodes.append(MessageNode(parent=1, message=message, sampled=True))
        trace.calls = [ModelCall(node=2, model=MODEL, finish_reason=given.ended)]
        trace.rewards = {"correct": Reward(score=given.reward)}
        trace.stop("agent_completed")
        trace.ok = True
    return Episode(task=task, traces=[trace], ok=trace.ok, errors=list(trace.errors))


with TemporaryDirectory() as folder:
    for number in range(4):
        for place in range(len(SUMS)):
            write_episode(Path(folder), episode(place, responses(place)[number]))
    Path(sys.argv[1]).write_bytes((Path(folder) / TRACES_FILE).read_bytes())
