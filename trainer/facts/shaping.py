"""From facts about rollouts to rewards, and from rewards to the advantage of every token, as a recipe names them."""

import torch

from hipo_data.schemas.algorithm_config import (
    AccuracyReward,
    AdaGrpo,
    Adapt,
    AdaptReward,
    AdaptThink,
    AlgorithmConfig,
    AutoThinkReward,
    Hgpo,
    Hipo,
    LcpoReward,
    LengthPenaltyReward,
    RewardConfig,
    Thinkless,
    ThinklessReward,
)
from hipo_data.trainer.algorithms.ada_grpo import ada_grpo
from hipo_data.trainer.algorithms.adapt import AdaptTerms, adapt_advantages, adapt_reward, adapt_terms
from hipo_data.trainer.algorithms.adaptthink import adaptthink
from hipo_data.trainer.algorithms.autothink import autothink_balance_reward, autothink_length_reward, autothink_reward
from hipo_data.trainer.algorithms.grpo import grpo
from hipo_data.trainer.algorithms.hgpo import HgpoTerms, hgpo_advantages, hgpo_terms
from hipo_data.trainer.algorithms.hipo import HipoTerms, hipo_advantages, hipo_reward, hipo_terms
from hipo_data.trainer.algorithms.lcpo import lcpo_exact_reward, lcpo_max_reward
from hipo_data.trainer.algorithms.length_penalty import length_penalty_reward
from hipo_data.trainer.algorithms.rollouts import Segment, on_tokens
from hipo_data.trainer.algorithms.thinkless import degrpo_weights, thinkless_reward
from hipo_data.trainer.facts.scoring import Facts

Values = dict[str, torch.Tensor]
"""What an algorithm knows of each rollout, (B,) a name; `token_advantages` puts it on tokens."""

LOSS_TYPES = {"sequence": "grpo", "tokens": "dapo", "constant": "dr_grpo"}
"""TRL's names for the ways of averaging token losses."""


def rewards_of(config: RewardConfig, facts: Facts, groups: torch.Tensor) -> torch.Tensor:
    """The reward of each rollout, (B,) float32; meaningless where the verdict is not known.

    groups: (B,) integers, one label a prompt. Facts of the whole batch, all processes together: some rewards look at
    the share of a mode in it, or at the lengths of a group.
    """
    match config:
        case AccuracyReward():
            return hipo_reward(facts.correct, facts.well_formed, format_weight=config.format_weight)
        case ThinklessReward():
            return thinkless_reward(facts.correct, facts.well_formed, facts.modes, think_on_right=config.think_on_right)
        case AutoThinkReward(stage=1):
            return autothink_balance_reward(
                facts.correct, facts.modes, on_share=config.on_share, strength=config.strength
            )
        case AutoThinkReward(stage=2):
            return autothink_reward(facts.correct, facts.modes)
        case AutoThinkReward():
            return autothink_length_reward(
                facts.correct,
                facts.modes,
                facts.lengths,
                groups,
                known=facts.known,
                alpha=config.alpha,
                beta=config.beta,
            )
        case LcpoReward(form="exact"):
            return lcpo_exact_reward(facts.correct, facts.lengths, facts.budgets, alpha=config.alpha)
        case LcpoReward():
            return lcpo_max_reward(facts.correct, facts.lengths, facts.budgets, alpha=config.alpha, delta=config.delta)
        case LengthPenaltyReward():
            return length_penalty_reward(facts.correct, facts.lengths, beta=config.beta)
        case AdaptReward():
            return adapt_reward(facts.correct, facts.well_formed, format_weight=config.format_weight)


def values_of(
    config: AlgorithmConfig,
    rewards: torch.Tensor,
    groups: torch.Tensor,
    facts: Facts,
    progress: float | None = None,
) -> Values:
    """The values of each rollout, (B,) float32 a name, from the whole batch.

    progress: the number of this step, from 1 on, by that of all; Ada-GRPO alone asks for it.
    Raises `ValueError` on rewards that are not finite, and where progress is asked for and not given.
    """
    match config:
        case Hipo():
            terms = hipo_terms(
                rewards,
                groups,
                facts.modes,
                known=facts.known,
                omega=config.omega,
                bias_margin=config.bias_margin,
                gamma=config.gamma,
                judge_norm=config.judge_norm,
                answer_norm=config.answer_norm,
                global_term=config.global_term,
            )
            return {"judge": terms.judge, "answer": terms.answer, "bias": terms.bias}
        case Hgpo():
            prizes = hgpo_terms(
                rewards,
                groups,
                facts.modes,
                known=facts.known,
                delta=config.delta,
                ties=config.ties,
                intra_norm=config.intra_norm,
            )
            return {"intra": prizes.intra, "inter": prizes.inter}
        case AdaptThink():
            return {
                "advantage": adaptthink(rewards, facts.modes, facts.reference, known=facts.known, delta=config.delta)
            }
        case Thinkless():
            return {"advantage": grpo(rewards, groups, known=facts.known, scale="none")}
        case Adapt():
            priced = adapt_terms(
                rewards,
                facts.correct,
                groups,
                facts.modes,
                facts.lengths,
                known=facts.known,
                target=config.target,
                choice_weight=config.choice_weight,
            )
            return {"choice": priced.choice, "response": priced.response}
        case AdaGrpo():
            if progress is None:
                raise ValueError("ada_grpo's scale depends on the step; pass progress, its number by that of all steps")
            return {"advantage": ada_grpo(rewards, groups, facts.modes, progress=progress, known=facts.known)}
        case _:
            return {"advantage": grpo(rewards, groups, known=facts.known, scale=config.scale)}


def token_advantages(config: AlgorithmConfig, values: Values, segments: torch.Tensor) -> torch.Tensor:
    """Advantages, (B, T) float32, zero on padding, for the loss that `loss_type` names. segments: (B, T) codes.

    Thinkless's weights of token losses are multiplied in: the clipped loss is linear in a factor of the advantage.
    Its form "code" averages over all the rollouts here, where the authors' code takes a micro-batch.
    """
    match config:
        case Hipo():
            return hipo_advantages(HipoTerms(values["judge"], values["answer"], values["bias"]), segments)
        case Hgpo():
            return hgpo_advantages(HgpoTerms(values["intra"], values["inter"]), segments, alpha=config.alpha)
        case Adapt():
            return adapt_advantages(AdaptTerms(values["choice"], values["response"]), segments)
        case Thinkless():
            plain = on_tokens(values["advantage"], segments != Segment.NONE)
            lengths = (segments != Segment.NONE).sum(dim=1, keepdim=True)
            weights = degrpo_weights(segments, alpha=config.alpha, average=config.form)
            return plain * weights * lengths * segments.shape[0]
        case _:
            return on_tokens(values["advantage"], segments != Segment.NONE)


def loss_type(config: AlgorithmConfig) -> str:
    """TRL's name of how token losses are averaged."""
    return LOSS_TYPES["sequence" if isinstance(config, Thinkless) else config.average]


def without_signal(values: Values) -> torch.Tensor:
    """Which rollouts have nothing to learn from: every value but the bias is zero. (B,) bool."""
    learnt = torch.stack([value != 0 for name, value in values.items() if name != "bias"])
    return ~learnt.any(dim=0)
