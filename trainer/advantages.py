"""Every advantage and every weight of tokens, by the name of its method."""

from trainer.algorithms.grpo import dr_grpo_weights, grpo, grpo_advantages, grpo_weights
from trainer.algorithms.hipo import HipoTerms, hipo_advantages, hipo_terms

__all__ = [
    "HipoTerms",
    "dr_grpo_weights",
    "grpo",
    "grpo_advantages",
    "grpo_weights",
    "hipo_advantages",
    "hipo_terms",
]
