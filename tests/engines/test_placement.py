"""Which GPUs a replica asks Ray for, and who starts vLLM's workers on them."""

from typing import Any

import pytest
from pydantic import ValidationError

from hipo_data.engines.placement import placement
from hipo_data.schemas.config import ReplayEngine, VllmEngine

RAY = "distributed_executor_backend"


def vllm(tensor: int = 1, pipeline: int = 1, gpus: float = 0, **changes: Any) -> VllmEngine:
    sizes = {"tensor_parallel_size": tensor, "pipeline_parallel_size": pipeline}
    resources = {"num_cpus": 4, "num_gpus": gpus, **changes.pop("resources", {})}
    return VllmEngine.model_validate({"type": "vllm", "model": "m", "resources": resources, **sizes, **changes})


@pytest.mark.parametrize(
    ("config", "gpus_of_a_node"),
    [
        (ReplayEngine(type="replay", path="x.jsonl"), 8),
        (vllm(), 0),  # a machine without GPUs
        (vllm(tensor=2), 0),
        (vllm(gpus=1), 8),
        (vllm(gpus=0.5), 8),
        (vllm(tensor=8, gpus=8), 8),
        (vllm(tensor=4, pipeline=2, gpus=8), 8),
        (vllm(tensor=8, gpus=8), 0),  # GPU nodes that the autoscaler has not started yet
        (vllm(tensor=4, args={"data_parallel_size": 2}, gpus=8), 8),
        (vllm(tensor=8, args={"data_parallel_size": 2}, gpus=16), 8),  # waits for a node that large
    ],
)
def test_replica_that_fits_on_a_node_is_one_actor(config: VllmEngine, gpus_of_a_node: float) -> None:
    placed = placement(config, gpus_of_a_node)
    assert placed.bundles == [] and placed.config == config


@pytest.mark.parametrize(("tensor", "pipeline", "node"), [(16, 1, 8), (8, 2, 8), (2, 4, 1)])
def test_replica_of_several_nodes_has_a_bundle_for_each_gpu(tensor: int, pipeline: int, node: float) -> None:
    workers = tensor * pipeline
    placed = placement(vllm(tensor, pipeline, workers), node)
    assert [bundle["GPU"] for bundle in placed.bundles] == [1.0] * workers
    assert [bundle.get("CPU", 0) for bundle in placed.bundles] == [4.0] + [0] * (workers - 1)
    assert isinstance(placed.config, VllmEngine)
    assert placed.config.args == {RAY: "ray"} and placed.config.workers == workers


def test_what_the_actor_needs_besides_is_in_the_first_bundle() -> None:
    placed = placement(vllm(8, 2, 16, resources={"memory_gb": 2, "resources": {"fast_disk": 1}}), 8)
    assert placed.bundles[0] == {"CPU": 4.0, "GPU": 1.0, "memory": 2 * 2**30, "fast_disk": 1.0}
    assert placed.bundles[1:] == [{"GPU": 1.0}] * 15


def test_recipe_may_say_who_starts_the_workers() -> None:
    assert len(placement(vllm(2, gpus=2, args={RAY: "ray"}), 8).bundles) == 2
    assert placement(vllm(16, gpus=16, args={RAY: "mp"}), 8).bundles == []


def test_gpus_that_do_not_fit_the_workers_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"one replica has 8 workers .* resources.num_gpus is 4; set it to 8"):
        vllm(tensor=4, pipeline=2, gpus=4)
    with pytest.raises(ValidationError, match="'pipeline_parallel_size' stands beside 'args', not in it"):
        vllm(args={"pipeline_parallel_size": 2})
