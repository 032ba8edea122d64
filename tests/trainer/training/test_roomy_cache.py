"""What a layer with room holds is what transformers' own layer holds."""

import torch
from transformers.cache_utils import DynamicLayer

from hipo_data.trainer.training.roomy_cache import RoomyLayer


def test_tokens_and_rows_are_those_of_a_dynamic_layer() -> None:
    torch.manual_seed(0)
    roomy, plain, rows = RoomyLayer(), DynamicLayer(), 6
    for step in range(200):  # more than room is made for at once
        new = torch.randn(2, rows, 3, 5 if step == 0 else 1, 4)
        for ours, theirs in zip(roomy.update(*new), plain.update(*new), strict=True):
            assert torch.equal(ours, theirs)
        assert roomy.get_seq_length() == plain.get_seq_length() == 5 + step
        if step in (0, 70, 71, 150):
            kept = torch.randperm(rows)[: rows - 1] if step else torch.tensor([0, 0, 1, 2, 3, 3, 4, 5])
            roomy.batch_select_indices(kept)
            plain.batch_select_indices(kept)
            rows = len(kept)
            assert torch.equal(roomy.keys, plain.keys) and torch.equal(roomy.values, plain.values)
