"""The endpoint engine against vLLM's own server: both modes, taken apart into reasoning and answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import AsyncOpenAI

from hipo_data.engines.base import EngineError
from hipo_data.engines.openai import OpenAIEndpoint
from hipo_data.prompts.families.reading import Parts, read
from hipo_data.schemas.config import OpenAIEngine
from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.records import FinishReason
from tests.engines.asking import OFF, many, request

OPEN, CLOSE = "<think>", "</think>"
pytestmark = pytest.mark.slow


@pytest.fixture
def url(vllm_server: str) -> str:
    return vllm_server


@pytest.fixture
async def engine(url: str) -> AsyncIterator[OpenAIEndpoint]:
    engine = OpenAIEndpoint(config(url))
    await engine.start()
    yield engine
    await engine.close()


def config(url: str, **changes: Any) -> OpenAIEngine:
    return OpenAIEngine.model_validate({"type": "openai", "model": "teacher", "base_url": url} | changes)


async def test_both_modes_come_apart_into_reasoning_and_answer(engine: OpenAIEndpoint) -> None:
    on, off = await asyncio.gather(many(engine, 16), many(engine, 16, chat_template_kwargs=OFF))
    assert {completion.reasoning for completion in on + off} == {None}  # inline, as no parser serves it
    closed = [completion for completion in on if CLOSE in completion.text]
    assert len(closed) >= 12
    for completion in closed:
        parts = read(completion.text, opened=True)
        reasoning, answer = parts.reasoning, parts.answer
        assert reasoning and answer
        assert not any(tag in reasoning + answer for tag in (OPEN, CLOSE, "<|im_end|>"))
    for completion in off:
        assert read(completion.text) == Parts(None, completion.text.strip())
        assert completion.text.strip() and OPEN not in completion.text


async def test_seed_and_token_limit_reach_the_server(engine: OpenAIEndpoint, url: str) -> None:
    product = "What is 777 times 984?"
    first, second = [await engine.generate(request(product, seed=7)) for _ in range(2)]
    assert first == second
    assert len({completion.text for completion in await many(engine, 16, question=product)}) > 4
    cut = await engine.generate(request(max_tokens=5))
    assert (cut.finish_reason, cut.completion_tokens) == (FinishReason.LENGTH, 5)
    newer = OpenAIEndpoint(config(url, max_tokens_field="max_completion_tokens"))
    await newer.start()
    assert await newer.generate(request(max_tokens=5)) == cut
    await newer.close()


async def test_the_official_client_is_answered_the_same(engine: OpenAIEndpoint, url: str) -> None:
    asked = request("What is 777 times 984?", seed=7)
    ours = await engine.generate(asked)
    async with AsyncOpenAI(base_url=url, api_key="any") as client:
        theirs = await client.chat.completions.create(
            model="teacher",
            messages=[{"role": "user", "content": asked.question}],
            seed=7,
            temperature=1.0,
            top_p=0.95,
            max_tokens=200,
            extra_body={"chat_template_kwargs": asked.chat_template_kwargs},
        )
    choice, usage = theirs.choices[0], theirs.usage
    assert usage is not None
    assert (ours.text, ours.finish_reason.value) == (choice.message.content, choice.finish_reason)
    assert (ours.prompt_tokens, ours.completion_tokens) == (usage.prompt_tokens, usage.completion_tokens)


async def test_prefix_is_continued(engine: OpenAIEndpoint) -> None:
    prefix = f"12 + 34 = 46\n{CLOSE}\n\nThe answer"
    completion = await engine.generate(request(response_prefix=prefix))
    assert completion.text.startswith(prefix) and len(completion.text) > len(prefix)
    assert completion.text.count("12 + 34 = 46") == 1


async def test_prompt_that_fills_the_context_is_an_error_for_good(engine: OpenAIEndpoint) -> None:
    with pytest.raises(EngineError, match=r"answered 400: .*512") as caught:
        await engine.generate(request("Compute 1" + " + 1" * 512))
    assert caught.value.permanent


async def test_many_seeded_requests_at_once(engine: OpenAIEndpoint) -> None:
    requests = [
        request("Compute 1" + " + 1" * (number * 37 % 110), seed=number, max_tokens=20) for number in range(200)
    ]
    completions = await asyncio.gather(*(engine.generate(each) for each in requests))
    assert all(1 <= completion.completion_tokens <= 20 for completion in completions)


async def test_model_that_is_not_served_refuses(url: str) -> None:
    engine = OpenAIEndpoint(config(url, model="other"))
    with pytest.raises(EngineRefusedError, match="does not serve 'other'; it serves teacher"):
        await engine.start()
    await engine.close()
