"""Responses in the dialects of the OpenAI protocol: reasoning that gets lost would be trained away."""

import asyncio
from typing import Any

import pytest

from hipo_data.engines.base import Completion, EngineError
from hipo_data.prompts.families.reading import Parts, read
from hipo_data.schemas.records import FinishReason
from tests.engines.misbehaving import Endpoint, fails, good
from tests.engines.openai_engines import Starts, request

FORMS: dict[str, dict[str, Any]] = {
    "DeepSeek, SGLang": {"reasoning_content": "two and two"},
    "vLLM, Groq": {"reasoning": "two and two"},
    "both alike": {"reasoning": "two and two", "reasoning_content": "two and two"},
    "an empty one beside it": {"reasoning": None, "reasoning_content": "two and two"},
    "OpenRouter": {"reasoning_details": [{"type": "reasoning.text", "text": "two and two", "signature": None}]},
    "OpenRouter, in parts": {
        "reasoning": None,
        "reasoning_details": [
            {"type": "reasoning.text", "text": "two "},
            {"type": "reasoning.encrypted", "data": "xxxx"},
            {"type": "reasoning.text", "text": "and two"},
            {"type": "reasoning.summary", "summary": "Adds."},
        ],
    },
    "Mistral": {
        "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "two and "}, {"type": "text", "text": "two"}]},
            {"type": "text", "text": "4"},
        ]
    },
}


async def completion(endpoint: Endpoint, start: Starts, *, usage: Any = None, **message: Any) -> Completion:
    text = message.pop("content", "4")
    endpoint.replies = [good(text, usage=usage, **message)]
    return await (await start()).generate(request())


@pytest.mark.parametrize("form", FORMS)
async def test_reasoning_in_the_form_of(endpoint: Endpoint, start: Starts, form: str) -> None:
    found = await completion(endpoint, start, **FORMS[form])
    assert (found.reasoning, found.text) == ("two and two", "4")


async def test_inline_tags_stay_in_the_text_for_the_sample_stage(endpoint: Endpoint, start: Starts) -> None:
    found = await completion(endpoint, start, content="<think>\ntwo and two\n</think>\n\n4")
    assert found.reasoning is None
    assert read(found.text) == Parts("two and two", "4")


@pytest.mark.parametrize("empty", [{"reasoning_content": ""}, {"reasoning": None}, {"reasoning_details": []}])
async def test_no_reasoning_is_none_and_not_an_empty_one(
    endpoint: Endpoint, start: Starts, empty: dict[str, Any]
) -> None:
    assert (await completion(endpoint, start, **empty)).reasoning is None


async def test_reasoning_that_is_kept_secret_is_known_by_its_tokens(endpoint: Endpoint, start: Starts) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 50, "completion_tokens_details": {"reasoning_tokens": 47}}
    details = [{"type": "reasoning.encrypted", "data": "xxxx"}]
    found = await completion(endpoint, start, usage=usage, reasoning_details=details)
    assert (found.reasoning, found.reasoning_tokens, found.completion_tokens) == (None, 47, 50)


async def test_refusal_is_a_response(endpoint: Endpoint, start: Starts) -> None:
    assert (await completion(endpoint, start, content=None, refusal="I cannot help.")).text == "I cannot help."


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16}, (9, None)),
        ({"prompt_tokens": 7, "completion_tokens": 9, "completion_tokens_details": None}, (9, None)),
        ({"prompt_tokens": 7, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 0}}, (9, 0)),
        ({"prompt_tokens": 7, "completion_tokens": 9, "reasoning_tokens": 4}, (9, 4)),
        ({"completion_tokens": 9, "total_tokens": 16}, (9, None)),
    ],
)
async def test_tokens_are_counted_as_the_endpoint_says(
    endpoint: Endpoint, start: Starts, usage: dict[str, Any], counted: tuple[int, int | None]
) -> None:
    found = await completion(endpoint, start, usage=usage)
    assert (found.completion_tokens, found.reasoning_tokens) == counted


@pytest.mark.parametrize("details", [{"reasoning_tokens": 40}, None])
async def test_reasoning_tokens_that_only_the_total_holds_are_counted(
    endpoint: Endpoint, start: Starts, details: dict[str, int] | None
) -> None:
    """xAI and Gemini charge for them without counting them as completion tokens."""
    usage = {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 56, "completion_tokens_details": details}
    found = await completion(endpoint, start, usage=usage)
    assert (found.prompt_tokens, found.completion_tokens, found.reasoning_tokens) == (7, 49, 40)


