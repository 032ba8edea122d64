"""Rollouts in one batch are what the model would write one by one."""

from pathlib import Path
from typing import Any

import pytest
import torch

from hipo_data.prompts.conversation import Conversation
from hipo_data.prompts.formats.forcing import forced_starts, forcing_of
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.records import Mode
from hipo_data.trainer.training.generation import Sampling, sample
from hipo_data.trainer.training.tokenizer import load_tokenizer
from tests.support.untagged import untagged_teacher
from tests.trainer.conftest import TEACHER

NEARLY_GREEDY = Sampling(max_tokens=40, temperature=1e-4)


@pytest.fixture(scope="module")
def model() -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(str(TEACHER), dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def conversation() -> Conversation:
    return Conversation(load_tokenizer(str(TEACHER), "chatml", FORMATS["adaptthink"]), FORMATS["adaptthink"], "")


def prompts(conversation: Conversation) -> list[list[int]]:
    asked = [
        "What is 31 + 45?",
        "Find the value of \\(21 + 90 + 84 - 33 - 76\\).",
        "What is the largest of 3, 9 and 4?",
    ]
    return [conversation.prompt_ids([{"role": "user", "content": text}]) for text in asked]


@torch.inference_mode()
def test_a_batch_that_shrinks_writes_what_transformers_writes(model: Any, conversation: Conversation) -> None:
    """Rows end at different steps, so the batch is made smaller under way; prompts have different lengths."""
    rows = [prompt for prompt in prompts(conversation) for _ in range(2)]
    written = sample(model, rows, NEARLY_GREEDY, end_ids=[2], pad_id=0)
    assert len({len(row) for row in written}) > 1
    for prompt, row in zip(rows, written, strict=True):
        ids = torch.tensor([prompt])
        alone = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=40, do_sample=False)
        assert row == alone[0, len(prompt) :].tolist()


@torch.inference_mode()
def test_the_limit_on_tokens_and_the_end_of_a_turn(model: Any, conversation: Conversation) -> None:
    short = sample(model, prompts(conversation), Sampling(3, 1e-4), end_ids=[2], pad_id=0)
    assert [len(row) for row in short] == [3, 3, 3]
    whole = sample(model, prompts(conversation), Sampling(200, 1e-4), end_ids=[2], pad_id=0)
    assert all(row[-1] == 2 and 2 not in row[:-1] for row in whole)


@torch.inference_mode()
def test_a_token_takes_the_place_of_another_in_its_rows_alone(model: Any, conversation: Conversation) -> None:
    rows = prompts(conversation)[:1] * 2
    free = sample(model, rows, NEARLY_GREEDY, end_ids=[2], pad_id=0)
    drawn, wanted = free[0][2], [free[0][2] + 1, free[0][2] + 2]
    first, second = sample(model, rows, NEARLY_GREEDY, end_ids=[2], pad_id=0, swapped=[(drawn, wanted), None])
    assert drawn not in first and first[:4] == [*free[0][:2], *wanted] and second == free[1]
    # What follows is what the model writes behind the tokens that it was given.
    [behind] = sample(model, [rows[0] + first[:4]], NEARLY_GREEDY, end_ids=[2], pad_id=0, swapped=[(drawn, wanted)])
    assert first[4:] == behind[: len(first) - 4]


@torch.inference_mode()
def test_top_p_and_top_k_cut_the_tail(model: Any, conversation: Conversation) -> None:
    torch.manual_seed(0)
    rows = prompts(conversation)[:1] * 32
    cut = (Sampling(40, 5.0, top_k=1), Sampling(40, 5.0, top_p=1e-6))
    greedy = sample(model, rows[:1], NEARLY_GREEDY, end_ids=[2], pad_id=0)[0]
    for sampling in cut:
        assert all(row == greedy for row in sample(model, rows, sampling, end_ids=[2], pad_id=0))
    wild = sample(model, rows, Sampling(40, 5.0), end_ids=[2], pad_id=0)
    assert len(set(map(tuple, wild))) > 16


def test_a_temperature_of_zero_is_refused(model: Any) -> None:
    with pytest.raises(ValueError, match="positive"):
        sample(model, [[5]], Sampling(3, 0.0), end_ids=[2], pad_id=0)


def test_modes_are_forced_by_the_first_tokens_where_the_mode_comes_first(tokenizer: Any) -> None:
    forcing = forcing_of(FORMATS["adaptthink"], tokenizer)
    starts, swapped = forced_starts(forcing, [Mode.THINK_OFF, Mode.THINK_ON])
    assert [tokenizer.decode(ids) for ids in starts] == ["</think>", "Alright"]
    assert swapped == [None, None]


def test_modes_are_forced_by_swapping_the_other_tag_after_a_justification(tmp_path: Path) -> None:
    from transformers import AddedToken, AutoTokenizer

    own = AutoTokenizer.from_pretrained(str(untagged_teacher(tmp_path)))
    with pytest.raises(Exception, match="splits <think_off> into"):
        forcing_of(FORMATS["hipo"], own)
    own.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in ("<think_on>", "<think_off>")])
    starts, swapped = forced_starts(forcing_of(FORMATS["hipo"], own), [Mode.THINK_ON, Mode.THINK_OFF])
    assert starts == [[], []]
    tags = ["<think_off>", "<think_on>"]
    assert [own.convert_ids_to_tokens(pair[0]) for pair in swapped if pair] == tags
    written = [own.decode(pair[1], skip_special_tokens=False) for pair in swapped if pair]
    assert written == ["<think_on>\n<think>", "<think_off>\n<answer>"]
