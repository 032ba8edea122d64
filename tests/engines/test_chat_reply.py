"""A reply of any shape is read or named: what has another shape is no response, and fails its own request alone."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.engines.base import Completion
from hipo_data.engines.chat_reply import completion
from hipo_data.engines.endpoint_failure import EndpointFailure, Kind, status_kind, status_text
from hipo_data.engines.json_body import Unreadable, parsed
from hipo_data.schemas.records import FinishReason
from tests.engines.odd_replies import ODD, USAGE, reply


@pytest.mark.parametrize("name", ODD)
def test_odd_shape_is_a_failure_that_names_it(name: str) -> None:
    body, said = ODD[name]
    with pytest.raises(EndpointFailure) as caught:
        completion(body, "")
    assert said in str(caught.value) and caught.value.kind is Kind.BROKEN


@pytest.mark.parametrize("found", ["x" * 10**6, ["x" * 1000] * 1000, {str(number): "x" for number in range(10**4)}])
def test_words_of_the_server_are_cut_short(found: Any) -> None:
    for body in (reply(finish=found), reply(content={"a": found}), reply({**USAGE, "prompt_tokens": found}), found):
        with pytest.raises(EndpointFailure) as caught:
            completion(body, "")
        assert len(str(caught.value)) < 1200
    assert len(status_text(400, {"error": {"message": found}}, "max_tokens")) < 1200


@pytest.mark.parametrize("body", [b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900, b"[" * 100_000])
def test_deep_json_is_a_text_that_nobody_walks_into(body: bytes) -> None:
    found = parsed(body)
    assert isinstance(found, Unreadable) and found == body.decode()


def test_json_with_many_brackets_is_not_deep() -> None:
    wide = {"logprobs": [{"token": "a", "top": []}] * 1000}
    assert parsed(json.dumps(wide).encode()) == wide


@pytest.mark.parametrize("code", [[], {}, 7, True, None])
def test_code_of_an_error_may_be_anything(code: Any) -> None:
    assert status_kind(400, {"error": {"code": code, "message": "no"}}, "teacher") is Kind.REJECTED
    assert status_text(400, {"error": {"code": code, "message": "no"}}, "max_tokens") == "answered 400: no"


NOTHING: dict[str, dict[str, Any]] = {
    "null": reply(content=None),
    "null, with empty reasoning": reply(content=None, reasoning="", reasoning_content=""),
    "no parts": reply(content=[]),
    "parts without a text": reply(content=[{"type": "text", "text": ""}, {"type": "image"}]),
    "no content": {"choices": [{"finish_reason": "stop", "message": {}}], "usage": USAGE},
}


@pytest.mark.parametrize("name", NOTHING)
@pytest.mark.parametrize("prefix", ["", "<think>\n"])
def test_response_that_holds_nothing_is_no_answer(name: str, prefix: str) -> None:
    with pytest.raises(EndpointFailure, match="holds nothing") as caught:
        completion(NOTHING[name], prefix)
    assert caught.value.kind is Kind.INCONCLUSIVE and caught.value.empty


def test_empty_text_is_what_the_model_said_and_one_that_was_cut_off_is_cut_off() -> None:
    assert completion(reply(content=""), "").text == ""
    assert completion(reply(content=None, finish="length"), "").finish_reason is FinishReason.LENGTH
    assert completion(reply(content=None, reasoning="R"), "") == Completion("", FinishReason.STOP, 7, 3, "R")
    assert completion(reply(content=None, refusal="No."), "").text == "No."


@pytest.mark.parametrize("finish", [None, "", "missing"])
def test_response_that_nobody_calls_ended_is_none_that_ended(finish: str | None) -> None:
    body = reply(finish=finish)
    if finish == "missing":
        del body["choices"][0]["finish_reason"]
    with pytest.raises(EndpointFailure, match="has no finish_reason") as caught:
        completion(body, "")
    assert caught.value.kind is Kind.INCONCLUSIVE and not caught.value.empty


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "type", "x"]), inner),
    max_leaves=5,
)
SUMMARY = {"type": "reasoning.summary", "summary": "Adds two and two."}


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning_details": [SUMMARY]},
        {"reasoning_details": [SUMMARY, {"type": "reasoning.encrypted", "data": "x"}], "reasoning": SUMMARY["summary"]},
        {"reasoning_details": [SUMMARY], "reasoning_content": SUMMARY["summary"]},
        {"reasoning_details": [{"type": "reasoning", "summary": [{"type": "t", "text": "Adds two and two."}]}]},
        {"content": [{"type": "reasoning", "summary": "Adds two and two."}, {"type": "text", "text": "4"}]},
    ],
)
@pytest.mark.parametrize("prefix", ["", "<think>\n"])
def test_a_summary_is_no_reasoning(message: dict[str, Any], prefix: str) -> None:
    found = completion(reply(**message), prefix)
    assert (found.text, found.reasoning, found.summary) == (prefix + "4", None, "Adds two and two.")


def test_a_summary_beside_the_reasoning_is_no_part_of_it() -> None:
    found = completion(
        reply(reasoning="2 + 2", reasoning_details=[SUMMARY, {"type": "reasoning.text", "text": "2"}]), ""
    )
    assert (found.reasoning, found.summary) == ("2 + 2", "Adds two and two.")


CACHED = {"prompt_tokens_details": {"cached_tokens": 900}}


@pytest.mark.parametrize(
    ("usage", "tokens", "reasoning"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 12, "total_tokens": 919, **CACHED}, 12, None),
        ({"prompt_tokens": 7, "completion_tokens": 12, "total_tokens": 929, **CACHED}, 22, 10),
        ({"prompt_tokens": 950, "completion_tokens": 12, "total_tokens": 1862, **CACHED}, 12, None),
        ({"prompt_tokens": 950, "completion_tokens": 12, "total_tokens": 1262, **CACHED}, 312, 300),
        ({"prompt_tokens": 7, "completion_tokens": 12, "total_tokens": 99, "cache_read_input_tokens": 80}, 12, None),
        ({"prompt_tokens": 7, "completion_tokens": 12, "total_tokens": 99, "prompt_cache_hit_tokens": []}, 92, 80),
        ({"prompt_tokens": 7, "completion_tokens": 12, "total_tokens": 919, "reasoning_tokens": 0}, 12, 0),
        ({"prompt_tokens": 7, "completion_tokens": 12, "total_tokens": 19, "reasoning_tokens": 800}, 812, 800),
        ({"prompt_tokens": 7, "completion_tokens": 812, "total_tokens": 819, "reasoning_tokens": 800}, 812, 800),
        ({"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 9}, 2, None),
        ({"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 809, "reasoning_tokens": 800}, 802, 800),
    ],
)
def test_only_what_is_known_to_be_reasoning_is_counted_as_such(
    usage: dict[str, Any], tokens: int, reasoning: int | None
) -> None:
    found = completion(reply(usage), "")
    assert (found.completion_tokens, found.reasoning_tokens) == (tokens, reasoning)


@pytest.mark.parametrize("more", [{}, {"total_tokens": 7}, {"total_tokens": 907, **CACHED}, {"reasoning_tokens": 800}])
def test_no_tokens_beside_a_text_are_no_length(more: dict[str, Any]) -> None:
    with pytest.raises(EndpointFailure, match="completion_tokens 0 beside a response of 1 characters") as caught:
        completion(reply({"prompt_tokens": 7, "completion_tokens": 0, **more}), "")
    assert caught.value.kind is Kind.BROKEN
    empty = {"prompt_tokens": 7, "completion_tokens": 0}
    assert completion(reply(empty, content=""), "").completion_tokens == 0


FIELDS = ["content", "refusal", "reasoning", "reasoning_content", "reasoning_details"]
MESSAGES = st.dictionaries(st.sampled_from(FIELDS), ANY)
COUNTED = [*USAGE, "reasoning_tokens", "completion_tokens_details", "prompt_tokens_details", "cached_tokens"]
COUNTS = st.dictionaries(st.sampled_from(COUNTED), ANY)


@settings(max_examples=200)
@given(MESSAGES, ANY | st.just("stop"), COUNTS, ANY)
def test_whatever_a_reply_holds_it_is_read_or_named(message: Any, finish: Any, usage: Any, other: Any) -> None:
    for body in (reply({**USAGE, **usage}, finish, **message), reply(other, **message), other):
        try:
            found = completion(body, "")
        except EndpointFailure as failure:
            assert len(str(failure)) < 1200
        else:
            counts = (found.prompt_tokens, found.completion_tokens, found.reasoning_tokens or 0)
            assert all(type(count) is int and 0 <= count <= 10**10 for count in counts)
            assert isinstance(found.text, str) and isinstance(found.reasoning, str | None)
