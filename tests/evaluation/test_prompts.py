"""A prompt ends where the model has to go on, whatever its chat template writes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hipo_data.evaluation.backend import Ask
from hipo_data.evaluation.prompts import Prompts, load_tokenizer
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.prompts.formats.tokens import own_tags
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Mode
from tests.support.untagged import untagged_teacher

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HEAD = "<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n"


def ask(forced: Mode | None = None) -> Ask:
    return Ask(({"role": "user", "content": "1+1?"},), 0, forced)


@pytest.fixture(scope="module")
def teacher(repo_root: Path) -> str:
    return str(repo_root / "models" / "tiny-hybrid")


def tokenizer_of(teacher: str) -> Any:
    from transformers import AutoTokenizer  # which takes seconds, and tests are collected by each worker

    return AutoTokenizer.from_pretrained(teacher)


def prompts(teacher: str, name: str | None, template: str | None = CHATML, allow: bool = True) -> Prompts:
    tokenizer = tokenizer_of(teacher)
    tokenizer.chat_template = template if template != "own" else tokenizer.chat_template
    return Prompts(tokenizer, "m", FORMATS[name] if name else None, allow)


@pytest.mark.parametrize("written", ["", "<judge>\n"])
def test_what_the_template_already_writes_is_not_written_twice(teacher: str, written: str) -> None:
    template = CHATML.replace("assistant\n{% endif", f"assistant\n{written}{{% endif")
    made = prompts(teacher, "hipo", template)
    assert made.prompt(ask()) == (HEAD + "<judge>\n", "<judge>\n")
    off = "<judge>\n\n</judge>\n\n<think_off>"
    assert made.prompt(ask(Mode.THINK_OFF)) == (HEAD + off, off)


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"qwen3"}))
@pytest.mark.parametrize("mode", [None, *Mode])
def test_a_prompt_ends_in_the_start_of_the_response(teacher: str, name: str, mode: Mode | None) -> None:
    fmt = FORMATS[name]
    start = fmt.forced_prefix(mode) if mode else fmt.prompt_suffix
    assert prompts(teacher, name).prompt(ask(mode)) == (HEAD + start, start)


def test_a_template_that_takes_the_mode_is_left_to_write_it(teacher: str) -> None:
    made = prompts(teacher, "qwen3", "own")
    on, off = "<think>\n", "<think>\n\n</think>\n\n"
    assert made.prompt(ask(Mode.THINK_ON)) == (HEAD + on, on)
    assert made.prompt(ask(Mode.THINK_OFF)) == (HEAD + off, off)
    assert made.prompt(ask()) == (HEAD + on, on)  # what this template does by itself
    # Qwen3's own template leaves `<think>` to the model.
    assert prompts(teacher, "qwen3").prompt(ask(Mode.THINK_ON)) == (HEAD, "")


@pytest.mark.parametrize("tail", ["</think>", "<think></think>", "<think>\n\n</think>\n"])
def test_a_template_that_closes_the_reasoning_in_its_own_way_asks_for_think_off(teacher: str, tail: str) -> None:
    """As those of DeepSeek-V3.1, GLM and SmolLM3 do."""
    switch = f"assistant\n{{% if enable_thinking %}}<think>{{% else %}}{tail}{{% endif %}}{{% endif"
    made = prompts(teacher, "qwen3", CHATML.replace("assistant\n{% endif", switch))
    start = FORMATS["qwen3"].given(Mode.THINK_OFF)
    prompt, given = made.prompt(ask(Mode.THINK_OFF))
    # Jinja drops one line break at the end of a template.
    assert (prompt.rstrip("\n"), given) == ((HEAD + tail).rstrip("\n"), start)
    assert made.prompt(ask())[1] == start  # what this template does by itself
    assert made.prompt(ask(Mode.THINK_ON)) == (HEAD + "<think>", "<think>")


def test_a_forced_mode_stands_behind_the_justification(teacher: str) -> None:
    start = "<judge>\nEasy.\n</judge>\n\n<think_off>"
    for written in ("", "<judge>\n"):
        made = prompts(teacher, "hipo", CHATML.replace("assistant\n{% endif", f"assistant\n{written}{{% endif"))
        assert made.prompt(replace(ask(Mode.THINK_OFF), justification="Easy.")) == (HEAD + start, start)


def test_a_plain_model_gets_what_its_template_writes(teacher: str) -> None:
    made = prompts(teacher, None, "own")
    prompt, start = made.prompt(ask())
    assert (prompt, start, made.starts_in_reasoning(prompt)) == (HEAD + "<think>\n", "", True)
    bare = prompts(teacher, None)
    assert not bare.starts_in_reasoning(bare.prompt(ask())[0])


def test_a_model_without_a_chat_template_is_refused(teacher: str) -> None:
    with pytest.raises(UserError, match="the tokenizer of 'm' has no chat template"):
        prompts(teacher, "hipo", None)


def test_a_tokenizer_that_splits_a_tag_is_refused_unless_allowed(tmp_path: Path) -> None:
    teacher = str(untagged_teacher(tmp_path))
    tokenizer = tokenizer_of(teacher)
    pieces = len(tokenizer("<judge>", add_special_tokens=False)["input_ids"])
    said = f"splits the hipo format's tag <judge> into {pieces} tokens; the model was hardly"
    with pytest.raises(UserError, match=said):
        prompts(teacher, "hipo", allow=False)
    tokenizer.add_tokens(own_tags(FORMATS["hipo"]), special_tokens=True)
    made = Prompts(tokenizer, "m", FORMATS["hipo"], allow_split_tags=False)
    assert len(made.ids("<think_on><judge>")) == 2


def test_a_template_that_refuses_is_quoted(teacher: str) -> None:
    made = prompts(teacher, None, "{{ raise_exception('only one turn') }}")
    with pytest.raises(UserError, match="the chat template of 'm' refuses a conversation: only one turn"):
        made.prompt(ask())


def test_a_model_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"'{tmp_path}' has no tokenizer that transformers can load"):
        load_tokenizer(str(tmp_path))
