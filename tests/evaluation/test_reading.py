"""Modes and answers are read out of responses, also out of those that are not what they should be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.evaluation.backend import Reply
from hipo_data.evaluation.reading import Reading, read_reply
from hipo_data.prompts.formats.parts import FormatError, HybridResponse
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.records import FinishReason, Mode

ON, OFF = Mode.THINK_ON, Mode.THINK_OFF


def read(text: str, name: str, finish: FinishReason = FinishReason.STOP) -> Reading:
    return read_reply(Reply(text, 9, finish), FORMATS[name])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("mode", Mode)
def test_whole_responses_are_read(name: str, mode: Mode) -> None:
    reasoning = "so and so" if mode is ON else None
    text = FORMATS[name].render(HybridResponse(mode, "Because.", reasoning, "The answer is 4."))
    assert read(text, name) == Reading(mode, "The answer is 4.", well_formed=True)


@pytest.mark.parametrize(
    ("name", "text", "mode"),
    [
        ("hipo", "<judge>\nBecause", None),
        ("hipo", "<judge>\nBecause.\n</judge>\n\n<think_o", None),
        ("hipo", "<judge>\nBecause.\n</judge>\n\n<think_on>\n<think>\n4, or", ON),
        ("hipo", "<judge>\nBecause.\n</judge>\n\n<think_off>\n<ans", OFF),
        ("qwen3", "<think>\nlet me", ON),
        ("thinkless", "<think>\nlet me", ON),
        ("adaptthink", "<think>\nlet me", ON),
    ],
)
def test_a_response_that_is_cut_off_early_has_a_mode_as_soon_as_it_tells_it(
    name: str, text: str, mode: Mode | None
) -> None:
    assert read(text, name, FinishReason.LENGTH) == Reading(mode, None, well_formed=False)


def test_an_answer_that_is_cut_off_can_still_be_graded() -> None:
    text = "<judge>\nB\n</judge>\n\n<think_off>\n<answer>\nIt is \\boxed{4}, since"
    assert read(text, "hipo", FinishReason.LENGTH) == Reading(OFF, "It is \\boxed{4}, since", well_formed=False)


@pytest.mark.parametrize(
    ("name", "text", "reading"),
    [
        # A tag is missing, or there is more after the end.
        ("hipo", "<judge>\nB\n</judge>\n\n<think_on>\n<think>\nr\n</think>\n\n4", Reading(ON, "4", False)),
        ("hipo", "<judge>\nB\n</judge>\n\n<think_off>\n<answer>\n4\n</answer>\n\n", Reading(OFF, None, False)),
        # Without the line break before the closing tag.
        ("qwen3", "<think>\nr</think>\n\n4", Reading(ON, "4", False)),
        # The closing tag is repeated behind the answer.
        ("qwen3", "<think>\nr\n</think>\n\n4\n</think>", Reading(ON, "4", False)),
        # Reasoning opens again and never ends: whatever stands in it is no answer.
        ("lhrm", "<think>\nr\n</think>\n\n<think>\n\\boxed{4}", Reading(ON, None, False)),
    ],
)
def test_a_later_slip_does_not_hide_the_mode(name: str, text: str, reading: Reading) -> None:
    found = read(text, name)
    assert (found.mode, found.well_formed) == (reading.mode, False)
    if reading.answer is not None or "<think>\n\\boxed" in text:
        assert found.answer == reading.answer


def test_a_text_of_no_format_has_no_mode_yet_an_answer() -> None:
    assert read("The answer is 4.", "hipo") == Reading(None, "The answer is 4.", well_formed=False)


def test_a_plain_model_has_no_mode_and_its_reasoning_is_no_answer() -> None:
    thought = Reply("so\n</think>\n\n4", 9, FinishReason.STOP, starts_in_reasoning=True)
    cut = Reply("so, \\boxed{3} or", 9, FinishReason.LENGTH, starts_in_reasoning=True)
    assert read_reply(thought, None) == Reading(None, "4", well_formed=True)
    assert read_reply(cut, None) == Reading(None, None, well_formed=True)
    assert read_reply(Reply("4", 9, FinishReason.STOP), None) == Reading(None, "4", well_formed=True)
    leaked = Reply("<think>so</think>4<|im_end|>\n</think>", 9, FinishReason.STOP)
    assert read_reply(leaked, None) == Reading(None, "4", well_formed=True)
    opened = Reply("<think>so</think>An example:\n<think>\n\\boxed{3}", 9, FinishReason.STOP)
    assert read_reply(opened, None) == Reading(None, None, well_formed=True)


PIECES = ["<judge>\n", "\n</judge>\n\n", "<think_on>", "<think_off>", "\n<think>\n", "<think>\n", "\n</think>\n\n"]
PIECES += ["</think>", "<answer>\n", "\n</answer>", "<short>", "<no_think>", "a", "\n", "Wait", "...\n"]


@given(st.sampled_from(sorted(FORMATS)), st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
def test_the_mode_of_any_text_is_that_of_its_longest_readable_start(name: str, text: str) -> None:
    fmt = FORMATS[name]
    found = read(text, name, FinishReason.LENGTH)
    try:
        assert found == Reading(fmt.parse(text).mode, fmt.parse(text).answer, well_formed=True)
    except FormatError:
        assert not found.well_formed
        readable = [size for size in range(len(text) + 1) if is_start(name, text[:size])]
        # Once unreadable, always unreadable: what the search for the longest start rests on.
        assert readable == list(range(len(readable)))


def is_start(name: str, text: str) -> bool:
    try:
        FORMATS[name].segments(text)
    except FormatError:
        return False
    return True
