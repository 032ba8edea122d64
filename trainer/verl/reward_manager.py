"""Grades rollouts in verl's reward workers, and reports what the estimators have to know."""

import asyncio
from typing import Any

import torch
from verl.experimental.reward_loop.reward_manager import register
from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase

from hipo_data.graders import Grader
from hipo_data.schemas.algorithm_config import AutoThinkReward, LcpoReward, RewardConfig
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.gold import gold_in_row
from hipo_data.trainer.algorithms.rollouts import ModeCode
from hipo_data.trainer.facts.scoring import Scorer
from hipo_data.trainer.facts.shaping import rewards_of
from hipo_data.trainer.verl.conversation import conversation_of, end_ids_of, given_of
from hipo_data.trainer.verl.reports import REPORT, report_of
from hipo_data.trainer.verl.reward import gold_of
from hipo_data.trainer.verl.settings import settings_of


@register("hipo_data")
class ModeRewardManager(RewardManagerBase):
    """`reward.reward_manager.name=hipo_data`: the reward of `algorithm.hipo_data.method`, and a report."""

    def __init__(self, config: Any, tokenizer: Any, compute_score: Any, **rest: Any) -> None:
        super().__init__(config, tokenizer, compute_score)
        if config.reward.custom_reward_function.path:
            raise UserError(
                "reward.reward_manager.name=hipo_data grades by itself; drop reward.custom_reward_function.path"
            )
        settings = settings_of(config.algorithm)
        conversation = conversation_of(config, settings, tokenizer)
        self._reward = _of_one(settings.method.reward)
        ends = end_ids_of(tokenizer, conversation)
        given = given_of(config, conversation)
        self._scorer = Scorer(conversation.format, tokenizer, ends, Grader(settings.grading), given)

    async def run_single(self, data: Any) -> dict[str, Any]:
        """The reward of one rollout, and `reward_extra_info`: figures for the log, and the report as a string."""
        row = data[-1:][0]
        responses = row.batch["responses"]
        tokens = int(row.batch["attention_mask"][-responses.shape[-1] :].sum())
        problem = self._problem(row.non_tensor_batch)
        ids = responses[:tokens].tolist()
        facts, readings = await asyncio.to_thread(self._scorer, [problem], [ids], torch.device("cpu"))
        reward = float(rewards_of(self._reward, facts, torch.zeros(1, dtype=torch.int64))[0])
        mode = int(facts.modes[0])
        extra = {
            "acc": float(facts.correct[0]),
            "unknown": float(~facts.known[0]),
            "well_formed": float(facts.well_formed[0]),
            "truncated": float(facts.truncated[0]),
            "think_on": float(mode == ModeCode.THINK_ON),
            REPORT: report_of(facts, readings[0]).dumps(),
        }
        return {"reward_score": reward, "reward_extra_info": extra}

    def _problem(self, columns: dict[str, Any]) -> dict[str, Any]:
        extra = columns.get("extra_info") or {}
        gold = gold_in_row(columns["reward_model"]["ground_truth"], extra)
        gold_of(gold, columns["data_source"], extra)
        problem_id = extra.get("problem_id", "without id")
        budget = extra.get("budget")
        if budget is None and isinstance(self._reward, LcpoReward):
            raise UserError(
                f"problem {problem_id} asks for no budget, which lcpo's reward is about; publish with budgets"
            )
        return {
            "problem_id": problem_id,
            "kind": columns["ability"],
            "question": columns["raw_prompt"][-1]["content"],
            "gold": gold,
            "p_on": extra.get("p_on"),
            "budget": budget or 0,
        }


def _of_one(reward: RewardConfig) -> RewardConfig:
    """The reward of a rollout by itself: AutoThink's plain one, which the estimator shapes once it sees the others."""
    return reward.model_copy(update={"stage": 2}) if isinstance(reward, AutoThinkReward) else reward
