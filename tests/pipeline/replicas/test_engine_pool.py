"""Replicas on a Ray cluster of two nodes that say they have two GPUs each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
import yaml
from ray.util import placement_group_table

from hipo_data.pipeline.replicas.pool import EnginePool, Replica
from hipo_data.pipeline.replicas.pools import EnginePools
from hipo_data.schemas.config import OpenAIEngine, RayConfig, RunConfig, VllmEngine
from tests.support.cluster import ray_cluster
from tests.support.commands import recorded_recipe, succeed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def nodes() -> Iterator[set[str]]:
    """The ids of the nodes."""
    node = {"num_cpus": 2, "num_gpus": 2}
    with ray_cluster(node, node) as cluster:
        ray.init(address=cluster.address, log_to_driver=False)
        yield {node["NodeID"] for node in ray.nodes()}
        ray.shutdown()


def pool_of(tmp_path: Path, tensor: int, pipeline: int, gpus: float, replicas: int = 1) -> EnginePool:
    sizes = {"tensor_parallel_size": tensor, "pipeline_parallel_size": pipeline, "replicas": replicas}
    config = {"type": "vllm", "model": "m", "resources": {"num_cpus": 1, "num_gpus": gpus}, **sizes}
    pool = EnginePool("teacher", VllmEngine.model_validate(config), tmp_path, RayConfig())
    pool.open()
    return pool


def close(pool: EnginePool) -> None:
    for replica in pool.replicas:
        ray.kill(replica.handle)
        if replica.group is not None:
            ray.util.remove_placement_group(replica.group)


def seen_by(replica: Replica) -> dict[str, Any]:
    """What vLLM will find in the actor."""

    def look(actor: Any) -> dict[str, Any]:
        group = ray.util.get_current_placement_group()
        return {
            "node": ray.get_runtime_context().get_node_id(),
            "gpus": ray.get_runtime_context().get_accelerator_ids()["GPU"],
            "bundles": group and group.bundle_specs,
            "executor": actor._host.engine._config.args.get("distributed_executor_backend"),
        }

    found: dict[str, Any] = ray.get(replica.handle.__ray_call__.remote(look), timeout=60)
    return found


def test_replica_larger_than_a_node_gets_bundles_on_both(nodes: set[str], tmp_path: Path) -> None:
    pool = pool_of(tmp_path, tensor=2, pipeline=2, gpus=4)
    seen = seen_by(pool.replicas[0])
    assert [bundle["GPU"] for bundle in seen["bundles"]] == [1, 1, 1, 1]
    assert seen["executor"] == "ray" and seen["gpus"] == []
    table = placement_group_table(pool.replicas[0].group)
    assert set(table["bundles_to_node_id"].values()) == nodes
    assert table["bundles_to_node_id"][0] == seen["node"]
    close(pool)


def test_lost_replica_leaves_its_gpus_to_the_next_one(nodes: set[str], tmp_path: Path) -> None:
    pool = pool_of(tmp_path, tensor=4, pipeline=1, gpus=4)
    first = pool.replicas[0].group
    seen_by(pool.replicas[0])
    pool.replace(pool.replicas[0])
    assert seen_by(pool.replicas[0])["bundles"] is not None
    assert placement_group_table(first)["state"] == "REMOVED"
    close(pool)


def test_replicas_that_fit_on_a_node_hold_their_gpus_themselves(nodes: set[str], tmp_path: Path) -> None:
    pool = pool_of(tmp_path, tensor=2, pipeline=1, gpus=2, replicas=2)
    seen = [seen_by(replica) for replica in pool.replicas]
    assert {found["node"] for found in seen} == nodes
    assert all(len(found["gpus"]) == 2 and found["bundles"] is None and found["executor"] is None for found in seen)
    close(pool)


@pytest.mark.parametrize("kind", ["vllm", "openai"])
def test_what_was_under_way_is_suspected_of_the_death_of_an_engine_here_but_not_of_an_endpoint_s(
    nodes: set[str], tmp_path: Path, kind: str
) -> None:
    config: dict[str, Any] = {"model": "m", "resources": {"num_cpus": 0.5}}
    made = VllmEngine(type="vllm", **config) if kind == "vllm" else OpenAIEngine(type="openai", **config)
    pool = EnginePool("teacher", made, tmp_path, RayConfig())
    pool.open()
    given_up = []
    for _ in range(3):
        (tmp_path / "logs").mkdir(exist_ok=True)
        (tmp_path / "logs/teacher-0.under-way").write_text("+sample.think_on/00-0000 p\n")
        given_up.append(pool.replace(pool.replicas[0]))
    close(pool)
    assert given_up == ([0, 0, 1] if kind == "vllm" else [0, 0, 0])
    assert pool.deaths("sample.think_on/00-0000") == ({"p": 3} if kind == "vllm" else {})


def engines_of_two_gpus(folder: Path, problems: int) -> Path:
    """A recipe of three engines, of which two find room at a time."""
    path = recorded_recipe(folder, problems=problems)
    recipe = yaml.safe_load(path.read_text())
    for engine in recipe["engines"].values():
        engine["resources"] = {"num_cpus": 0.1, "num_gpus": 2}
    path.write_text(yaml.safe_dump(recipe))
    return path


@pytest.mark.long
def test_engines_that_do_not_fit_beside_each_other_follow_one_another(
    nodes: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three models where two find room: were none to give way, the third would wait for ever."""
    monkeypatch.setenv("RAY_ADDRESS", ray.get_runtime_context().gcs_address)
    path = engines_of_two_gpus(tmp_path, problems=8)
    out = succeed("run", "-c", str(path), "--run-dir", "run", cwd=tmp_path)
    assert "off closed" in out
    assert (
        len(list((tmp_path / "run/justify").glob("*.json"))) == len(list((tmp_path / "run/select").glob("*.json"))) > 0
    )


def test_idle_engine_gives_way_only_where_another_has_no_room(nodes: set[str], tmp_path: Path) -> None:
    """Even one that is needed again: else two would wait for each other. Where there is room, it stays warm."""
    recipe = yaml.safe_load(engines_of_two_gpus(tmp_path, problems=8).read_text())
    said: list[str] = []
    pools = EnginePools(RunConfig.model_validate(recipe), tmp_path, {}, said.append)
    for name in ("off", "on"):
        ray.get(pools.of(name).replicas[0].handle.progress.remote())
    pools.read_all()
    pools.release(["off"], needed={"off", "reasons"})
    assert pools.is_open("off") and not said

    pools.of("reasons")
    pools.of("reasons").replicas[0].born -= 60
    pools.release(["off"], needed={"off", "reasons"})
    assert not pools.is_open("off") and pools.is_open("on")
    assert said == ["engine 'off' has nothing to do now and makes room for another"]
    ray.get(pools.of("reasons").replicas[0].handle.progress.remote(), timeout=60)
    for name in ("on", "reasons"):
        pools.of(name).close()
