"""How many requests vLLM itself is given at once, on the CPU, by what its scheduler reports."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hipo_data.engines.vllm import Vllm
from hipo_data.schemas.config import VllmEngine
from tests.engines.asking import request

pytestmark = pytest.mark.slow

SEATS = 100


class Counted:
    """Requests through the slots of an engine, one task each, as the pipeline asks."""

    def __init__(self, engine: Vllm) -> None:
        self._engine = engine
        self.under_way: list[int] = []
        """At each request let in, itself included."""
        self._now = 0

    async def ask(self, count: int, **changes: Any) -> None:
        await asyncio.gather(*(self._one(seed, **changes) for seed in range(count)))

    async def _one(self, seed: int, **changes: Any) -> None:
        async with self._engine.slot():
            self._now += 1
            self.under_way.append(self._now)
            await self._engine.generate(request(seed=seed, **changes))
            self._now -= 1


async def started(repo_root: Path, **changes: Any) -> Vllm:
    args = {"max_model_len": 512, "max_num_seqs": SEATS, "enforce_eager": True, "dtype": "bfloat16"}
    base = {"type": "vllm", "model": str(repo_root / "models" / "tiny-hybrid"), "args": args}
    engine = Vllm(VllmEngine.model_validate(base | {"env": {"VLLM_CPU_KVCACHE_SPACE": "1"}} | changes))
    await engine.start()
    return engine


async def test_all_seats_are_taken_and_few_requests_wait_for_one(repo_root: Path) -> None:
    engine = await started(repo_root)
    counted = Counted(engine)
    await counted.ask(1200, max_tokens=60, extra={"ignore_eos": True})
    await engine.close()
    assert max(counted.under_way[-300:]) > SEATS
    assert max(counted.under_way) <= 1.25 * SEATS + 8
    assert engine.steps >= 1200 * 60 / SEATS


async def test_number_in_the_recipe_is_kept(repo_root: Path) -> None:
    engine = await started(repo_root, max_in_flight=5)
    counted = Counted(engine)
    await counted.ask(40, max_tokens=8)
    await engine.close()
    assert max(counted.under_way) == 5
    assert engine.steps > 0
