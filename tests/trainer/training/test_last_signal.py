"""What comes after the last advantage is left out, and the same model comes of it."""

from pathlib import Path
from typing import Any

import pytest
import torch

from hipo_data.schemas.config_file import read_config
from hipo_data.trainer.training.config import RlConfig
from hipo_data.trainer.training.last_signal import up_to_last_signal
from hipo_data.trainer.training.like_lengths import Batch, rollouts_by_length
from hipo_data.trainer.training.rl import run_rl
from tests.trainer.conftest import published, rl_recipe, trained_alike

TRAINER = "hipo_data.trainer.training.mode_grpo"  # by name, as it brings TRL, which takes seconds
ADVANTAGES = torch.tensor(
    [
        [0.5, 0.5, 0.5, 0.5],  # all of it
        [0.0, -1.0, 0.0, 0.0],  # up to the second token
        [0.0, 0.0, 0.0, 0.0],  # nothing: one token stays
        [1.0, 0.0, 2.0, 0.0],  # the third token is padding here
        [1.0, 1.0, 1.0, 1.0],  # masked as a whole, as truncated ones are
    ]
)
MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]])


def losses(batch: Batch, by_response: bool) -> torch.Tensor:
    """A loss linear in the advantages, a row each."""
    sums = (torch.tensor([3.0, 5.0, 7.0, 11.0]) * batch["advantages"] * batch["completion_mask"]).sum(dim=1)
    return sums / batch["completion_mask"].sum(dim=1).clamp(min=1) if by_response else sums


@pytest.mark.parametrize("by_response", [True, False])
def test_tokens_stay_up_to_the_last_that_teaches(by_response: bool) -> None:
    batch = {"completion_mask": MASK, "advantages": ADVANTAGES, "completion_ids": MASK + 6}
    found = up_to_last_signal(batch, by_response)
    assert found["completion_mask"].sum(dim=1).tolist() == [4, 2, 1, 1, 0]
    assert found["completion_ids"] is batch["completion_ids"]
    torch.testing.assert_close(losses(found, by_response), losses(batch, by_response))


def as_it_comes(batch: Batch, _: bool) -> Batch:
    return batch


ALGORITHMS: dict[str, dict[str, Any]] = {
    "hipo": {"type": "hipo"},
    "hipo over tokens": {"type": "hipo", "average": "tokens"},
    "grpo": {"type": "grpo"},
    "grpo by a constant": {"type": "grpo", "average": "constant"},
    # Every token has a part in these: in the KL term, and in the one ratio of a response.
    "grpo with a KL term": {"type": "grpo", "kl": 0.1},
    "adaptthink": {"type": "adaptthink", "kl": 0},
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_rl_trains_the_same_model_on_no_more_tokens(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens: dict[str, int] = {}
    for own in ("cut", "whole"):
        published(tmp_path / own / "data", rows=24)
        if own == "whole":
            monkeypatch.setattr(f"{TRAINER}.up_to_last_signal", as_it_comes)

        def counting(batches: list[Batch], windows: int, own: str = own) -> list[Batch]:
            tokens[own] = tokens.get(own, 0) + sum(int(batch["completion_mask"].sum()) for batch in batches)
            return rollouts_by_length(batches, windows)

        with monkeypatch.context() as patched:
            patched.setattr(f"{TRAINER}.rollouts_by_length", counting)
            recipe = rl_recipe(
                tmp_path / own,
                algorithm=ALGORITHMS[name],
                micro_batch=4,
                updates=2,
                prompts=4,
                rollouts={"group": 4, "max_tokens": 48, "temperature": 1.5},
            )
            run_rl(read_config(RlConfig, recipe, []), say=lambda _: None)
    trained_alike(tmp_path / "cut", tmp_path / "whole")
    if name in ("grpo with a KL term", "adaptthink"):
        assert tokens["cut"] == tokens["whole"]
    else:
        assert tokens["cut"] < tokens["whole"]
