"""All formats: golden texts; whatever is rendered parses back and has its segments; hostile text is refused by name."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import CHAT_TAGS, FormatError, HybridResponse, Segment
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.prompts.formats.tagged import Tag, TaggedFormat
from hipo_data.schemas.records import Mode

ON = HybridResponse(Mode.THINK_ON, "Two steps.", "First.\n\nSecond.", "42")
OFF = HybridResponse(Mode.THINK_OFF, "One step.", None, "42")
ALL_TAGS = sorted({tag for form in FORMATS.values() for tag in form.tags})
PIECES = [
    *ALL_TAGS,
    "\n",
    "\n\n",
    "\r\n",
    "<",
    ">",
    "</",
    "think>",
    "<think",
    "...",
    "...\n",
    "Alright",
    " ",
    "\t",
    "é",
    "🧮",
]
PIECES += [f"{tag}\n" for tag in ALL_TAGS] + [f"\n{tag}" for tag in ALL_TAGS] + [f"\n{tag}\n\n" for tag in ALL_TAGS]
PIECES += ["\u2028", "\x00", "7"]

fragments = st.sampled_from(PIECES)
parts = st.one_of(st.text(max_size=12), st.lists(fragments, max_size=6).map("".join))
responses = st.builds(
    HybridResponse, mode=st.sampled_from(Mode), justification=parts, reasoning=st.none() | parts, answer=parts
)
tagless = parts.filter(lambda text: not any(tag in text for tag in ALL_TAGS))
formats = pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS.keys())
mode_tagged = pytest.mark.parametrize(
    ("name", "mode"),
    [("hipo", mode) for mode in Mode]
    + [("thinkless", mode) for mode in Mode]
    + [("lhrm", mode) for mode in Mode]
    + [("adaptthink", mode) for mode in Mode]
    + [("arm", mode) for mode in Mode]
    + [("autothink", Mode.THINK_OFF), ("qwen3", Mode.THINK_OFF)],
)


def kept(form: Format, response: HybridResponse) -> HybridResponse:
    """What of a response survives: formats without a justification drop it."""
    return response if form.justifies else replace(response, justification="")


@pytest.mark.parametrize(
    ("name", "on", "off"),
    [
        (
            "hipo",
            "<judge>\nTwo steps.\n</judge>\n\n<think_on>\n<think>\nFirst.\n\nSecond.\n</think>\n\n"
            "<answer>\n42\n</answer>",
            "<judge>\nOne step.\n</judge>\n\n<think_off>\n<answer>\n42\n</answer>",
        ),
        ("thinkless", "<think>\nFirst.\n\nSecond.\n</think>\n\n42", "<short>\n42"),
        ("lhrm", "<think>\nFirst.\n\nSecond.\n</think>\n\n42", "<no_think>\n42\n</no_think>"),
        ("adaptthink", "<think>\nFirst.\n\nSecond.\n</think>\n\n42", "<think>\n</think>\n\n42"),
        ("autothink", "<think>\n...\nFirst.\n\nSecond.\n</think>\n\n42", "<think>\n...\n</think>\n\n42"),
        ("qwen3", "<think>\nFirst.\n\nSecond.\n</think>\n\n42", "<think>\n\n</think>\n\n42"),
        (
            "arm",
            "<LONG_COT>\nFirst.\n\nSecond.\n</LONG_COT>\n<ANSWER>\n42\n</ANSWER>",
            "<ANSWER>\n42\n</ANSWER>",
        ),
    ],
)
def test_texts_are_byte_for_byte_those_of_the_method(name: str, on: str, off: str) -> None:
    assert FORMATS[name].render(ON) == on
    assert FORMATS[name].render(OFF) == off


@pytest.mark.parametrize(("arm", "tag"), [("short_cot", "COT"), ("code", "CODE"), ("long_cot", "LONG_COT")])
def test_arms_format_tells_its_arms_by_their_text(arm: str, tag: str) -> None:
    form, response = FORMATS["arm"], replace(ON, mode=Mode(arm), justification="")
    text = f"<{tag}>\nFirst.\n\nSecond.\n</{tag}>\n<ANSWER>\n42\n</ANSWER>"
    assert form.render(response) == text
    assert form.parse(text) == replace(response, mode=form.written_as(response.mode))
    assert form.written_as(Mode("long_cot")) is Mode.THINK_ON
    assert form.forced_prefix(Mode(arm)) == f"<{tag}>"
    with pytest.raises(FormatError, match="contains the tag <CODE>"):
        form.render(replace(response, reasoning="as <CODE>"))


def test_formats_are_known_by_their_own_names() -> None:
    assert {name: form.name for name, form in FORMATS.items()} == {
        name: name for name in ("hipo", "thinkless", "lhrm", "adaptthink", "autothink", "qwen3", "arm")
    }
    assert [name for name, form in FORMATS.items() if form.justifies] == ["hipo"]


@formats
@settings(max_examples=250)
@given(response=responses)
def test_a_response_is_refused_or_parses_back_to_itself(form: Format, response: HybridResponse) -> None:
    try:
        text = form.render(response)
    except FormatError:
        return
    assert form.parse(text) == kept(form, response)


@formats
@settings(max_examples=100)
@given(justification=tagless, reasoning=tagless, answer=tagless)
def test_parts_without_tags_are_never_refused(form: Format, justification: str, reasoning: str, answer: str) -> None:
    if form.name == "qwen3":  # refuses line breaks at the ends, tested below
        reasoning, answer = f".{reasoning}.", f".{answer}"
    for response in (
        HybridResponse(Mode.THINK_ON, justification, reasoning, answer),
        HybridResponse(Mode.THINK_OFF, justification, None, answer),
    ):
        assert form.parse(form.render(response)) == kept(form, response)


@formats
@settings(max_examples=250)
@given(data=st.data())
def test_a_text_is_refused_or_is_exactly_what_its_parts_render_to(form: Format, data: st.DataObject) -> None:
    mode = data.draw(st.sampled_from(Mode))
    start = data.draw(st.sampled_from(["", form.prompt_suffix, form.forced_prefix(mode, "j")]))
    text = start + "".join(data.draw(st.lists(fragments, max_size=8)))
    try:
        response = form.parse(text)
    except FormatError:
        return
    assert form.render(response) == text


@formats
@settings(max_examples=150)
@given(response=responses)
def test_segments_partition_the_text_in_order_and_are_the_parts(form: Format, response: HybridResponse) -> None:
    try:
        text = form.render(response)
    except FormatError:
        return
    spans = form.segments(text)
    assert [span.start for span in spans] == [0, *[span.end for span in spans[:-1]]]
    assert spans[-1].end == len(text)
    slices = {span.segment: text[span.start : span.end] for span in spans}
    assert slices.get(Segment.JUDGE) == (response.justification if form.justifies else None)
    assert slices.get(Segment.REASONING) == response.reasoning
    assert slices[Segment.ANSWER] == response.answer
    named = [span.segment for span in spans if span.segment is not Segment.TAGS]
    order = [Segment.JUDGE, Segment.MODE, Segment.REASONING, Segment.ANSWER]
    assert named == [segment for segment in order if segment in named]


@pytest.mark.parametrize(
    ("name", "on", "off"),
    [
        ("hipo", "<think_on>", "<think_off>"),
        ("thinkless", "<think>", "<short>"),
        ("lhrm", "<think>", "<no_think>"),
        ("adaptthink", None, "</think>"),
        ("autothink", None, "</think>"),
        ("qwen3", None, "<think>\n\n</think>\n\n"),
    ],
)
def test_the_mode_segment_is_what_tells_the_mode(name: str, on: str | None, off: str) -> None:
    form = FORMATS[name]
    for response, expected in ((ON, on), (OFF, off)):
        text = form.render(response)
        found = [text[span.start : span.end] for span in form.segments(text) if span.segment is Segment.MODE]
        assert found == ([] if expected is None else [expected])


@formats
@pytest.mark.parametrize("response", [ON, OFF], ids=["on", "off"])
def test_a_text_that_was_cut_off_anywhere_has_the_segments_that_it_reached(
    form: Format, response: HybridResponse
) -> None:
    text = form.render(response)
    whole = form.segments(text)
    other = form.render(OFF if response is ON else ON)
    assert form.segments("") == []
    for length in range(1, len(text)):
        spans = form.segments(text[:length])
        assert [span.start for span in spans] == [0, *[span.end for span in spans[:-1]]]
        assert spans[-1].end == length
        # a line break at the cut may be a part's or the next tag's, and a beginning of both modes' texts is neither's
        if not text[:length].endswith("\n") and not other.startswith(text[:length]):
            assert spans == [replace(span, end=min(span.end, length)) for span in whole if span.start < length]


@formats
@pytest.mark.parametrize("response", [ON, OFF], ids=["on", "off"])
def test_a_text_that_was_cut_off_before_its_answer_does_not_parse(form: Format, response: HybridResponse) -> None:
    text = form.render(response)
    answer = next(span.start for span in form.segments(text) if span.segment is Segment.ANSWER)
    for length in range(answer):
        with pytest.raises(FormatError):
            form.parse(text[:length])


@pytest.mark.parametrize("name", ["hipo", "lhrm"])
def test_text_after_the_last_tag_is_refused(name: str) -> None:
    text = FORMATS[name].render(OFF) + "\n"
    for read in (FORMATS[name].parse, FORMATS[name].segments):
        with pytest.raises(FormatError, match=f"^the text is not in the {name} format, which is "):
            read(text)


def test_a_format_of_ones_own_whose_modes_look_alike_is_refused_where_they_do() -> None:
    form = TaggedFormat(
        name="own",
        think_on=(Tag("<r>"), Segment.REASONING, Tag("</r>"), Segment.ANSWER),
        think_off=(Tag("<r></r>", Segment.MODE), Segment.ANSWER),
        tags=("<r>", "</r>"),
    )
    assert form.parse(form.render(ON)) == kept(form, ON)
    with pytest.raises(FormatError, match=r"^the own format cannot tell this think_on response from another one$"):
        form.render(replace(ON, reasoning=""))


def test_a_text_that_breaks_off_is_told_from_one_that_is_in_another_format() -> None:
    with pytest.raises(FormatError, match=r"^the text breaks off before the end of a response in the lhrm format$"):
        FORMATS["lhrm"].parse("<no_think>\n42")
    with pytest.raises(FormatError) as other:
        FORMATS["thinkless"].parse("42")
    assert str(other.value) == (
        "the text is not in the thinkless format, which is "
        r"'<think>\n{reasoning}\n</think>\n\n{answer}' or '<short>\n{answer}'"
    )


@formats
@pytest.mark.parametrize("part", ["justification", "reasoning", "answer"])
def test_a_tag_inside_a_part_is_refused_by_name(form: Format, part: str) -> None:
    for tag in form.tags:
        changes: dict[str, Any] = {part: f"x {tag} y"}
        response = replace(ON, **changes)
        if part == "justification" and not form.justifies:
            assert form.parse(form.render(response)) == kept(form, response)
            continue
        with pytest.raises(FormatError, match=rf"^the {part} contains the tag {re.escape(tag)}$"):
            form.render(response)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("thinkless", {"<short>"}),
        ("lhrm", {"<no_think>", "</no_think>"}),
        ("adaptthink", set()),
        ("autothink", set()),
        ("qwen3", set()),
    ],
)
def test_no_part_may_hold_a_think_tag_a_tag_of_the_format_or_one_of_the_chat(name: str, own: set[str]) -> None:
    assert set(FORMATS[name].tags) == {"<think>", "</think>", *own, *CHAT_TAGS}


@formats
@pytest.mark.parametrize("reasoning", ["a <think>\nb\n</think>\n\nc", "a\n</think>\n\nb\n</think>\n\nc", "<think>\na"])
def test_nested_think_tags_are_refused_in_a_response_and_in_a_text(form: Format, reasoning: str) -> None:
    with pytest.raises(FormatError, match=r"the reasoning contains the tag </?think>"):
        form.render(replace(ON, reasoning=reasoning))
    with pytest.raises(FormatError):
        form.parse(form.render(replace(ON, reasoning="#")).replace("#", reasoning))


@formats
def test_mode_and_reasoning_must_agree(form: Format) -> None:
    with pytest.raises(FormatError, match=r"^a think_on response lacks reasoning$"):
        form.render(replace(ON, reasoning=None))
    with pytest.raises(FormatError, match=r"^a think_off response has reasoning$"):
        form.render(replace(OFF, reasoning=""))


@formats
def test_empty_parts_and_white_space_at_their_ends_come_back_as_they_were(form: Format) -> None:
    for part in ("", " ", "\t x \r", " \u00a0\u2028"):
        for response in (HybridResponse(Mode.THINK_ON, part, part or "r", part), replace(OFF, answer=part)):
            assert form.parse(form.render(response)) == kept(form, response)


def test_empty_reasoning_is_another_text_than_think_off_or_is_refused() -> None:
    empty = replace(ON, reasoning="")
    for name in ("hipo", "thinkless", "lhrm", "adaptthink", "autothink"):
        assert FORMATS[name].parse(FORMATS[name].render(empty)).mode is Mode.THINK_ON
    with pytest.raises(FormatError, match=r"^the reasoning is empty, which the qwen3 format writes as think_off$"):
        FORMATS["qwen3"].render(empty)


@formats
def test_every_text_starts_with_what_the_prompt_ends_in_and_with_the_forced_prefix(form: Format) -> None:
    alright = replace(ON, reasoning="Alright, two steps.")
    for response in (alright, OFF):
        text = form.render(response)
        forced = form.forced_prefix(response.mode, response.justification)
        assert text.startswith(forced)
        assert forced.startswith(form.prompt_suffix)


@mode_tagged
@settings(max_examples=100)
@given(tail=st.lists(st.one_of(fragments, st.just("\n</think>\n\n")), max_size=5).map("".join))
def test_what_follows_a_forced_prefix_has_its_mode_or_does_not_parse(name: str, mode: Mode, tail: str) -> None:
    form = FORMATS[name]
    try:
        response = form.parse(form.forced_prefix(mode) + tail)
    except FormatError:
        return
    assert response.mode is mode


@pytest.mark.parametrize(
    ("name", "on", "off"),
    [
        ("hipo", "<judge>\nj\n</judge>\n\n<think_on>", "<judge>\nj\n</judge>\n\n<think_off>"),
        ("thinkless", "<think>", "<short>"),
        ("lhrm", "<think>", "<no_think>"),
        ("adaptthink", "<think>\nAlright", "<think>\n</think>"),
        ("autothink", "<think>\n...\n", "<think>\n...\n</think>"),
        ("qwen3", "<think>\n", "<think>\n\n</think>\n\n"),
    ],
)
def test_a_mode_is_forced_by_what_the_method_forces_it_with(name: str, on: str, off: str) -> None:
    form = FORMATS[name]
    assert form.forced_prefix(Mode.THINK_ON, "j") == on
    assert form.forced_prefix(Mode.THINK_OFF, "j") == off
    suffixes = {"hipo": "<judge>\n", "adaptthink": "<think>\n", "autothink": "<think>\n...\n"}
    assert form.prompt_suffix == suffixes.get(name, "")


def test_a_tag_in_a_forced_justification_is_refused() -> None:
    with pytest.raises(FormatError, match=r"^the justification contains the tag </judge>$"):
        FORMATS["hipo"].forced_prefix(Mode.THINK_ON, "\n</judge>\n\n<think_off>")
    assert FORMATS["thinkless"].forced_prefix(Mode.THINK_ON, "</judge>") == "<think>"


def test_only_qwen3_has_a_switch_in_its_chat_template() -> None:
    switches = {name: [form.chat_template_kwargs(mode) for mode in Mode] for name, form in FORMATS.items()}
    assert switches.pop("qwen3") == [{"enable_thinking": True}, {"enable_thinking": False}]
    assert all(switch == [{}, {}] for switch in switches.values())


def test_the_switch_is_a_copy_that_a_caller_may_add_to() -> None:
    FORMATS["qwen3"].chat_template_kwargs(Mode.THINK_ON)["enable_thinking"] = False
    assert FORMATS["qwen3"].chat_template_kwargs(Mode.THINK_ON) == {"enable_thinking": True}


@formats
def test_a_question_may_speak_of_tags_but_not_break_out_of_its_turn(form: Format) -> None:
    form.check_question("What do <think>, </think>, <answer> and <judge>\n mean?\n</judge>\n\n<think_off>")
    for tag in CHAT_TAGS:
        with pytest.raises(FormatError, match=rf"^the question contains the tag {re.escape(tag)}$"):
            form.check_question(f"Say {tag} twice.")


@formats
def test_a_megabyte_of_half_closed_tags_is_handled(form: Format) -> None:
    response = replace(ON, reasoning=".\n</ think>\n<answer >\n\n</thin" * 40_000)
    assert form.parse(form.render(response)) == kept(form, response)
    for text in ("\n</judge>\n\n<think_on>\n" * 40_000, "\n</think>\n\n" * 80_000):
        with pytest.raises(FormatError):
            form.parse(form.forced_prefix(Mode.THINK_ON) + text)
