"""Every token of a completion gets its segment, whatever the model wrote."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AddedToken, AutoTokenizer

from hipo_data.prompts.formats.completions import read_completion
from hipo_data.prompts.formats.parts import HybridResponse, Segment
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.prompts.formats.tokens import own_tags
from hipo_data.schemas.records import Mode
from tests.support.untagged import untagged_teacher

END = "<|im_end|>"
LETTER = {segment: segment.value[0] for segment in Segment if segment is not Segment.TAGS}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """It has `<think>` and `</think>` as tokens, and no other tag."""
    return AutoTokenizer.from_pretrained(str(untagged_teacher(tmp_path_factory.mktemp("teacher"))))


@pytest.fixture(scope="module")
def tagged(repo_root):
    """The teacher's tokenizer with a token for every tag."""
    tokenizer = AutoTokenizer.from_pretrained(str(repo_root / "models" / "tiny-hybrid"))
    tags = dict.fromkeys(tag for style in FORMATS.values() for tag in own_tags(style))
    tokenizer.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in tags])
    return tokenizer


def pieces(tokenizer, style: str, text: str) -> list[tuple[str, str]]:
    """(letter of the segment, text) of each stretch of tokens of a completion, read from its text."""
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    reading = read_completion(FORMATS[style], tokenizer, ids, frozenset([tokenizer.eos_token_id]))
    assert len(reading.segments) == len(ids)
    stretches: list[tuple[str, str]] = []
    for token, segment in zip(ids, reading.segments, strict=True):
        word, letter = tokenizer.decode([token]), LETTER[segment]
        if stretches and stretches[-1][0] == letter:
            stretches[-1] = (letter, stretches[-1][1] + word)
        else:
            stretches.append((letter, word))
    return stretches


def mode_of(tokenizer, style: str, text: str) -> Mode | None:
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return read_completion(FORMATS[style], tokenizer, ids, frozenset([tokenizer.eos_token_id])).mode


def test_a_hipo_response_with_thinking(tagged):
    text = "hard\n</judge>\n\n<think_on>\n<think>\n1+1=2\n</think>\n\n<answer>\n2\n</answer>" + END
    assert pieces(tagged, "hipo", text) == [
        ("j", "hard\n</judge>\n\n"),
        ("m", "<think_on>"),
        ("r", "\n<think>\n1+1=2\n</think>\n\n<answer>\n"),
        ("a", "2\n</answer>" + END),
    ]


def test_a_hipo_response_without(tagged):
    text = "easy\n</judge>\n\n<think_off>\n<answer>\n2\n</answer>" + END
    assert pieces(tagged, "hipo", text) == [
        ("j", "easy\n</judge>\n\n"),
        ("m", "<think_off>"),
        ("a", "\n<answer>\n2\n</answer>" + END),
    ]


@pytest.mark.parametrize(
    ("style", "text", "stretches", "mode"),
    [
        ("thinkless", "<short>\n2" + END, [("m", "<short>"), ("a", "\n2" + END)], Mode.THINK_OFF),
        ("lhrm", "<no_think>\n2\n</no_think>" + END, [("m", "<no_think>"), ("a", "\n2\n</no_think>" + END)],
         Mode.THINK_OFF),
        ("adaptthink", "</think>\n\n2" + END, [("m", "</think>"), ("a", "\n\n2" + END)], Mode.THINK_OFF),
        ("adaptthink", "1+1=2\n</think>\n\n2" + END, [("m", "1"), ("r", "+1=2\n</think>\n\n"), ("a", "2" + END)],
         Mode.THINK_ON),
    ],
)  # fmt: skip
def test_formats_that_start_with_the_mode(tagged, style, text, stretches, mode):
    assert pieces(tagged, style, text) == stretches
    assert mode_of(tagged, style, text) is mode


@pytest.mark.parametrize(
    ("text", "stretches", "mode"),
    [
        ("har", [("j", "har")], None),
        ("hard\n</judge>\n\n<think_on>", [("j", "hard\n</judge>\n\n"), ("m", "<think_on>")], Mode.THINK_ON),
        ("hard\n</judge>\n\n<think_on>\n<think>\n1+", None, Mode.THINK_ON),
        ("easy\n</judge>\n\n<think_off>\n<ans", None, Mode.THINK_OFF),
    ],
)
def test_a_truncated_response_has_what_it_reached(tagged, text, stretches, mode):
    assert stretches is None or pieces(tagged, "hipo", text) == stretches
    assert mode_of(tagged, "hipo", text) is mode


def test_a_malformed_response_keeps_the_mode_that_it_chose(tagged):
    text = "hard\n</judge>\n\n<think_on>\n<think>\n1+1=2<think_off>\n3" + END
    assert mode_of(tagged, "hipo", text) is Mode.THINK_ON
    assert pieces(tagged, "hipo", text)[2:] == [("r", "\n<think>\n1+1=2<think_off>\n3" + END)]


def test_text_outside_of_the_format_has_no_mode(tagged):
    assert mode_of(tagged, "thinkless", "Sure! <think>\n1\n</think>\n\n2" + END) is None


def test_a_tag_that_the_tokenizer_splits_has_several_mode_tokens(tokenizer):
    text = "easy\n</judge>\n\n<think_off>\n<answer>\n2\n</answer>" + END
    judge, mode, answer = pieces(tokenizer, "hipo", text)
    assert mode[0] == "m" and "think_off" in mode[1]
    assert len(tokenizer("<think_off>", add_special_tokens=False)["input_ids"]) > 1
    assert (judge[0], answer[0]) == ("j", "a")


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_is_sampled_every_token_has_a_segment(tagged, data):
    style = FORMATS[data.draw(st.sampled_from(sorted(FORMATS)))]
    known = [tagged.convert_tokens_to_ids(tag) for tag in own_tags(style)]
    ids = data.draw(st.lists(st.one_of(st.sampled_from(known), st.integers(0, len(tagged) - 1)), max_size=30))
    reading = read_completion(style, tagged, ids, frozenset([tagged.eos_token_id]))
    assert len(reading.segments) == len(ids)
    assert Segment.TAGS not in reading.segments
    if reading.response is not None:
        assert reading.mode is reading.response.mode


@given(st.sampled_from(sorted(FORMATS)), st.sampled_from(list(Mode)), st.integers(0, 10**6))
@settings(max_examples=80, deadline=None)
def test_a_rendered_response_has_one_stretch_of_mode_tokens(tagged, name, mode, number):
    style = FORMATS[name]
    said = HybridResponse(mode, "why" if style.justifies else "", "so" if mode is Mode.THINK_ON else None, str(number))
    text = style.render(said).removeprefix(style.prompt_suffix) + END
    ids = tagged(text, add_special_tokens=False)["input_ids"]
    reading = read_completion(style, tagged, ids, frozenset([tagged.eos_token_id]))
    assert reading.response == said
    places = [at for at, code in enumerate(reading.segments) if code is Segment.MODE]
    assert places and places == list(range(places[0], places[-1] + 1))
