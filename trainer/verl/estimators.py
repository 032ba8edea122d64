"""Advantage estimators with verl's signature, on the functions that `hipo-data train rl` uses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from hipo_data.schemas.algorithm_config import AdaptThink, AlgorithmConfig, AutoThinkReward
from hipo_data.schemas.errors import UserError
from hipo_data.trainer.facts.rollout_log import step_figures
from hipo_data.trainer.facts.scoring import Facts
from hipo_data.trainer.facts.shaping import Values, rewards_of, token_advantages, values_of
from hipo_data.trainer.verl.reports import Lent, borrowed, facts_of, segments_of
from hipo_data.trainer.verl.settings import settings_of

Estimator = Callable[..., tuple[torch.Tensor, torch.Tensor]]


def estimator(name: str) -> Estimator:
    """The function for verl's `register_adv_est`, of one of `trainer.verl.settings.ESTIMATORS`."""

    def estimate(
        token_level_rewards: torch.Tensor,
        response_mask: torch.Tensor,
        index: Sequence[Any],
        config: Mapping[str, Any],
        **rest: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Advantages of all tokens, (B, T) float32, zero on padding, twice: verl takes the second for returns.

        token_level_rewards: (B, T); a row's sum is the reward of the response. response_mask: (B, T). index: the
        prompt of each row, (B,). config: verl's `algorithm`. Raises `UserError` where no reports are lent.
        """
        batch = borrowed()
        if batch is None:
            raise UserError(
                f"algorithm.adv_estimator={name} needs to know the segments of the responses; set "
                "trainer.v1.trainer_mode=hipo_data_sync, and the reward manager as deploy/verl.sh does"
            )
        method = settings_of({**config, "adv_estimator": name}).method
        segments = segments_of(batch.reports, response_mask)
        facts = _trusted(method, facts_of(batch.reports, response_mask.device))
        labels = np.unique(np.array(index, dtype=str), return_inverse=True)[1]
        groups = torch.from_numpy(labels).to(response_mask.device)
        rewards = _rewards(method, token_level_rewards, facts, groups)
        values = values_of(method, rewards, groups, facts, batch.progress)
        batch.figures = _figures(batch, facts, values, groups)
        advantages = token_advantages(method, values, segments) * response_mask
        return advantages, advantages

    estimate.__name__ = estimate.__qualname__ = name
    return estimate


def _trusted(method: AlgorithmConfig, facts: Facts) -> Facts:
    """AdaptThink can do without the problems that have no reference."""
    if isinstance(method, AdaptThink):
        referred = torch.isfinite(facts.reference)
        if method.without_reference == "drop":
            return replace(facts, known=facts.known & referred)
        if bool((facts.known & ~referred).any()):
            raise UserError(
                "problems of this batch have no extra_info.p_on, which is adaptthink's reference; sample both modes "
                "for every problem, or set +algorithm.hipo_data.method.without_reference=drop"
            )
    return facts


def _rewards(
    method: AlgorithmConfig, token_level_rewards: torch.Tensor, facts: Facts, groups: torch.Tensor
) -> torch.Tensor:
    """What the reward manager gave, except where a reward looks at other rollouts, which it has not seen."""
    if isinstance(method.reward, AutoThinkReward) and method.reward.stage != 2:
        return rewards_of(method.reward, facts, groups)
    return token_level_rewards.sum(dim=-1)


def _figures(batch: Lent, facts: Facts, values: Values, groups: torch.Tensor) -> dict[str, float]:
    """`trainer.facts.rollout_log.step_figures`; none where prompts have different numbers of rollouts."""
    real = torch.tensor([report is not None for report in batch.reports], device=groups.device)
    order = torch.argsort(groups, stable=True)
    order = order[real[order]]
    sizes = torch.unique(groups[order], return_counts=True)[1]
    if not len(sizes) or bool((sizes != sizes[0]).any()):
        return {}
    sorted_facts = facts.gathered(lambda column: column[order])
    families = [batch.families[at] for at in order.tolist()]
    return step_figures(sorted_facts, {name: v[order] for name, v in values.items()}, families, int(sizes[0]))
