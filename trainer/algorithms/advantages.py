"""Every advantage and every weight of tokens or responses, by the name of its method."""

from hipo_data.trainer.algorithms.adaptthink import adaptthink, adaptthink_advantages, adaptthink_old_logprobs
from hipo_data.trainer.algorithms.grpo import dr_grpo_weights, grpo, grpo_advantages, grpo_weights
from hipo_data.trainer.algorithms.hgpo import HgpoTerms, hgpo_advantages, hgpo_terms
from hipo_data.trainer.algorithms.hipo import HipoTerms, hipo_advantages, hipo_terms
from hipo_data.trainer.algorithms.o1_pruner import o1_pruner_weights, standardised
from hipo_data.trainer.algorithms.thinkless import degrpo_weights

__all__ = [
    "HgpoTerms",
    "HipoTerms",
    "adaptthink",
    "adaptthink_advantages",
    "adaptthink_old_logprobs",
    "degrpo_weights",
    "dr_grpo_weights",
    "grpo",
    "grpo_advantages",
    "grpo_weights",
    "hgpo_advantages",
    "hgpo_terms",
    "hipo_advantages",
    "hipo_terms",
    "o1_pruner_weights",
    "standardised",
]
