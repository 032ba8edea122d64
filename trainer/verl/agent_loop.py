"""Rollouts of which half of each group is forced into each mode, for HGPO and AdaptThink."""

from typing import Any
from uuid import uuid4

from verl.experimental.agent_loop.agent_loop import AgentLoopBase, AgentLoopOutput, register
from verl.utils.profiler import simple_timer

from hipo_data.prompts.formats.forcing import forced_starts, forcing_of
from hipo_data.schemas.records import Mode
from hipo_data.trainer.verl.conversation import conversation_of
from hipo_data.trainer.verl.settings import settings_of

NEVER = -100.0
"""Added to the logit of a token that may not be drawn; the least that vLLM takes."""


@register("hipo_data_forced")
class ForcedHalvesAgentLoop(AgentLoopBase):
    """`actor_rollout_ref.rollout.agent.default_agent_loop=hipo_data_forced`.

    The first half of a group thinks. Where the format tells the mode first, the forced tag stands in front of what the
    model writes, and is trained on; where a justification comes first, the other mode's tag may not be drawn. Problems
    of other splits than `train` are not forced.
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
        sampling = dict(sampling_params)
        if (row.get("extra_info") or {}).get("split") == "train":
            mode = Mode.THINK_ON if int(session_id) < self.rollout_config.n // 2 else Mode.THINK_OFF
            [prefix], [banned] = forced_starts(self._forcing, [mode])
            if banned is not None:
                sampling["logit_bias"] = {banned: NEVER}
        metrics: dict[str, Any] = {}
        with simple_timer("generate_sequences", metrics):
            written = await self.server_manager.generate(
                request_id=uuid4().hex,
                prompt_ids=prompt + prefix,
                sampling_params=sampling,
                priority=int(priority),
            )
        metrics["num_preempted"] = -1 if written.num_preempted is None else written.num_preempted
        limit = self.rollout_config.response_length
        response = [*prefix, *written.token_ids][:limit]
        drawn = written.log_probs
        return AgentLoopOutput(
            prompt_ids=prompt,
            response_ids=response,
            response_mask=[1] * len(response),
            # A forced token was not drawn: it counts as certain.
            response_logprobs=[*([0.0] * len(prefix)), *drawn][:limit] if drawn else None,
            num_turns=2,
            metrics=metrics,
            extra_fields={**(written.extra_fields or {}), "turn_scores": [], "tool_rewards": []},
        )
