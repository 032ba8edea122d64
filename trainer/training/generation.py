"""Rollouts without an inference server: one batch, prefixes shared, rows that have ended leave it.

transformers' own `generate` keeps every row until the longest has ended and computes the prompt of a group once a
rollout. With groups of answers of very different length, as hybrid reasoning has, most of that is waste.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache, TopKLogitsWarper, TopPLogitsWarper

from hipo_data.prompts.formats.forcing import Swap
from hipo_data.trainer.training.roomy_cache import roomy_cache

_SHRINK = 0.8
"""The batch is made smaller once no more than this share of it is still being written."""


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn. `top_k` of 0 and `top_p` of 1 leave the distribution as it is."""

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0


class _Swaps:
    """For each row of a batch, which token is not kept, and what is written in its place."""

    def __init__(self, swapped: Sequence[Swap | None], device: torch.device) -> None:
        pairs = [pair or (-1, [-1]) for pair in swapped]
        longest = max(len(written) for _, written in pairs)
        self._drawn = torch.tensor([drawn for drawn, _ in pairs], device=device)
        # What is left to be written is what stands behind the place of a row; -1 ends it.
        padded = [[*written, *[-1] * (longest + 1 - len(written))] for _, written in pairs]
        self._written = torch.tensor(padded, device=device)
        self._place = torch.full_like(self._drawn, longest)

    def instead_of(self, drawn: torch.Tensor) -> torch.Tensor:
        """The tokens that the rows write, of those that they drew."""
        rows = torch.arange(len(drawn), device=drawn.device)
        begins = (self._written[rows, self._place] < 0) & (drawn == self._drawn)
        self._place = torch.where(begins, 0, self._place)
        forced = self._written[rows, self._place]
        self._place = torch.where(forced >= 0, self._place + 1, self._place)
        return torch.where(forced >= 0, forced, drawn)

    def of_rows(self, keep: torch.Tensor) -> "_Swaps":
        """The same for some of the rows."""
        self._drawn, self._written, self._place = self._drawn[keep], self._written[keep], self._place[keep]
        return self


def sample(
    model: Any,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    *,
    end_ids: Sequence[int],
    pad_id: int,
    swapped: Sequence[Swap | None] | None = None,
) -> list[list[int]]:
    """One completion for each prompt (rows of token ids), the token that ends it included where it came.

    swapped: for each row a token and those that take its place whenever it is drawn, or null. Draws come from torch's
        global generator of the device.
    Raises `ValueError` on a temperature that is not positive.
    """
    if sampling.temperature <= 0:
        raise ValueError(f"the temperature is {sampling.temperature}; rollouts of one prompt need a positive one")
    device = next(model.parameters()).device
    distinct = list(dict.fromkeys(map(tuple, prompts)))
    place = {prompt: at for at, prompt in enumerate(distinct)}
    rows = torch.tensor([place[tuple(prompt)] for prompt in prompts], device=device)
    mask, logits, cache = _prefill(model, distinct, pad_id, device)
    mask, logits = mask[rows], logits[rows]
    cache.batch_select_indices(rows)
    swaps = None if swapped is None else _Swaps(swapped, device)
    ends = torch.tensor(list(end_ids), device=device)
    written = torch.full((len(prompts), sampling.max_tokens), pad_id, device=device)
    alive = torch.arange(len(prompts), device=device)  # which row of `written` each row of the batch is
    open_ = torch.ones_like(alive, dtype=torch.bool)
    lengths = torch.zeros_like(alive)
    for step in range(sampling.max_tokens):
        drawn = _draw(logits, sampling)
        if swaps is not None:
            drawn = swaps.instead_of(drawn)
        written[alive[open_], step] = drawn[open_]
        lengths[alive[open_]] = step + 1
        open_ = open_ & ~torch.isin(drawn, ends)
        left = int(open_.sum())
        if left == 0 or step + 1 == sampling.max_tokens:
            break
        if left <= _SHRINK * len(alive):
            keep = open_.nonzero().squeeze(1)
            cache.batch_select_indices(keep)
            alive, mask, drawn, open_ = alive[keep], mask[keep], drawn[keep], open_[keep]
            swaps = None if swaps is None else swaps.of_rows(keep)
        mask = torch.cat((mask, mask.new_ones((len(alive), 1))), dim=1)
        position = mask.sum(dim=1, keepdim=True) - 1
        logits = model(
            input_ids=drawn.unsqueeze(1),
            attention_mask=mask,
            position_ids=position,
            past_key_values=cache,
            use_cache=True,
        ).logits[:, -1]
    return [row[:length].tolist() for row, length in zip(written.cpu(), lengths.tolist(), strict=True)]


def _prefill(
    model: Any, prompts: Sequence[Sequence[int]], pad_id: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor, DynamicCache]:
    longest = max(map(len, prompts))
    ids = torch.tensor([[pad_id] * (longest - len(p)) + list(p) for p in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
    cache = roomy_cache(model)
    done = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=(mask.cumsum(dim=1) - 1).clamp(min=0),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return mask, done.logits[:, -1], cache


def _draw(logits: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    scores = logits.float() / sampling.temperature
    if sampling.top_k:
        scores = TopKLogitsWarper(sampling.top_k)(None, scores)
    if sampling.top_p < 1:
        scores = TopPLogitsWarper(sampling.top_p)(None, scores)
    # torch.multinomial draws a number for every token of the vocabulary; one for every row is enough.
    reached = scores.softmax(dim=1).double().cumsum(dim=1)
    total = reached[:, -1:]
    drawn = (torch.rand_like(total) * total).minimum(total.nextafter(torch.zeros_like(total)))
    return torch.searchsorted(reached, drawn, right=True).squeeze(1)
