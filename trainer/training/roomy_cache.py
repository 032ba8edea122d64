"""Keys and values of rollouts that are being written, in memory that has room for the next tokens."""

from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

_ROOM = 64
"""Tokens that memory is made for at once."""


def roomy_cache(model: Any) -> DynamicCache:
    """A cache for the model, whose layers of plain attention are `RoomyLayer`s; others stay as they are."""
    cache = DynamicCache(config=model.config)
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


class RoomyLayer(DynamicLayer):
    """`DynamicLayer` makes new memory for all tokens with each token, which on a CPU takes longer than the model."""

    keys: torch.Tensor
    values: torch.Tensor
    _memory: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """All keys and values, (B, heads, tokens, width), views of the memory, after those of new tokens."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        before = self.get_seq_length()
        after = before + key_states.shape[-2]
        if self._memory is None or after > self._memory[0].shape[-2]:
            old = (self.keys, self.values) if before else (None, None)
            self._memory = _with_room(key_states, old[0], after), _with_room(value_states, old[1], after)
        self.keys, self.values = (memory[..., :after, :] for memory in self._memory)
        self.keys[..., before:, :] = key_states
        self.values[..., before:, :] = value_states
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keeps these rows of the batch; the memory with room is made by the next token."""
        super().batch_select_indices(indices)
        self._memory = None


def _with_room(states: torch.Tensor, old: torch.Tensor | None, tokens: int) -> torch.Tensor:
    memory = states.new_empty((*states.shape[:-2], tokens + _ROOM, states.shape[-1]))
    if old is not None:
        memory[..., : old.shape[-2], :] = old
    return memory
