"""vLLM with the embedded teacher: how it is started, and one started engine that tests share."""

from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from hipo_data.engines.vllm import Vllm
from hipo_data.schemas.config import VllmEngine

CONTEXT = 512
SEATS = 100
ARGS = {"max_model_len": CONTEXT, "max_num_seqs": SEATS, "enforce_eager": True, "dtype": "float32"}


def config(model: Path | str, **changes: Any) -> VllmEngine:
    base = {"type": "vllm", "model": str(model), "args": ARGS, "env": {"VLLM_CPU_KVCACHE_SPACE": "1"}}
    return VllmEngine.model_validate(base | changes)


class Shared:
    """One started engine for all tests; another one once a test has taken it down."""

    def __init__(self, model: Path) -> None:
        self._model = model
        self._engine: Vllm | None = None

    async def get(self) -> Vllm:
        if self._engine is None:
            engine = Vllm(config(self._model))
            await engine.start()
            self._engine = engine
        return self._engine

    async def close(self) -> None:
        if self._engine is not None:
            await self._engine.close()
            self._engine = None


def workers() -> set[tuple[int, str]]:
    """vLLM's workers among the processes of this one."""
    children = psutil.Process().children(recursive=True)
    names = {(each.pid, " ".join(each.cmdline())) for each in children if each.status() != psutil.STATUS_ZOMBIE}
    return {(pid, name.strip()) for pid, name in names if name.startswith("VLLM::Worker")}
