"""Rollouts up to the last token that an update learns from.

A token without an advantage adds nothing to the loss and, the model being causal, nothing that comes after the last one
with an advantage changes what comes before. HiPO's responses of a mode that is always right have advantages up to their
mode tag alone; groups of equal rewards have none anywhere.
"""

import torch

from hipo_data.trainer.training.like_lengths import Batch


def up_to_last_signal(batch: Batch, by_response: bool) -> Batch:
    """The same rollouts, masked after the last token whose advantage is not zero; one token stays where all are zero.

    Gradients and the loss are the same but for rounding, without a KL term, an entropy term or a router's loss, and
    with a ratio for each token; figures that TRL logs as means over tokens are means over those that stay.

    Args:
        batch: TRL's, with `advantages` (B, T) and `completion_mask` (B, T), padded on the right.
        by_response: whether the loss divides a response's sum by its tokens; its advantages, in which the loss is
            linear, are then made smaller by as much as the mask.
    """
    mask, advantages = batch["completion_mask"], batch["advantages"]
    places = torch.arange(1, mask.shape[1] + 1, device=mask.device)
    last = (places * ((advantages != 0) & (mask != 0))).amax(dim=1, keepdim=True).clamp(min=1)
    kept = mask * (places <= last)
    if by_response:
        advantages = advantages * kept.sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True).clamp(min=1)
    return {**batch, "completion_mask": kept, "advantages": advantages}
