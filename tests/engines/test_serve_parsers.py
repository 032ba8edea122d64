"""vLLM's own server with a reasoning parser and without: the same rows are read, whoever took them apart."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hipo_data.engines.base import Completion
from hipo_data.engines.openai import OpenAIEndpoint
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.prompts.formats.tokens import own_tags
from hipo_data.schemas.config import OpenAIEngine, RoleConfig, SamplingConfig
from hipo_data.schemas.records import FinishReason, Mode
from hipo_data.stages.asking.responses import read_completion
from hipo_data.stages.asking.role_requests import conversation, role_request
from tests.engines.asking import OFF
from tests.support.serve import serve_vllm

pytestmark = pytest.mark.long

QUESTIONS = ["What is 12 plus 34?", "What is 7 times 8?", "Compute 81 - 45.", "What is 777 times 984?", "Say hello."]
CLOSED = "12 + 34 = 46\n</think>\n\n"
"""Continues reasoning that the prompt has opened."""
FORBIDDEN = sorted({tag for fmt in FORMATS.values() for tag in own_tags(fmt)} - {"</think>"})
"""Behind a start that is not its own the teacher falls into a published format, of which parsers keep a part."""


def role(limit: int = 200, **fields: object) -> RoleConfig:
    sampling = SamplingConfig(temperature=0.0, max_tokens=limit, extra={"bad_words": FORBIDDEN})
    return RoleConfig.model_validate({"engine": "teacher", "sampling": sampling, **fields})


ROLES = {
    "think-on": (Mode.THINK_ON, role(starts_in_reasoning=True)),
    "think-on, cut off early": (Mode.THINK_ON, role(5, starts_in_reasoning=True)),
    "think-on, cut off at times": (Mode.THINK_ON, role(40, starts_in_reasoning=True)),
    "think-on, its reasoning begun": (Mode.THINK_ON, role(starts_in_reasoning=True, response_prefix="12 + 34")),
    "think-on, its reasoning done": (Mode.THINK_ON, role(starts_in_reasoning=True, response_prefix=CLOSED)),
    "think-off": (Mode.THINK_OFF, role(chat_template_kwargs=OFF)),
    "think-off, cut off early": (Mode.THINK_OFF, role(3, chat_template_kwargs=OFF)),
    "think-off, its answer begun": (Mode.THINK_OFF, role(chat_template_kwargs=OFF, response_prefix="The")),
}

Row = tuple[str | None, str | None, FinishReason, int]


async def rows(url: str) -> tuple[dict[tuple[str, str], Row], list[Completion]]:
    """What is read of each response, by role and question; one request at a time, so that no other changes it."""
    engine = OpenAIEndpoint(OpenAIEngine.model_validate({"type": "openai", "model": "teacher", "base_url": url}))
    await engine.start()
    found, completions = {}, []
    for name, (mode, asked) in ROLES.items():
        for question in QUESTIONS:
            request = role_request(asked, conversation(question, asked), question=question, index=0, seed=1)
            completion = await engine.generate(request)
            completions.append(completion)
            parts = read_completion(completion, asked, mode)
            ended = completion.finish_reason
            # A parser does not tell whether reasoning was closed where the limit left no room for an answer.
            answer = parts.answer if ended is FinishReason.STOP else parts.answer or None
            found[name, question] = (parts.reasoning, answer, ended, completion.completion_tokens)
    await engine.close()
    return found, completions


@pytest.fixture(scope="module", params=["deepseek_r1", "qwen3"])
def with_parser(
    request: pytest.FixtureRequest, repo_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    log = tmp_path_factory.mktemp("parser") / "log"
    with serve_vllm(repo_root / "models" / "tiny-hybrid", log, args=["--reasoning-parser", request.param]) as url:
        yield url


async def test_same_rows_are_read_with_a_reasoning_parser_and_without(vllm_server: str, with_parser: str) -> None:
    plain, written = await rows(vllm_server)
    assert {completion.reasoning for completion in written} == {None}
    parsed, kept_apart = await rows(with_parser)
    assert any(completion.reasoning for completion in kept_apart)
    assert parsed == plain
    on, off = ([row for (name, _), row in plain.items() if name == wanted] for wanted in ("think-on", "think-off"))
    assert sum(bool(reasoning and answer) for reasoning, answer, *_ in on) >= 3
    assert [row for row in off if row[0] is not None or not row[1]] == []
    cut = [row for (name, _), row in plain.items() if name == "think-on, cut off early"]
    assert sum(row[0] is not None and row[1] is None and row[2] is FinishReason.LENGTH for row in cut) >= 3
