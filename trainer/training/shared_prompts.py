"""Log-probabilities of rollouts whose prompts are computed once, and not once a rollout.

A group shares its prompt, and of short responses, as think-off's are, prompts are most of what a forward pass computes.
Keys and values of each distinct prompt but its last token go to all of its rollouts, gradients come back through them,
and the last token begins the rest. TRL's own head scores that: temperature, softcapping and scales are its own.
"""

from typing import Any

import torch
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer


def can_share(model: Any) -> bool:
    """Whether all of the model's layers have plain attention, whose cache holds gradients, and none is recomputed."""
    if not isinstance(model, PreTrainedModel) or model.is_gradient_checkpointing:
        return False
    layers = DynamicCache(config=model.config).layers
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


def score(
    model: Any, ids: torch.Tensor, mask: torch.Tensor, completion: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Log-probabilities and, where the head has them, entropies of the completions, (B, `completion`) float32, zero on
    padding.

    Args:
        model: with TRL's fused head.
        ids: (B, P + `completion`) int64, prompts padded on the left and completions on the right.
        mask: the same shape, 0 on padding.
        completion: columns of completions.
    """
    prompt = ids.shape[1] - completion
    labels = ids.masked_fill(mask == 0, -100)[:, prompt - 1 :]  # the head leaves the first one out
    begun = {} if prompt < 2 else {"past_key_values": _begun(model, ids[:, : prompt - 1], mask[:, : prompt - 1])}
    scored = model(
        input_ids=ids[:, prompt - 1 :], attention_mask=mask, labels=labels.contiguous(), fused_lm_head=True, **begun
    )
    return scored.log_probs, scored.entropy


def _begun(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> DynamicCache:
    """Keys and values of prompts (B, P), each distinct one computed once."""
    distinct, rows = torch.stack((ids, mask), dim=1).unique(dim=0, return_inverse=True)
    cache = DynamicCache(config=model.config)
    model.base_model(input_ids=distinct[:, 0], attention_mask=distinct[:, 1], past_key_values=cache, use_cache=True)
    cache.batch_select_indices(rows)
    return cache
