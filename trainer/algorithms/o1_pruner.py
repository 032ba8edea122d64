"""O1-Pruner: weights for fine-tuning on a model's own responses, for short ones that are no less right."""

import torch

from hipo_data.trainer.algorithms.groups import Sets
from hipo_data.trainer.algorithms.rollouts import check_finite, check_rollouts, counted, wide


def o1_pruner_weights(
    correct: torch.Tensor,
    lengths: torch.Tensor,
    groups: torch.Tensor,
    *,
    known: torch.Tensor | None = None,
    accuracy_weight: float = 2.0,
    low: float = -2.0,
    high: float = 4.0,
) -> torch.Tensor:
    """clip((L̄ − L_i) / L_i + λ · (acc_i − Ā), low, high) of each presampled response, (B,) float32.

    L̄ and Ā are the mean length and accuracy of the K responses to the same problem, λ = `accuracy_weight`. correct:
    (B,) bool. lengths: (B,) tokens, at least 1. groups: (B,) integers, one label a problem. known: (B,) bool; a
    response whose verdict is unknown enters no mean and gets zero.

    The data set keeps some responses a problem, the authors 2 of 16, and weighs their losses by `standardised` over all
    that it keeps.

    Source: arXiv 2501.12570 and `construct_dataset.py` in StarDewXXX/O1-Pruner, which has the formula, −2 and 4. Ours:
    λ = 2; that script leaves it to its caller.
    Raises `ValueError` on a length below 1.
    """
    check_rollouts(correct=correct, lengths=lengths, groups=groups, known=known)
    check_finite("lengths", lengths, known)
    sets = Sets(groups, known)
    short = (lengths < 1) & sets.members
    if bool(short.any()):
        at = int(short.nonzero()[0])
        raise ValueError(f"lengths[{at}] is {float(lengths[at])}; a response has at least one token")
    tokens = torch.where(sets.members, wide(lengths), 1.0)
    shorter = (sets.mean(lengths) - tokens) / tokens
    weights = (shorter + accuracy_weight * sets.centred(correct)).clamp(low, high)
    return torch.where(sets.members, weights, 0.0).to(torch.float32)


def standardised(weights: torch.Tensor, known: torch.Tensor | None = None) -> torch.Tensor:
    """(w − mean(w)) / std(w) over all kept responses, (M,) float32, with the population's standard deviation.

    Zero where all weights are equal, and for responses that are not known. Source: the same script.
    """
    check_rollouts(weights=weights, known=known)
    check_finite("weights", weights, known)
    members = counted(weights, known)
    everyone = Sets(torch.zeros_like(weights, dtype=torch.int64), members)
    count = members.sum().clamp(min=2)
    population = (count / (count - 1)).sqrt()  # a sample's standard deviation is larger by this
    return (everyone.standard_score(weights, epsilon=0.0) * population).to(torch.float32)
