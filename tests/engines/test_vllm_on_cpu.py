"""What vLLM is told on a CPU beside what the recipe says."""

import os
from typing import Any

import pytest

from hipo_data.engines import vllm_on_cpu
from hipo_data.schemas.config import VllmEngine

ALONE = {"enable_chunked_prefill": False}


def told(**changes: Any) -> dict[str, object]:
    return vllm_on_cpu.arguments(VllmEngine(type="vllm", model="m", **changes))


@pytest.fixture
def few_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VLLM_CPU_OMP_THREADS_BIND", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(vllm_on_cpu.FEW_CORES)))


@pytest.mark.slow
def test_on_few_cores_the_scheduler_computes_itself(few_cores: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told() == {**ALONE, "distributed_executor_backend": "uni"}
    assert told(tensor_parallel_size=2) == ALONE
    assert told(pipeline_parallel_size=2) == ALONE
    assert told(args={"data_parallel_size": 2}) == ALONE
    with monkeypatch.context() as patch:
        patch.setenv("VLLM_CPU_OMP_THREADS_BIND", "0-1")
        assert told() == ALONE
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(vllm_on_cpu.FEW_CORES + 1)))
    assert told() == ALONE


def test_vllm_reads_that_and_the_variable_for_it_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "VLLM_ENABLE_V1_MULTIPROCESSING"
    monkeypatch.delenv(name, raising=False)
    with vllm_on_cpu.read({"distributed_executor_backend": "uni"}):
        assert os.environ[name] == "0"
    assert name not in os.environ
    with vllm_on_cpu.read(ALONE):
        assert name not in os.environ
    monkeypatch.setenv(name, "1")
    with vllm_on_cpu.read({"distributed_executor_backend": "uni"}):
        assert os.environ[name] == "1"  # the user's word
