"""vLLM with its layers shared by two workers, on two CPU cores."""

import os
from pathlib import Path

import pytest

from hipo_data.engines.vllm import Vllm
from hipo_data.schemas.config import VllmEngine
from tests.engines.asking import many
from tests.engines.vllm_engines import workers

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two workers need a core each"),
]


async def test_two_workers_share_the_layers(repo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, *_ = sorted(os.sched_getaffinity(0))
    monkeypatch.setenv("VLLM_CPU_OMP_THREADS_BIND", f"{first}|{second}")
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    args = {"max_model_len": 512, "max_num_seqs": 32, "enforce_eager": True, "dtype": "float32"}
    model = str(repo_root / "models" / "tiny-hybrid")
    engine = Vllm(VllmEngine(type="vllm", model=model, tensor_parallel_size=2, args=args))
    before = workers()  # of engines that tests share
    await engine.start()
    started = workers() - before
    completions = await many(engine, 8)
    await engine.close()
    assert len(started) == 2, started
    assert sum("46" in completion.text for completion in completions) >= 6