@pytest.mark.parametrize("broken", ["abort", "error", "insufficient_system_resource"])
async def test_response_that_was_broken_off_is_asked_for_again(endpoint: Endpoint, start: Starts, broken: str) -> None:
    endpoint.replies = [good("4 is", broken)]
    assert (await (await start()).generate(request())).finish_reason is FinishReason.STOP


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("length", FinishReason.LENGTH),
        ("model_length", FinishReason.LENGTH),
        ("max_tokens", FinishReason.LENGTH),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("stop", FinishReason.STOP),
        ("STOP", FinishReason.STOP),
        ("end_turn", FinishReason.STOP),
        ("eos_token", FinishReason.STOP),
        ("COMPLETE", FinishReason.STOP),
    ],
)
async def test_end_of_a_response_in_each_makers_word(
    endpoint: Endpoint, start: Starts, said: str, meant: FinishReason
) -> None:
    endpoint.replies = [good("4", said)]
    assert (await (await start()).generate(request())).finish_reason is meant


async def test_end_for_an_unknown_reason_is_said_and_asked_for_once(endpoint: Endpoint, start: Starts) -> None:
    endpoint.replies = [good("4", "tired")]
    with pytest.raises(EngineError, match="for the reason 'tired', which is neither known as an end") as raised:
        await (await start()).generate(request())
    assert raised.value.permanent and len(endpoint.bodies) == 1


@pytest.mark.parametrize(
    ("prefix", "content", "text"),
    [
        ("<think>\n", "<think>\nwhy</think>4", "<think>\nwhy</think>4"),  # llama.cpp
        ("<think>\n", "<think>\n\nThe answer is 4.", "<think>\n\nThe answer is 4."),
        ("<think>\n", "why</think>4", "<think>\nwhy</think>4"),  # vLLM
        ("<think>\n\n</think>\n\n", "<think>\n\n</think>\n\n4", "<think>\n\n</think>\n\n4"),
        ("The answer is ", "The answer is 4.", "The answer is 4."),
    ],
)
async def test_prefix_stands_once_whether_the_server_echoes_it_or_not(
    endpoint: Endpoint, start: Starts, prefix: str, content: str, text: str
) -> None:
    endpoint.replies = [good(content)]
    assert (await (await start()).generate(request(response_prefix=prefix))).text == text
    assert len(endpoint.bodies) == 1


@pytest.mark.parametrize("repeated", [True, False])
@pytest.mark.parametrize("field", ["content", "reasoning_content"])
async def test_prefix_of_a_character_is_settled_by_asking_the_server_once(
    endpoint: Endpoint, start: Starts, repeated: bool, field: str
) -> None:
    """llama.cpp says `It is 4.` where vLLM says `t is 4.`, and a model may say `It is 4.` by itself."""

    def reply(handler: Any) -> None:
        prefix = endpoint.bodies[-1]["messages"][-1]["content"]
        text = (prefix if repeated else "") + ("t is 4." if repeated else "It is 4.")
        good(**{"text" if field == "content" else field: text})(handler)

    def failing(handler: Any) -> None:
        fails(500)(handler)

    endpoint.replies = [failing, reply] + [reply] * 10
    engine = await start()
    found = await asyncio.gather(*(engine.generate(request(response_prefix="I")) for _ in range(9)))
    begun = "It is 4." if repeated else "IIt is 4."
    assert {completion.text for completion in found} == {begun if field == "content" else begun + "</think>4"}
    told = [body for body in endpoint.bodies if body["max_tokens"] == 1]
    assert len(told) == 2 and len(endpoint.bodies) == 12  # nine failed together, so there was a trial
    assert told[0]["messages"][-1] == {"role": "assistant", "content": "Reply 7391:"}


@pytest.mark.parametrize(
    ("prefix", "content", "reasoning", "text"),
    [
        ("<think>\n\n</think>\n\n", None, "4", "<think>\n\n</think>\n\n4"),
        ("<think>\nLet me", "4", " see.\n", "<think>\nLet me see.\n</think>4"),
        ("<think>\nLet me", None, " see", "<think>\nLet me see"),
        ("The answer is", None, " 4.", "The answer is 4."),
    ],
)
async def test_what_a_parser_kept_apart_after_a_prefix_is_put_in_line(
    endpoint: Endpoint, start: Starts, prefix: str, content: str | None, reasoning: str, text: str
) -> None:
    endpoint.replies = [good(content, reasoning=reasoning)]
    found = await (await start()).generate(request(response_prefix=prefix))
    assert (found.text, found.reasoning) == (text, None)
