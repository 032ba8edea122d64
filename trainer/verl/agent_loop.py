"""Rollouts of which half of each group is forced into each mode, for HGPO and AdaptThink."""

from typing import Any
from uuid import uuid4

from verl.experimental.agent_loop.agent_loop import AgentLoopBase, AgentLoopOutput, register
from verl.utils.profiler import simple_timer

from hipo_data.prompts.formats.forcing import Swap, forced_starts, forcing_of
from hipo_data.schemas.records import Mode
from hipo_data.trainer.verl.conversation import conversation_of
from hipo_data.trainer.verl.settings import settings_of


@register("hipo_data_forced")
class ForcedHalvesAgentLoop(AgentLoopBase):
    """`actor_rollout_ref.rollout.agent.default_agent_loop=hipo_data_forced`.

    The first half of a group thinks. Where the format tells the mode first, the forced tag stands in front of what the
    model writes, and is trained on; where a justification comes first, it takes the place of the other mode's tag where
    the model draws that one. Problems of other splits than `train` are not forced.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        conversation = conversation_of(self.config, settings_of(self.config.algorithm), self.tokenizer)
        self._forcing = forcing_of(conversation.format, self.tokenizer)

    async def run(
        self, sampling_params: dict[str, Any], session_id: int = 0, priority: int = 0, **row: Any
    ) -> AgentLoopOutput:
        """One rollout, the `session_id`-th of its group."""
        prompt = await self.ct_build_initial_tokens(list(row["raw_prompt"]))
        prefix: list[int] = []
        swap: Swap | None = None
        if (row.get("extra_info") or {}).get("split") == "train":
            mode = Mode.THINK_ON if int(session_id) < self.rollout_config.n // 2 else Mode.THINK_OFF
            [prefix], [swap] = forced_starts(self._forcing, [mode])
        limit = self.rollout_config.response_length
        metrics: dict[str, Any] = {}
        with simple_timer("generate_sequences", metrics):

            async def written(begun: list[int], stop: list[int]) -> Any:
                sampling = {**sampling_params, **({"stop_token_ids": stop} if stop else {})}
                return await self.server_manager.generate(
                    request_id=uuid4().hex, prompt_ids=prompt + begun, sampling_params=sampling, priority=int(priority)
                )

            first = last = await written(prefix, [swap[0]] if swap is not None else [])
            response = [*prefix, *first.token_ids]
            # A forced token was not drawn: it counts as certain.
            drawn = None if first.log_probs is None else [*([0.0] * len(prefix)), *first.log_probs]
            if swap is not None and first.token_ids and first.token_ids[-1] == swap[0]:
                response[-1:] = swap[1]
                if drawn is not None:
                    drawn[-1:] = [0.0] * len(swap[1])
                if len(response) < limit:
                    last = await written(response, [])
                    response += last.token_ids
                    drawn = None if drawn is None or last.log_probs is None else [*drawn, *last.log_probs]
        metrics["num_preempted"] = -1 if last.num_preempted is None else last.num_preempted
        response = response[:limit]
        return AgentLoopOutput(
            prompt_ids=prompt,
            response_ids=response,
            response_mask=[1] * len(response),
            response_logprobs=None if drawn is None else drawn[:limit],
            num_turns=2,
            metrics=metrics,
            extra_fields={**(last.extra_fields or {}), "turn_scores": [], "tool_rewards": []},
        )
