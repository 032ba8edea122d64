"""Micro-batches by length hold the same rows, less padding, and train the same model."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from hipo_data.schemas.config_file import read_config
from hipo_data.trainer.training.config import RlConfig, SftConfig
from hipo_data.trainer.training.like_lengths import Batch, examples_by_length, rollouts_by_length
from hipo_data.trainer.training.rl import run_rl
from hipo_data.trainer.training.sft import run_sft
from tests.trainer.conftest import published, rl_recipe, sft_recipe, trained_alike


def mask(lengths: Sequence[int], width: int, *, left: bool = False) -> torch.Tensor:
    places = torch.arange(width).flip(0) if left else torch.arange(width)
    return (places[None] < torch.tensor(lengths)[:, None]).long()


def rollouts(prompts: Sequence[int], completions: Sequence[int], first: int) -> Batch:
    """Rollouts numbered from `first` on, which is in every value they have."""
    numbers = torch.arange(first, first + len(prompts))
    p, c = mask(prompts, 9, left=True), mask(completions, 12)
    return {
        "prompt_ids": p * numbers[:, None],
        "prompt_mask": p,
        "completion_ids": c * numbers[:, None],
        "completion_mask": c,
        "advantages": c * numbers[:, None] / 2,
        "of_rollouts": numbers,
        "names": [str(number) for number in numbers.tolist()],
        "num_items_in_batch": torch.tensor(5),
        "absent": None,
    }


def test_rollouts_stay_in_their_update_and_lose_padding_alone() -> None:
    batches = [
        rollouts([3, 9, 4], [12, 1, 7], 1),
        rollouts([2, 2, 2], [2, 11, 3], 4),
        rollouts([1, 1, 1], [0, 0, 0], 7),
        rollouts([5, 6, 7], [4, 4, 4], 10),
    ]
    found = rollouts_by_length(batches, windows=2)
    assert [batch["names"] for batch in found] == [
        ["1", "5", "3"],
        ["2", "6", "4"],
        ["12", "11", "10"],
        ["7", "8", "9"],
    ]
    assert [batch["completion_ids"].shape[1] for batch in found] == [12, 3, 4, 1]
    assert [batch["prompt_ids"].shape[1] for batch in found] == [4, 9, 7, 1]
    for batch in found:
        for row, name in enumerate(batch["names"]):
            number = int(name)
            (old,) = [(each, at) for each in batches for at, other in enumerate(each["names"]) if other == name]
            assert batch["of_rollouts"][row] == number
            for key in ("prompt_mask", "completion_mask", "prompt_ids", "completion_ids", "advantages"):
                assert batch[key][row].sum() == old[0][key][old[1]].sum(), key
            assert (batch["prompt_ids"][row][batch["prompt_mask"][row] == 1] == number).all()
        assert batch["num_items_in_batch"] == 5 and batch["absent"] is None


def test_examples_of_unlike_widths_come_together() -> None:
    batches = [
        {"attention_mask": mask(lengths, max(lengths)), "labels": torch.full((2, max(lengths)), lengths[0])}
        for lengths in ([2, 8], [5, 3], [9, 1])
    ]
    found = examples_by_length(batches, {"labels": -100})
    assert [batch["attention_mask"].sum(1).tolist() for batch in found] == [[9, 8], [5, 3], [2, 1]]
    assert [batch["labels"].shape[1] for batch in found] == [9, 5, 2]
    assert found[0]["labels"][1].tolist() == [2] * 8 + [-100]


def as_they_come(batches: Sequence[Batch], *_: Any) -> list[Batch]:
    return list(batches)


def both(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, train: Callable[[Path], Any]) -> None:
    """Trains with micro-batches by length, and as they come."""
    for own in ("by-length", "as-they-come"):
        published(folder / own / "data", rows=24)
        if own == "as-they-come":
            monkeypatch.setattr(f"hipo_data.trainer.training.{name}", as_they_come)
        train(folder / own)
    trained_alike(folder / "by-length", folder / "as-they-come")


def test_sft_trains_the_same_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(folder: Path) -> None:
        run_sft(read_config(SftConfig, sft_recipe(folder, micro_batch=2, epochs=1), []), say=lambda _: None)

    both(tmp_path, monkeypatch, "weighted_sft.examples_by_length", train)


@pytest.mark.parametrize("average", ["sequence", "tokens", "constant"])
def test_rl_trains_the_same_model(average: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(folder: Path) -> None:
        reward = {"type": "length_penalty", "beta": 0.01}
        algorithm = {"type": "length_penalty", "average": average, "reward": reward}
        rollouts = {"group": 4, "max_tokens": 48, "temperature": 3.0}
        recipe = rl_recipe(folder, algorithm=algorithm, micro_batch=4, updates=2, prompts=4, rollouts=rollouts)
        run_rl(read_config(RlConfig, recipe, []), say=lambda _: None)

    both(tmp_path, monkeypatch, "mode_grpo.rollouts_by_length", train)
