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
FIELDS = ["content", "refusal", "reasoning", "reasoning_content", "reasoning_details"]
MESSAGES = st.dictionaries(st.sampled_from(FIELDS), ANY)
COUNTS = st.dictionaries(st.sampled_from([*USAGE, "reasoning_tokens", "completion_tokens_details"]), ANY)


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
