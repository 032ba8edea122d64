"""vLLM's own server with a reasoning parser and without: the same rows come of both."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hipo_data.engines.base import GenerationRequest
from hipo_data.engines.openai import OpenAIEndpoint
from hipo_data.prompts.families.reading import Parts
from hipo_data.prompts.parsing import CLOSE, OPEN
from hipo_data.schemas.config import OpenAIEngine, RoleConfig, SamplingConfig
from hipo_data.schemas.records import FinishReason, Mode
from hipo_data.stages.asking.responses import read_completion
from hipo_data.stages.asking.role_requests import conversation, role_request
from tests.engines.asking import OFF, ON
from tests.support.serve import serve_vllm

pytestmark = pytest.mark.long

QUESTIONS = [f"Compute {first} + {second}." for first, second in [(12, 34), (7, 8), (56, 27)]] + [
    "What is 777 times 984?"
]
CLOSED = f"{OPEN}\n\n{CLOSE}\n\n"

Row = tuple[Parts, FinishReason, int]


def role(prefix: str = "", limit: int = 200, **changes: Any) -> RoleConfig:
    sampling = SamplingConfig(temperature=0.0, max_tokens=limit)
    return RoleConfig(engine="teacher", response_prefix=prefix, sampling=sampling, **changes)


ROLES = [
    (Mode.THINK_ON, role(chat_template_kwargs=ON, starts_in_reasoning=True)),
    (Mode.THINK_ON, role(chat_template_kwargs=ON, starts_in_reasoning=True, limit=6)),
    (Mode.THINK_OFF, role(chat_template_kwargs=OFF)),
    (Mode.THINK_OFF, role(chat_template_kwargs=OFF, limit=2)),
    # The prefix stands in place of what the template ends the prompt in.
    (Mode.THINK_ON, role(f"{OPEN}\n", chat_template_kwargs=ON)),
    (Mode.THINK_ON, role(f"{OPEN}\n12", chat_template_kwargs=ON)),
    (Mode.THINK_ON, role(f"{OPEN}\n", chat_template_kwargs=ON, limit=6)),
    (Mode.THINK_OFF, role(CLOSED, chat_template_kwargs=OFF)),
    (Mode.THINK_OFF, role(f"{CLOSED}The", chat_template_kwargs=OFF)),
]


@pytest.fixture(scope="module", params=["qwen3", "deepseek_r1"])
def with_parser(
    request: pytest.FixtureRequest, repo_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    log = tmp_path_factory.mktemp("vllm-server") / "log"
    with serve_vllm(repo_root / "models" / "tiny-hybrid", log, args=["--reasoning-parser", request.param]) as url:
        yield url


def request(asked: RoleConfig, question: str) -> GenerationRequest:
    return role_request(asked, conversation(question, asked), question=question, index=0, seed=1)


async def rows(url: str, mode: Mode, asked: RoleConfig) -> tuple[list[Row], bool]:
    """One row a question, and whether the server kept reasoning apart in any."""
    engine = OpenAIEndpoint(OpenAIEngine.model_validate({"type": "openai", "model": "teacher", "base_url": url}))
    await engine.start()
    # One after the other: what shares a batch can change the numbers, and so the text.
    completions = [await engine.generate(request(asked, question)) for question in QUESTIONS]
    await engine.close()
    found = [(read_completion(each, asked, mode), each.finish_reason, each.completion_tokens) for each in completions]
    return found, any(each.reasoning is not None for each in completions)


async def test_parser_changes_nothing_in_the_rows(vllm_server: str, with_parser: str) -> None:
    kept_apart = []
    for mode, asked in ROLES:
        inline, apart = await rows(vllm_server, mode, asked)
        assert not apart
        parsed, apart = await rows(with_parser, mode, asked)
        kept_apart.append(apart)
        assert parsed == inline, (mode, asked.response_prefix, asked.sampling.max_tokens)
        for parts, finish, _ in parsed:
            assert (parts.reasoning is not None) == (mode is Mode.THINK_ON)
            assert (parts.answer is None) == (mode is Mode.THINK_ON and finish is FinishReason.LENGTH)
    assert kept_apart[0]
