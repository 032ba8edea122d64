"""The teacher is trained on what the engine will see, and through the function that the engine computes."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from hipo_data.models.make import corpus, forward, train
from hipo_data.models.make.tasks import MODES
from hipo_data.prompts.conversation import Conversation
from hipo_data.prompts.formats.tagged import TaggedFormat
from hipo_data.prompts.formats.tokens import split_tags

MODEL = Path(__file__).parents[2] / "models" / "tiny-hybrid"


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(str(MODEL))


@pytest.fixture(scope="module")
def rows(tokenizer: Any) -> list[train.Encoded]:
    rng = random.Random(0)
    return train.encode(tokenizer, [corpus.draw(rng) for _ in range(12)])


def test_the_fast_forward_pass_is_qwen3s(tokenizer: Any, rows: list[train.Encoded]) -> None:
    torch.manual_seed(0)
    model = train.new_model(train.Settings(hidden=64, layers=2, heads=2, mlp=96), tokenizer)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        for tokens, _ in train.micro_batches(rows, 3, tokenizer.pad_token_id):
            ours, theirs = forward.states(model, tokens), model.model(tokens).last_hidden_state
            assert torch.allclose(ours, theirs, atol=1e-4)


def test_only_the_completion_is_learned(tokenizer: Any) -> None:
    for mode in MODES:
        example = corpus.Example("What is 1 + 2?", mode, "\\boxed{3}")
        (row,) = train.encode(tokenizer, [example])
        ((tokens, labels),) = train.micro_batches([row], 1, tokenizer.pad_token_id)
        learned = tokens[labels != train.IGNORED]
        assert tokenizer.decode(learned) == "\\boxed{3}<|im_end|>"
        prompt = tokenizer.decode(row.tokens[: row.prompt])
        assert prompt.endswith("<think>\n" if mode == "think_on" else "<think>\n\n</think>\n\n")


@pytest.mark.parametrize("style", list(corpus.FORMATS.values()), ids=list(corpus.FORMATS))
def test_a_published_format_is_asked_for_as_cold_starts_and_evaluations_do(tokenizer: Any, style: TaggedFormat) -> None:
    asked = [{"role": "user", "content": "What is 1 + 2?"}]
    theirs = Conversation(tokenizer, style, "take another").prompt(asked)
    assert train.prompt_of(tokenizer, "What is 1 + 2?", style.name) == theirs
    assert theirs.endswith(f"assistant\n{style.prompt_suffix}")
    assert not split_tags(tokenizer, style)


def test_micro_batches_lose_nothing_and_ignore_padding(tokenizer: Any, rows: list[train.Encoded]) -> None:
    seen = []
    for tokens, labels in train.micro_batches(rows, 5, tokenizer.pad_token_id):
        assert tokens.shape[1] % train.ROUND == 0
        seen += [int(n) for n in (labels != train.IGNORED).sum(1)]
    assert sorted(seen) == sorted(len(row.tokens) - row.prompt for row in rows)


def test_every_example_fits_the_context(tokenizer: Any) -> None:
    rng = random.Random(1)
    encoded = train.encode(tokenizer, [corpus.draw(rng) for _ in range(2000)])
    assert max(len(row.tokens) for row in encoded) <= 256


def test_the_rate_rises_once_and_falls_to_zero() -> None:
    settings = train.Settings(steps=100)
    rates = [train.rate_at(step, settings) for step in range(100)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(settings.learning_rate)
    assert rates[:top] == sorted(rates[:top]) and rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] < 0.01 * settings.learning_rate
