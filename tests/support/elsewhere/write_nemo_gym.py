"""Run with NeMo Gym: the sums collected into argv[1] by its own collector, whose server is stood in for.

The inputs hold the golds and the responses do not, as where a server's verification leaves them out.
"""

import asyncio
import json
import sys
from pathlib import Path

from nemo_gym import rollout_collection
from nemo_gym.base_resources_server import BaseVerifyResponse
from nemo_gym.openai_utils import NeMoGymResponse
from nemo_gym.rollout_collection import RolloutCollectionConfig, RolloutCollectionHelper
from omegaconf import OmegaConf
from sums import MODEL, SUMS, Response, responses

target = Path(sys.argv[1])


def reply(given: Response) -> NeMoGymResponse:
    output: list[dict] = []
    if given.reasoning:
        summary = [{"type": "summary_text", "text": given.reasoning}]
        output.append({"id": "rs_0", "type": "reasoning", "summary": summary})
    if given.answer:
        content = [{"type": "output_text", "text": given.answer, "annotations": []}]
        output.append(
            {"id": "msg_0", "type": "message", "role": "assistant", "status": "completed", "content": content}
        )
    details = {"reason": "max_output_tokens"} if given.ended == "length" else None
    return NeMoGymResponse(
        id="resp_0", created_at=0, model=MODEL, object="response", output=output, parallel_tool_calls=False,
        tool_choice="none", tools=[], incomplete_details=details,
    )  # fmt: skip


class Collector(RolloutCollectionHelper):
    def run_examples(self, examples, head_server_config=None, semaphore=None):
        for row in examples:
            yield self._done(row)

    async def _done(self, row):
        given = responses(row["_ng_task_index"])[row["_ng_rollout_index"]]
        if given.ended == "error":
            return row, {"responses_create_params": row["responses_create_params"], "_ng_failure_class": "server_error"}
        params = row["responses_create_params"]
        return row, BaseVerifyResponse(
            responses_create_params=params, response=reply(given), reward=given.reward
        ).model_dump(mode="json")


rollout_collection.get_global_config_dict = lambda *_, **__: OmegaConf.create({})
given = target.with_name("inputs.jsonl")
given.write_text(
    "".join(
        json.dumps(
            {"responses_create_params": {"input": [{"role": "user", "content": question}]}, "expected_answer": gold}
        )
        + "\n"
        for question, gold in SUMS
    )
)
config = RolloutCollectionConfig(
    input_jsonl_fpath=str(given),
    output_jsonl_fpath=str(target),
    agent_name="sums",
    num_repeats=4,
    disable_aggregation=True,
)
asyncio.run(Collector().run_from_config(config))
