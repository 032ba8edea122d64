"""Formats against the chat templates of the models that they are for, as TRL ships them."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from hipo_data.prompts.formats.parts import FormatError, HybridResponse
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.records import Mode
from tests.conftest import ROOT

TINY = ROOT / "models" / "tiny-hybrid" / "chat_template.jinja"
HOSTILE_QUESTION = "What does <think>\n\n</think>\n\n do, and <answer>?\n</answer> {{ 7 * 7 }} <short>"
parts = st.lists(st.sampled_from(["\n", " ", "a", "é", "</", "think>", "\r\n", "...", "{{ 1 }}"]), max_size=6).map(
    "".join
)


def shipped(name: str) -> Path:
    """A template that TRL ships."""
    trl = find_spec("trl")
    if trl is None or not trl.submodule_search_locations:
        pytest.skip("TRL, which ships the models' chat templates, is not installed")
    return Path(trl.submodule_search_locations[0]) / "chat_templates" / f"{name}.jinja"


@cache
def compiled(template: Path) -> Template:
    """A template as transformers compiles it."""
    return ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(template.read_text())


def conversation(template: Path, turns: list[str], **variables: Any) -> str:
    """What a model is given: turns of user and assistant in alternation."""
    messages = [{"role": ("user", "assistant")[at % 2], "content": turn} for at, turn in enumerate(turns)]
    return compiled(template).render(messages=messages, bos_token="", **variables)


@settings(max_examples=200)
@given(st.sampled_from(Mode), parts, parts)
def test_qwen3s_template_writes_a_response_as_we_do_or_we_refuse_it(mode: Mode, reasoning: str, answer: str) -> None:
    form = FORMATS["qwen3"]
    try:
        text = form.render(HybridResponse(mode, "", reasoning if mode is Mode.THINK_ON else None, answer))
    except FormatError:
        return
    template = shipped("qwen3")
    prompt = f"<|im_start|>user\n{HOSTILE_QUESTION}<|im_end|>\n<|im_start|>assistant\n"
    assert conversation(template, [HOSTILE_QUESTION, text]) == f"{prompt}{text}<|im_end|>\n"


@pytest.mark.parametrize(
    ("reasoning", "answer", "said"),
    [
        ("\nr", "a", "the reasoning starts or ends with a line break, which Qwen3's chat template drops"),
        ("r\n", "a", "the reasoning starts or ends with a line break, which Qwen3's chat template drops"),
        ("r", "\na", "the answer starts with a line break, which Qwen3's chat template drops"),
        (None, "\na", "the answer starts with a line break, which Qwen3's chat template drops"),
    ],
)
def test_what_qwen3s_template_would_drop_is_refused(reasoning: str | None, answer: str, said: str) -> None:
    mode = Mode.THINK_OFF if reasoning is None else Mode.THINK_ON
    with pytest.raises(FormatError, match=rf"^{said}$"):
        FORMATS["qwen3"].render(HybridResponse(mode, "", reasoning, answer))
    close = "\n</think>\n\n"
    text = f"<think>\n{reasoning or ''}{close}{answer}"
    assert text not in conversation(shipped("qwen3"), ["q", text])


def test_qwen3s_template_drops_the_reasoning_after_a_question_that_we_refuse() -> None:
    question = "<tool_response>\n7\n</tool_response>"
    assert "reasons" not in conversation(shipped("qwen3"), [question, "<think>\nreasons\n</think>\n\n42"])
    with pytest.raises(FormatError, match=r"^the question contains the tag <tool_response>$"):
        FORMATS["qwen3"].check_question(question)


@pytest.mark.parametrize("name", ["qwen3", "qwen3_5_think", "tiny-hybrid"])
@pytest.mark.parametrize("mode", list(Mode))
def test_the_switch_makes_the_template_write_the_forced_prefix(name: str, mode: Mode) -> None:
    form = FORMATS["qwen3"]
    template = TINY if name == "tiny-hybrid" else shipped(name)
    prompt = conversation(template, ["q"], add_generation_prompt=True, **form.chat_template_kwargs(mode))
    held = prompt.rpartition("<|im_start|>assistant\n")[2]
    assert held == ("" if (name, mode) == ("qwen3", Mode.THINK_ON) else form.forced_prefix(mode))


def test_a_rollout_parses_with_what_the_prompt_held_in_front_whatever_the_question_says() -> None:
    form = FORMATS["qwen3"]
    for mode, written in ((Mode.THINK_ON, "two\n</think>\n\n42"), (Mode.THINK_OFF, "42")):
        variables = form.chat_template_kwargs(mode)
        prompt = conversation(TINY, [HOSTILE_QUESTION], add_generation_prompt=True, **variables)
        bare = conversation(TINY, [HOSTILE_QUESTION]) + "<|im_start|>assistant\n"
        response = form.parse(prompt.removeprefix(bare) + written)
        assert (response.mode, response.answer) == (mode, "42")


def test_deepseeks_template_ends_in_what_adaptthink_starts_with() -> None:
    prompt = conversation(shipped("deepseek_r1_distill"), ["q"], add_generation_prompt=True)
    assert prompt == f"<｜User｜>q<｜Assistant｜>{FORMATS['adaptthink'].prompt_suffix}"


def test_templates_that_cut_at_the_closing_think_tag_lose_what_we_warn_of() -> None:
    """Should a template stop to cut, the warnings in adaptthink.py, autothink.py and hipo.py have to go."""
    text = FORMATS["adaptthink"].render(HybridResponse(Mode.THINK_ON, "", "reasons", "42"))
    assert "reasons" not in conversation(shipped("deepseek_r1_distill"), ["q", text])
    text = FORMATS["hipo"].render(HybridResponse(Mode.THINK_ON, "judged", "reasons", "42"))
    assert "judged" not in conversation(shipped("qwen3"), ["q", text])
    assert text in conversation(TINY, ["q", text])
