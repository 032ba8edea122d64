"""HiPO's format: golden texts, and whatever can be rendered parses back to what it was."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.prompts.formats.hipo import TAGS, parse, render
from hipo_data.prompts.formats.parts import FormatError, HybridResponse
from hipo_data.schemas.records import Mode

fragments = st.sampled_from(
    [
        *TAGS,
        "\n",
        "\n\n",
        "\r\n",
        "<",
        ">",
        "</",
        "judge>",
        "<think",
        "answer>",
        "|",
        " ",
        "a",
        "é",
        "\u2028",
        "\x00",
        "7",
    ]
)
parts = st.one_of(st.text(max_size=20), st.lists(fragments, max_size=6).map("".join))
responses = st.builds(
    HybridResponse, mode=st.sampled_from(Mode), justification=parts, reasoning=st.none() | parts, answer=parts
)
harmless = parts.filter(lambda text: not any(tag in text for tag in TAGS))


def test_think_on_is_byte_for_byte_the_published_format() -> None:
    response = HybridResponse(Mode.THINK_ON, "Two steps.", "First.\n\nSecond.", "42")
    assert render(response) == (
        "<judge>\nTwo steps.\n</judge>\n\n<think_on>\n<think>\nFirst.\n\nSecond.\n</think>\n\n<answer>\n42\n</answer>"
    )


def test_think_off_is_byte_for_byte_the_published_format() -> None:
    response = HybridResponse(Mode.THINK_OFF, "One step.", None, "42")
    assert render(response) == "<judge>\nOne step.\n</judge>\n\n<think_off>\n<answer>\n42\n</answer>"


@settings(max_examples=300)
@given(responses)
def test_a_response_is_refused_or_parses_back_to_itself(response: HybridResponse) -> None:
    try:
        text = render(response)
    except FormatError:
        return
    assert parse(text) == response


@settings(max_examples=150)
@given(harmless, harmless, harmless)
def test_parts_without_tags_are_never_refused(justification: str, reasoning: str, answer: str) -> None:
    for response in (
        HybridResponse(Mode.THINK_ON, justification, reasoning, answer),
        HybridResponse(Mode.THINK_OFF, justification, None, answer),
    ):
        assert parse(render(response)) == response


@settings(max_examples=300)
@given(st.lists(st.one_of(fragments, st.sampled_from([f"{tag}\n" for tag in TAGS])), max_size=14).map("".join))
def test_a_text_is_refused_or_is_exactly_what_its_parts_render_to(text: str) -> None:
    try:
        response = parse(text)
    except FormatError:
        return
    assert render(response) == text


def test_the_texts_that_no_part_may_hold_are_the_formats_and_the_chats() -> None:
    modes = {"<think_on>", "<think_off>"}
    pairs = {f"<{slash}{name}>" for name in ("judge", "think", "answer") for slash in ("", "/")}
    assert set(TAGS) == modes | pairs | {"<|im_start|>", "<|im_end|>"}


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("part", ["justification", "reasoning", "answer"])
def test_a_tag_inside_a_part_is_refused_by_name(part: str, tag: str) -> None:
    changes: dict[str, Any] = {part: f"x {tag} y"}
    with pytest.raises(FormatError, match=f"the {part} contains the tag {re.escape(tag)}$"):
        render(replace(HybridResponse(Mode.THINK_ON, "j", "r", "a"), **changes))


def test_mode_and_reasoning_must_agree() -> None:
    with pytest.raises(FormatError, match="a think_on response lacks reasoning"):
        render(HybridResponse(Mode.THINK_ON, "j", None, "a"))
    with pytest.raises(FormatError, match="a think_off response has reasoning"):
        render(HybridResponse(Mode.THINK_OFF, "j", "", "a"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "<judge>\nj\n</judge>\n\n<think_off>\n<answer>\na\n</answer>\n",
        " <judge>\nj\n</judge>\n\n<think_off>\n<answer>\na\n</answer>",
        "<judge>\nj\n</judge>\n<think_off>\n<answer>\na\n</answer>",
        "<judge>\nj\n</judge>\n\n<think_off>\n<answer>\na",
        "<judge>\nj\n</judge>\n\n<think_on>\n<answer>\na\n</answer>",
        "<judge>\nj\n</judge>\n\n<think_off>\n<think>\nr\n</think>\n\n<answer>\na\n</answer>",
        "<judge>\nj\n</judge>\n\n<think_off>\n<answer>\na\n</answer>\n\n<answer>\nb\n</answer>",
        "<judge>\nj\n</judge>\n\n<think_off>\n<answer>\nanswered <think_on> here\n</answer>",
        "<judge>\r\nj\r\n</judge>\r\n\r\n<think_off>\r\n<answer>\r\na\r\n</answer>",
    ],
)
def test_a_text_that_is_not_exactly_the_format_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse(text)


def test_a_megabyte_of_half_closed_tags_is_handled() -> None:
    reasoning = "\n</ think>\n<answer >\n" * 50_000
    response = HybridResponse(Mode.THINK_ON, "j", reasoning, "a")
    assert parse(render(response)) == response
    with pytest.raises(FormatError):
        parse("<judge>\n" + "\n</judge>\n\n<think_on>\n" * 20_000)
