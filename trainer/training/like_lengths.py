"""Micro-batches of rows of like lengths, without the padding that they do not need.

Of shuffled hybrid responses, half of what a micro-batch computes is padding. What an update of the weights adds up to
is the same but for rounding, where the loss weighs a row alike in every micro-batch; rows never change the update that
they are part of.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

Batch = dict[str, Any]


def rollouts_by_length(batches: Sequence[Batch], windows: int) -> list[Batch]:
    """The same rollouts in as many micro-batches of the same sizes, the longest of a window first, each cut to its
    longest prompt and completion.

    Args:
        batches: TRL's, in `windows` equal parts, of which an update takes one. Each has `prompt_mask` (B, P), padded on
            the left, and `completion_mask` (B, T), padded on the right; (B, T) for what tokens have, (B, …) for what
            rollouts have; scalars and nulls stay as they are.
    """
    size = len(batches) // windows
    parts = [batches[first : first + size] for first in range(0, len(batches), size)]
    return [_cut_rollouts(batch) for part in parts for batch in _sorted(part, ["prompt_mask", "completion_mask"])]


def examples_by_length(batches: Sequence[Batch], padding: dict[str, float]) -> list[Batch]:
    """The same examples of one update in micro-batches of the same sizes, the longest first.

    Args:
        batches: each with `attention_mask` and others (B, T), padded on the right, T being its own.
        padding: what a tensor is filled up with, by name; with nothing but zeros where it has no name here.
    """
    width = max((batch["attention_mask"].shape[1] for batch in batches), default=0)
    wide = [
        {
            name: functional.pad(value, (0, width - value.shape[1]), value=padding.get(name, 0))
            for name, value in batch.items()
        }
        for batch in batches
    ]
    found = []
    for batch in _sorted(wide, ["attention_mask"]):
        longest = int(batch["attention_mask"].sum(1).max())
        found.append({name: value[:, :longest] for name, value in batch.items()})
    return found


def _sorted(batches: Sequence[Batch], masks: Sequence[str]) -> list[Batch]:
    tokens = torch.cat([torch.stack([batch[mask].sum(1) for mask in masks]).sum(0) for batch in batches])
    order = tokens.argsort(descending=True, stable=True)
    sizes = [len(batch[masks[0]]) for batch in batches]
    found: list[Batch] = [{} for _ in batches]
    for name, first in batches[0].items():
        if isinstance(first, torch.Tensor) and first.ndim:
            values = list(torch.cat([batch[name] for batch in batches])[order].split(sizes))
        elif isinstance(first, list):
            flat = [each for batch in batches for each in batch[name]]
            values = [[flat[row] for row in rows.tolist()] for rows in order.split(sizes)]
        else:
            values = [batch[name] for batch in batches]
        for batch, value in zip(found, values, strict=True):
            batch[name] = value
    return found


def _cut_rollouts(batch: Batch) -> Batch:
    prompts, completions = batch["prompt_mask"], batch["completion_mask"]
    left = prompts.shape[1] - int(prompts.sum(1).max())
    right = max(1, int(completions.sum(1).max()))  # none where all of them were truncated and are masked
    cut = {}
    for name, value in batch.items():
        if name.startswith("prompt_"):
            value = value[:, left:]
        elif isinstance(value, torch.Tensor) and value.ndim > 1 and value.shape[1] == completions.shape[1]:
            value = value[:, :right]
        cut[name] = value
    return cut
