"""Engines on a misbehaving OpenAI endpoint, in virtual time; and the vLLM engine that tests share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hipo_data.engines.openai import OpenAIEndpoint
from hipo_data.engines.vllm import Vllm
from hipo_data.schemas.config import OpenAIEngine
from tests.engines.misbehaving import Endpoint, serve
from tests.engines.openai_engines import KEY, Starts
from tests.engines.vllm_engines import Shared
from tests.support.virtual_time import VirtualTime


@pytest.fixture
def clock() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serve() as server:
        yield server


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    return KEY


@pytest.fixture
async def start(endpoint: Endpoint, clock: VirtualTime, key: str) -> AsyncIterator[Starts]:
    """Starts an engine on the endpoint; further arguments are config fields."""
    made = []

    async def starts(**config: Any) -> OpenAIEndpoint:
        base = {"type": "openai", "model": "teacher", "base_url": endpoint.url, "max_attempts": 3}
        engine = OpenAIEndpoint(OpenAIEngine.model_validate(base | config), clock)
        made.append(engine)
        await engine.start()
        return engine

    yield starts
    for engine in made:
        await engine.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(repo_root: Path) -> AsyncIterator[Shared]:
    shared = Shared(repo_root / "models" / "tiny-hybrid")
    yield shared
    await shared.close()


@pytest_asyncio.fixture(loop_scope="session")
async def vllm(shared: Shared) -> Vllm:
    """It, started."""
    return await shared.get()
