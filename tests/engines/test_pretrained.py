"""A pretrained model that is prompted to think, through llama.cpp and through vLLM: whatever it writes is read whole,
without what the server repeats and without tags."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from hipo_data.engines.base import Completion, Generates, GenerationRequest
from hipo_data.engines.chat_request import chat_body
from hipo_data.engines.openai import OpenAIEndpoint
from hipo_data.engines.vllm import Vllm
from hipo_data.schemas.config import OpenAIEngine, RoleConfig, SamplingConfig
from hipo_data.schemas.records import FinishReason, Mode
from hipo_data.stages.asking.responses import read_completion
from hipo_data.stages.asking.role_requests import conversation, role_request
from tests.engines.vllm_engines import ARGS, config
from tests.support.pretrained import as_transformers, serve_llama_cpp

OPEN, CLOSE = "<think>", "</think>"
pytestmark = pytest.mark.long

LIMIT = 80
QUESTIONS = [
    "What is 12 + 34?",
    "What is the capital of France?",
    "Name three fruits.",
    "How many days has a week?",
    "Write x squared in LaTeX.",
]
THINK = "First think step by step between <think> and </think>. Then give the answer alone."
CLOSED = f"{OPEN}\nThis is easy.\n{CLOSE}\n\n"


def role(system: str, prefix: str = "") -> RoleConfig:
    sampling = SamplingConfig(temperature=0.7, top_p=0.95, max_tokens=LIMIT)
    return RoleConfig(engine="teacher", system_prompt=system, response_prefix=prefix, sampling=sampling)


ROLES = [
    (Mode.THINK_ON, role(THINK, f"{OPEN}\n")),
    (Mode.THINK_ON, role(THINK, CLOSED)),
    (Mode.THINK_OFF, role("Answer at once, without any working.")),
    (Mode.THINK_OFF, role("Answer at once, without any working.", CLOSED)),
]


def request(asked: RoleConfig, question: str, seed: int) -> GenerationRequest:
    return role_request(asked, conversation(question, asked), question=question, index=0, seed=seed)


def bare(text: str) -> str:
    """Without tags and white space."""
    return "".join(text.replace(OPEN, "").replace(CLOSE, "").split())


def check(completion: Completion, asked: RoleConfig, mode: Mode) -> None:
    text, prefix = completion.text, asked.response_prefix
    parts = read_completion(completion, asked, mode)
    assert text.startswith(prefix)
    assert bare((parts.reasoning or "") + (parts.answer or "")) == bare(text)
    assert not any(token in (parts.answer or "") for token in (OPEN, CLOSE, "<|im_end|>", "<|im_start|>"))
    again = re.search(rf"^\s*{OPEN}", text.rpartition(CLOSE)[2].removeprefix(prefix), re.MULTILINE)
    assert (parts.answer is not None) == ((CLOSE in text or not prefix) and not again)
    if prefix == CLOSED:
        assert parts.reasoning is not None and parts.reasoning.startswith("This is easy.")
        assert not text.removeprefix(prefix).lstrip().startswith(prefix.rstrip())
    if not prefix:
        assert parts.reasoning is None
    assert (completion.finish_reason is FinishReason.LENGTH) == (completion.completion_tokens == LIMIT)


async def check_twenty(engine: Generates) -> None:
    asked = [(mode, role, question) for mode, role in ROLES for question in QUESTIONS]
    completions = await asyncio.gather(
        *(engine.generate(request(role, question, seed)) for seed, (_, role, question) in enumerate(asked))
    )
    for completion, (mode, role, _) in zip(completions, asked, strict=True):
        check(completion, role, mode)
    # Some ended by themselves, so that what ends a turn would have shown; and some told more than their prefix.
    assert {completion.finish_reason for completion in completions} == {FinishReason.STOP, FinishReason.LENGTH}
    assert len({completion.text for completion in completions}) > 10


@pytest.fixture(scope="module")
def llama_cpp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_llama_cpp(tmp_path_factory.mktemp("llama-cpp") / "log") as url:
        yield url


@pytest.fixture
async def endpoint(llama_cpp: str) -> AsyncIterator[OpenAIEndpoint]:
    engine = OpenAIEndpoint(endpoint_config(llama_cpp))
    await engine.start()
    yield engine
    await engine.close()


def endpoint_config(url: str) -> OpenAIEngine:
    return OpenAIEngine.model_validate({"type": "openai", "model": "smollm2", "base_url": url})


async def test_through_the_server_of_llama_cpp(endpoint: OpenAIEndpoint) -> None:
    await check_twenty(endpoint)


@pytest.mark.parametrize("prefix", [f"{OPEN}\n", CLOSED, "Die Lösung 😀: ", "I", "12"])
async def test_prefix_that_llama_cpp_repeats_stands_once(endpoint: OpenAIEndpoint, llama_cpp: str, prefix: str) -> None:
    sampling = SamplingConfig(temperature=0.0, max_tokens=8)
    asked = request(role(THINK, prefix).model_copy(update={"sampling": sampling}), QUESTIONS[0], seed=1)
    body = chat_body(endpoint_config(llama_cpp), asked, "smollm2")
    async with AsyncOpenAI(base_url=llama_cpp, api_key="any") as client:
        reply: Any = await client.post("/chat/completions", cast_to=object, body=body)
    sent = reply["choices"][0]["message"]["content"]
    assert sent.startswith(prefix) and len(sent) > len(prefix)
    assert (await endpoint.generate(asked)).text == sent


async def test_through_vllm(tmp_path: Path) -> None:
    engine = Vllm(config(as_transformers(tmp_path / "model"), args={**ARGS, "max_num_seqs": 10}))
    await engine.start()
    await check_twenty(engine)
    await engine.close()
