"""How many requests vLLM itself is given at once, on the CPU, by what its scheduler reports."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hipo_data.engines.vllm import Vllm
from tests.engines.asking import request
from tests.engines.vllm_engines import SEATS, config

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


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


async def test_all_seats_are_taken_and_few_requests_wait_for_one(vllm: Vllm) -> None:
    counted, before = Counted(vllm), vllm.steps
    await counted.ask(1200, max_tokens=60, extra={"ignore_eos": True})
    assert max(counted.under_way[-300:]) > SEATS
    assert max(counted.under_way) <= 1.25 * SEATS + 8
    assert vllm.steps - before >= 1200 * 60 / SEATS


@pytest.mark.long
async def test_number_in_the_recipe_is_kept(repo_root: Path) -> None:
    engine = Vllm(config(repo_root / "models" / "tiny-hybrid", max_in_flight=5))
    await engine.start()
    counted = Counted(engine)
    await counted.ask(40, max_tokens=8)
    await engine.close()
    assert max(counted.under_way) == 5
    assert engine.steps > 0
