"""Segments of tokens: every token of a response has one segment, whatever the tokenizer makes of the borders."""

from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import FormatError, HybridResponse, Segment, Span
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.prompts.formats.tokens import decoded_offsets, token_segments, token_spans
from hipo_data.schemas.records import Mode
from tests.conftest import ROOT

parts = st.text(alphabet="ab \n\t0é🧮漢…", max_size=12)
responses = st.one_of(
    st.builds(HybridResponse, st.just(Mode.THINK_ON), parts, parts, parts),
    st.builds(HybridResponse, st.just(Mode.THINK_OFF), parts, st.none(), parts),
)
JUDGE, MODE, TAGS, ANSWER = Segment.JUDGE, Segment.MODE, Segment.TAGS, Segment.ANSWER


@cache
def tiny() -> Tokenizer:
    """Byte-level BPE: some characters are several tokens."""
    return Tokenizer.from_file(str(ROOT / "models" / "tiny-hybrid" / "tokenizer.json"))


@cache
def trimming() -> Tokenizer:
    """The same, with the white space taken off the offsets, as in GPT-2's tokenizer."""
    tokenizer = Tokenizer.from_str(tiny().to_str())
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    return tokenizer


@cache
def chunks() -> Tokenizer:
    """Five characters a token, tags and all, between two special tokens: most borders run through a token."""
    tokenizer = Tokenizer(models.WordLevel({"?": 0, "<s>": 1, "</s>": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"(?m).{1,5}"), behavior="isolated")
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    return tokenizer


@cache
def words() -> Tokenizer:
    """Words without the white space between them: some characters are in no token."""
    tokenizer = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


tokenizers = pytest.mark.parametrize("tokenizer", [tiny, trimming, chunks, words], ids=lambda make: make.__name__)
formats = pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS.keys())


@tokenizers
@formats
@settings(max_examples=40)
@given(response=responses, question=st.sampled_from(["", "q <think_on> </judge>\n\n<think>\n 🧮 "]))
def test_every_token_of_a_response_has_one_segment_and_no_other_token_has_any(
    tokenizer: Callable[[], Tokenizer], form: Format, response: HybridResponse, question: str
) -> None:
    try:
        text = form.render(response)
    except FormatError:
        return
    spans = form.segments(text)
    offsets = tokenizer().encode(question + text).offsets
    owners = token_segments(spans, offsets, start=len(question))
    assert len(owners) == len(offsets)
    for (low, high), owner in zip(offsets, owners, strict=True):
        first = (low if low < high else low - 1) - len(question)
        holders = [span.segment for span in spans if span.start <= first < span.end]
        assert holders == ([] if owner is None else [owner])
    ranges = token_spans(spans, offsets, start=len(question))
    assert [each.segment for each in ranges] == [span.segment for span in spans]
    assert [each.start for each in ranges[1:]] == [each.end for each in ranges[:-1]]
    for each in ranges:
        assert owners[each.start : each.end] == [each.segment] * (each.end - each.start)
    assert sum(each.end - each.start for each in ranges) == sum(owner is not None for owner in owners)


def test_a_token_over_a_border_belongs_to_the_segment_of_its_first_character() -> None:
    spans = [Span(JUDGE, 0, 4), Span(TAGS, 4, 6), Span(MODE, 6, 9), Span(ANSWER, 9, 9)]
    offsets = [(0, 3), (3, 5), (5, 9)]
    assert token_segments(spans, offsets) == [JUDGE, JUDGE, TAGS]
    assert token_spans(spans, offsets) == [Span(JUDGE, 0, 2), Span(TAGS, 2, 3), Span(MODE, 3, 3), Span(ANSWER, 3, 3)]


def test_padding_and_special_tokens_are_outside_and_trimmed_white_space_is_not() -> None:
    spans = [Span(JUDGE, 0, 4), Span(ANSWER, 4, 8)]
    offsets = [(0, 0), (0, 0), (0, 3), (4, 4), (4, 8), (0, 0)]
    assert token_segments(spans, offsets) == [None, None, JUDGE, JUDGE, ANSWER, None]
    assert token_spans(spans, offsets) == [Span(JUDGE, 2, 4), Span(ANSWER, 4, 5)]


def test_tokens_before_and_after_the_response_are_outside() -> None:
    offsets = [(0, 5), (5, 10), (10, 14), (14, 18), (18, 20)]
    spans = [Span(JUDGE, 0, 4), Span(ANSWER, 4, 8)]
    assert token_segments(spans, offsets, start=10) == [None, None, JUDGE, ANSWER, None]
    assert token_spans(spans, offsets, start=10) == [Span(JUDGE, 2, 3), Span(ANSWER, 3, 4)]
    assert token_spans(spans, [(0, 5)], start=10) == [Span(JUDGE, 0, 0), Span(ANSWER, 0, 0)]
    assert token_spans([], offsets) == []


@pytest.mark.parametrize("offsets", [[(4, 8), (0, 4)], [(0, 4), (0, 0), (4, 8)]], ids=["backwards", "with a gap"])
def test_offsets_that_do_not_run_from_left_to_right_have_no_ranges(offsets: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="not those of a text read from left to right"):
        token_spans([Span(JUDGE, 0, 4), Span(ANSWER, 4, 8)], offsets)


def test_the_tokens_of_a_mode_tag_are_found_in_a_conversation() -> None:
    form = FORMATS["hipo"]
    prompt = "<|im_start|>user\nIs <think_off> a tag?<|im_end|>\n<|im_start|>assistant\n"
    text = form.render(HybridResponse(Mode.THINK_ON, "Hard.", "1+1=2", "\\boxed{2}"))
    encoding = tiny().encode(prompt + text)
    ranges = {span.segment: span for span in token_spans(form.segments(text), encoding.offsets, start=len(prompt))}
    for segment, expected in ((MODE, "<think_on>"), (JUDGE, "Hard."), (Segment.REASONING, "1+1=2")):
        ids = encoding.ids[ranges[segment].start : ranges[segment].end]
        assert tiny().decode(ids, skip_special_tokens=False) == expected


@settings(max_examples=300)
@given(st.lists(st.integers(0, 511), max_size=12))
def test_sampled_tokens_have_offsets_in_their_own_text(ids: list[int]) -> None:
    text, offsets = decoded_offsets(tiny(), ids)
    assert text == tiny().decode(ids, skip_special_tokens=False)
    assert len(offsets) == len(ids)
    assert offsets == sorted(offsets)
    covered = {character for low, high in offsets for character in range(low, high)}
    assert covered == set(range(len(text)))


@settings(max_examples=200)
@given(st.text(max_size=20))
def test_tokens_of_the_tokenizer_itself_have_its_own_offsets(text: str) -> None:
    encoding = tiny().encode(text.replace("\ufffd", ""))
    assert decoded_offsets(tiny(), encoding.ids) == (text.replace("\ufffd", ""), encoding.offsets)


def test_segments_of_a_rollout_that_was_written_in_unusual_tokens() -> None:
    """A model may spell a tag letter by letter; encoding its text again would give other tokens than it sampled."""
    text = "<think>\nab\n</think>\n\n2"
    ids = [token for character in text for token in tiny().encode(character).ids]
    assert ids != tiny().encode(text).ids
    form = FORMATS["thinkless"]
    read, offsets = decoded_offsets(tiny(), ids)
    assert token_spans(form.segments(read), offsets)[:3] == [
        Span(MODE, 0, 7),
        Span(TAGS, 7, 8),
        Span(Segment.REASONING, 8, 10),
    ]
