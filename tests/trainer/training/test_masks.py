"""What is trained on: what the model has to write after the prompt of a row's mode, nothing that the prompt holds."""

from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from hipo_data.prompts.chat_template import chat_template
from hipo_data.prompts.formats.parts import HybridResponse
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Mode
from hipo_data.trainer.training.config import SegmentWeights
from tests.conftest import ROOT

TEACHER = str(ROOT / "models" / "tiny-hybrid")
QUESTION = {"role": "user", "content": "What is 40 + 2?"}
BARE = "<|im_start|>user\nWhat is 40 + 2?<|im_end|>\n<|im_start|>assistant\n"
ON_PROMPTS = {"hipo": "<judge>\n", "adaptthink": "<think>\n", "autothink": "<think>\n...\n"}
OFF_PROMPTS = {**ON_PROMPTS, "qwen3": "<think>\n\n</think>\n\n"}
every = pytest.mark.parametrize(("name", "mode"), [(name, mode) for name in FORMATS for mode in Mode])


def response(name: str, mode: Mode) -> str:
    reasoning = "Forty, and two." if mode is Mode.THINK_ON else None
    return FORMATS[name].render(HybridResponse(mode, "short" if FORMATS[name].justifies else "", reasoning, "42"))


def given(name: str, mode: Mode) -> str:
    return (ON_PROMPTS if mode is Mode.THINK_ON else OFF_PROMPTS).get(name, "")


@pytest.fixture(scope="module")
def plain() -> Any:
    transformers = pytest.importorskip("transformers")
    return transformers.AutoTokenizer.from_pretrained(TEACHER)


@every
def test_what_a_prompt_holds_is_the_beginning_of_every_response_of_its_mode(name: str, mode: Mode) -> None:
    assert FORMATS[name].given(mode) == given(name, mode)
    assert response(name, mode).startswith(given(name, mode))
    assert FORMATS[name].forced_prefix(mode).startswith(given(name, mode))


@every
@pytest.mark.parametrize("asked", [True, False])
def test_the_exported_template_marks_what_the_model_writes_after_the_prompt_of_the_mode(
    plain: Any, name: str, mode: Mode, asked: bool
) -> None:
    """Also for trainers that do not hand the switch to the template."""
    switch = FORMATS[name].chat_template_kwargs(mode)
    template = chat_template(FORMATS[name])
    prompt = plain.apply_chat_template(
        [QUESTION], chat_template=template, tokenize=False, add_generation_prompt=True, **switch
    )
    rows = plain.apply_chat_template(
        [QUESTION, {"role": "assistant", "content": response(name, mode)}],
        chat_template=template, return_dict=True, return_assistant_tokens_mask=True, **(switch if asked else {}),
    )  # fmt: skip
    ids, mask = rows["input_ids"], rows["assistant_masks"]
    first, end = mask.index(1), len(mask) - mask[::-1].index(1)
    assert all(mask[first:end])
    assert plain.decode(ids[:first]) == prompt == BARE + given(name, mode)
    assert plain.decode(ids[first:end]) == response(name, mode).removeprefix(given(name, mode)) + "<|im_end|>"
    assert plain.decode(ids[end:]) == "\n"


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(
    ("name", "template"),
    [*((name, template) for name in FORMATS for template in ("chatml", "model")), ("qwen3", "qwen3's own")],
)
def test_labels_of_train_sft_are_what_the_model_writes_after_the_prompt_of_the_mode(
    name: str, mode: Mode, template: str
) -> None:
    pytest.importorskip("transformers")
    from hipo_data.prompts.conversation import Conversation
    from hipo_data.trainer.training.examples import tokenise
    from hipo_data.trainer.training.tokenizer import load_tokenizer

    if template == "qwen3's own":
        template = str(resources.files("trl") / "chat_templates" / "qwen3.jinja")
    tokenizer = load_tokenizer(TEACHER, template, FORMATS[name])
    text, switch = response(name, mode), FORMATS[name].chat_template_kwargs(mode)
    row = {"problem_id": "p", "mode": mode.value, "messages": [QUESTION, {"role": "assistant", "content": text}]}
    weights = SegmentWeights(judge=2, tag=3, reasoning=5, answer=7)
    [example] = tokenise([row], Conversation(tokenizer, FORMATS[name], ""), 4096, "refuse", weights)
    ids, labels = example["input_ids"], example["labels"]
    held = BARE + given(name, mode)
    if template == "model" and switch:  # the teacher's own opens the reasoning too
        held = tokenizer.apply_chat_template([QUESTION], tokenize=False, add_generation_prompt=True, **switch)
    written = (BARE + text).removeprefix(held) + "<|im_end|>"
    assert tokenizer.decode([token for token, label in zip(ids, labels, strict=True) if label == -100]) == held
    assert tokenizer.decode([label for label in labels if label != -100]) == written
    asked = len(held) > len(BARE) and bool(switch)
    tags = [factor for factor in example["weights"] if factor == 3]
    assert bool(tags) != (asked and mode is Mode.THINK_OFF)


def test_a_template_without_the_switch_is_refused_where_the_prompt_tells_the_mode(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from hipo_data.prompts.conversation import Conversation
    from hipo_data.trainer.training.tokenizer import load_tokenizer

    file = tmp_path / "no-switch.jinja"
    file.write_text(chat_template(FORMATS["thinkless"]))
    tokenizer = load_tokenizer(TEACHER, str(file), FORMATS["qwen3"])
    with pytest.raises(UserError, match=r"gives both modes of the qwen3 format the same prompt.*; set chatml$"):
        Conversation(tokenizer, FORMATS["qwen3"], "set chatml")
    file.write_text(chat_template(FORMATS["qwen3"]).replace("<think>\\n\\n</think>", "<nothink>"))
    tokenizer = load_tokenizer(TEACHER, str(file), FORMATS["qwen3"])
    with pytest.raises(UserError, match=r"ends prompts that ask for think_off in .*<nothink>"):
        Conversation(tokenizer, FORMATS["qwen3"], "set chatml")
