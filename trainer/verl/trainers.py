"""verl's V1 trainers, which lend the reports to the estimator."""

from typing import Any

import torch
import transfer_queue as tq  # type: ignore[import-not-found]
from verl.trainer.ppo.v1 import PPOTrainerColocateAsync, PPOTrainerSeparateAsync, PPOTrainerSync, register_trainer
from verl.workers.utils.padding import response_to_nested

from hipo_data.schemas.algorithm_config import FORCED, AdaptThink, Thinkless
from hipo_data.schemas.errors import UserError
from hipo_data.trainer.algorithms.adaptthink import adaptthink_old_logprobs
from hipo_data.trainer.verl.reports import REPORT, Lent, Report, facts_of, lent, parse_report, segments_of
from hipo_data.trainer.verl.settings import ESTIMATORS, VerlSettings, settings_of

FORCING = "hipo_data_forced"
"""The agent loop that forces half of each group into each mode."""


class _LendsReports:
    """What is added to each of verl's trainers."""

    config: Any
    verls_mode: str
    global_steps: int
    total_training_steps: int

    def __init__(self, config: Any) -> None:
        self._hipo_data = check(config)
        config.trainer.v1.trainer_mode = self.verls_mode  # verl asks for its own names in many places
        super().__init__(config)  # type: ignore[call-arg]

    def _compute_advantage(self, batch: Any, metrics: dict[str, Any]) -> Any:
        data = tq.kv_batch_get(
            keys=batch.keys, partition_id=batch.partition_id, select_fields=["extra_fields", "data_source"]
        )
        rows = zip(data["extra_fields"].tolist(), batch.tags, strict=True)
        reports = [None if tag.get("is_padding") else _report(fields) for fields, tag in rows]
        progress = min(self.global_steps / self.total_training_steps, 1.0)
        with lent(Lent(reports, [str(name) for name in data["data_source"].tolist()], progress)) as loan:
            batch = super()._compute_advantage(batch, metrics)  # type: ignore[misc]
        metrics.update({f"hipo_data/{name}": figure for name, figure in loan.figures.items() if figure == figure})
        if isinstance(self._hipo_data.method, AdaptThink):
            batch = _coin(batch, reports, self._hipo_data.method.off_share)
        return batch


def check(config: Any) -> VerlSettings:
    """The settings of a run. Raises `UserError` where verl's config does not go with them."""
    settings = settings_of(config.algorithm)
    name, actor = config.algorithm.adv_estimator, config.actor_rollout_ref.actor
    wanted = []
    if name not in ESTIMATORS:
        wanted.append(("algorithm.adv_estimator", name, " or ".join(ESTIMATORS)))
    if config.reward.reward_manager.name != "hipo_data":
        wanted.append(("reward.reward_manager.name", config.reward.reward_manager.name, "hipo_data"))
    if isinstance(settings.method, FORCED):
        loop = config.actor_rollout_ref.rollout.agent.default_agent_loop
        if loop != FORCING:
            wanted.append(("actor_rollout_ref.rollout.agent.default_agent_loop", loop, FORCING))
        if config.actor_rollout_ref.rollout.n % 2:
            wanted.append(("actor_rollout_ref.rollout.n", config.actor_rollout_ref.rollout.n, "an even number"))
    if isinstance(settings.method, Thinkless) and actor.loss_agg_mode != "seq-mean-token-mean":
        wanted.append(("actor_rollout_ref.actor.loss_agg_mode", actor.loss_agg_mode, "seq-mean-token-mean"))
    if isinstance(settings.method, AdaptThink) and actor.policy_loss.loss_mode != "gspo":
        wanted.append(("actor_rollout_ref.actor.policy_loss.loss_mode", actor.policy_loss.loss_mode, "gspo"))
    if wanted:
        said = "; ".join(f"{key} is {value}, and has to be {right}" for key, value, right in wanted)
        raise UserError(f"verl's config does not go with {settings.method.type}: {said}")
    return settings


def _report(fields: Any) -> Report:
    info = fields.get("reward_extra_info") or {} if isinstance(fields, dict) else {}
    if REPORT not in info:
        raise UserError("a rollout came without a report; set reward.reward_manager.name=hipo_data")
    return parse_report(info[REPORT])


def _coin(batch: Any, reports: list[Report | None], off_share: float) -> Any:
    """Puts AdaptThink's sampling policy, which draws the mode by a coin, in place of the old one's probabilities."""
    data = tq.kv_batch_get(
        keys=batch.keys, partition_id=batch.partition_id, select_fields=["old_log_probs", "response_mask"]
    )
    nested = data["response_mask"]
    mask, old = nested.to_padded_tensor(0), data["old_log_probs"].to_padded_tensor(0.0)
    modes, segments = facts_of(reports, mask.device).modes, segments_of(reports, mask)
    data["old_log_probs"] = response_to_nested(
        adaptthink_old_logprobs(old, modes, segments, off_share=off_share).to(torch.float32), nested
    )
    return tq.kv_batch_put(keys=batch.keys, partition_id=batch.partition_id, fields=data.select("old_log_probs"))


@register_trainer("hipo_data_sync")
class ModeTrainerSync(_LendsReports, PPOTrainerSync):
    """`trainer.v1.trainer_mode=hipo_data_sync`."""

    verls_mode = "sync"


@register_trainer("hipo_data_colocate_async")
class ModeTrainerColocateAsync(_LendsReports, PPOTrainerColocateAsync):
    """`trainer.v1.trainer_mode=hipo_data_colocate_async`."""

    verls_mode = "colocate_async"


@register_trainer("hipo_data_separate_async")
class ModeTrainerSeparateAsync(_LendsReports, PPOTrainerSeparateAsync):
    """`trainer.v1.trainer_mode=hipo_data_separate_async`."""

    verls_mode = "separate_async"
