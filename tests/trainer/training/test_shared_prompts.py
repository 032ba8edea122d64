"""Prompts are computed once a group, and log-probabilities, entropies and gradients are TRL's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from hipo_data.schemas.config_file import read_config
from hipo_data.trainer.training.config import RlConfig
from hipo_data.trainer.training.rl import run_rl
from hipo_data.trainer.training.shared_prompts import can_share, score
from tests.trainer.conftest import TEACHER, published, rl_recipe, trained_alike

WIDTH = 6
TRAINER = "hipo_data.trainer.training.mode_grpo"  # by name, as it brings TRL, which takes seconds


@pytest.fixture
def model() -> Iterator[Any]:
    from transformers import AutoModelForCausalLM
    from trl.trainer.utils import add_fused_lm_head

    model = AutoModelForCausalLM.from_pretrained(str(TEACHER), dtype=torch.float32)
    add_fused_lm_head(model, temperature=0.7, outputs=("log_probs", "entropy"))
    yield model.train()


def rollouts(prompts: list[list[int]], completions: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask of rollouts with these prompts and completions of these lengths."""
    longest = max(map(len, prompts))
    tokens = torch.Generator().manual_seed(1)
    ids, mask = [], []
    for prompt, length in zip(prompts, completions, strict=True):
        written = torch.randint(10, 700, (length,), generator=tokens).tolist()
        ids.append([0] * (longest - len(prompt)) + prompt + written + [0] * (WIDTH - length))
        mask.append([0] * (longest - len(prompt)) + [1] * (len(prompt) + length) + [0] * (WIDTH - length))
    return torch.tensor(ids), torch.tensor(mask)


def trl_score(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """As in TRL's trainer."""
    labels = ids.masked_fill(mask == 0, -100)
    labels[:, :-WIDTH] = -100
    found = model(input_ids=ids, attention_mask=mask, labels=labels, fused_lm_head=True)
    return found.log_probs[:, -WIDTH:], found.entropy[:, -WIDTH:]


GROUPS = {
    "groups of unlike prompts": ([[11, 12, 13, 14]] * 3 + [[21, 22]] * 2 + [[31, 32, 33]], [6, 1, 4, 5, 2, 3]),
    "one prompt": ([[11, 12, 13]] * 4, [3, 3, 6, 1]),
    "no two alike": ([[11, 12], [11, 13], [9]], [2, 3, 4]),
    "prompts that differ in padding alone": ([[11, 12], [0, 11, 12]], [2, 3]),
    "prompts of one token": ([[11], [11], [12]], [2, 6, 4]),
    "a rollout without tokens": ([[11, 12], [11, 12]], [0, 6]),
}


@pytest.mark.parametrize("name", GROUPS)
def test_scores_and_gradients_are_those_of_whole_rollouts(name: str, model: Any) -> None:
    ids, mask = rollouts(*GROUPS[name])
    weights = torch.randn(ids.shape[0], WIDTH, generator=torch.Generator().manual_seed(2)) * mask[:, -WIDTH:]
    gradients = []
    scores = []
    for logps, entropies in (score(model, ids, mask, WIDTH), trl_score(model, ids, mask)):
        model.zero_grad()
        (weights * logps).sum().backward()
        gradients.append({name: each.grad.clone() for name, each in model.named_parameters()})
        scores.append((logps.detach(), entropies.detach()))
    torch.testing.assert_close(scores[0], scores[1], atol=1e-4, rtol=1e-4)
    for key, ours in gradients[0].items():
        torch.testing.assert_close(ours, gradients[1][key], atol=1e-4, rtol=1e-3, msg=key)


def test_a_prompt_is_computed_once(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    forward = model.base_model.forward

    def counted(*args: Any, **kwargs: Any) -> Any:
        seen.append(tuple(kwargs["input_ids"].shape))
        return forward(*args, **kwargs)

    monkeypatch.setattr(model.base_model, "forward", counted)
    score(model, *rollouts(*GROUPS["groups of unlike prompts"]), WIDTH)
    assert seen == [(3, 3), (6, 1 + WIDTH)]


def test_models_that_cannot_share_are_told() -> None:
    from transformers import Qwen3Config, Qwen3ForCausalLM, Qwen3NextConfig, Qwen3NextForCausalLM

    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "vocab_size": 64}
    small |= {"num_attention_heads": 2, "num_key_value_heads": 2}
    plain = Qwen3ForCausalLM(Qwen3Config(**small, head_dim=16))
    assert can_share(plain)
    plain.gradient_checkpointing_enable()
    assert not can_share(plain)
    windows = Qwen3Config(**small, use_sliding_window=True, sliding_window=8, max_window_layers=1)
    assert not can_share(Qwen3ForCausalLM(windows))
    linear = Qwen3NextConfig(**small, num_experts=0, mlp_only_layers=[0, 1])
    assert not can_share(Qwen3NextForCausalLM(linear))
    assert not can_share(torch.nn.Linear(2, 2))


def test_rl_trains_the_same_model_with_a_kl_term_and_several_updates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {"shared": 0, "whole": 0}

    for own in counts:
        published(tmp_path / own / "data", rows=24)

        def counting(*args: Any, own: str = own) -> Any:
            counts[own] += 1
            return score(*args)

        monkeypatch.setattr(f"{TRAINER}.score", counting)
        if own == "whole":
            monkeypatch.setattr(f"{TRAINER}.can_share", lambda model: False)
        recipe = rl_recipe(
            tmp_path / own,
            algorithm={"type": "grpo", "kl": 0.1},
            micro_batch=8,
            updates=2,
            rollouts={"group": 4, "max_tokens": 48, "temperature": 1.5},
        )
        run_rl(read_config(RlConfig, recipe, []), say=lambda _: None)
    trained_alike(tmp_path / "shared", tmp_path / "whole")
    assert counts["shared"] > 0 == counts["whole"]
