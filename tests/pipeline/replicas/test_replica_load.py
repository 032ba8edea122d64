"""How much work a replica is handed ahead of what it does."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray

from hipo_data.pipeline.replicas import pool as engine_pool
from hipo_data.pipeline.replicas import pools as engine_pools
from hipo_data.pipeline.replicas.host import EngineProgress
from hipo_data.pipeline.replicas.pool import Replica
from hipo_data.pipeline.replicas.pools import EnginePools
from hipo_data.schemas.config import RayConfig, VllmEngine


def test_a_replica_is_full_with_what_it_was_just_given_until_a_reading_says_how_much_of_it_waits() -> None:
    replica = Replica(handle=None, given={"sample.think_on/00-0000": 256})
    assert replica.is_full
    replica.read(EngineProgress(waiting=40, in_flight=200))
    assert replica.queued == 40 and not replica.is_full


def test_a_replica_that_cannot_write_as_fast_as_it_samples_gets_no_more() -> None:
    """Nodes that wait for the disk hold their shards in memory, however many requests are free."""
    replica = Replica(handle=None)
    replica.read(EngineProgress(turning=200))
    assert replica.is_full
    replica.read(EngineProgress(turning=3))
    assert not replica.is_full


@pytest.mark.parametrize(
    ("replicas", "gpus", "said"),
    [
        (2, 0, "engine 'teacher' asks for 8 GPU in all, and the cluster has 0 GPU now; it waits for nodes"),
        (
            2,
            4,
            "engine 'teacher' asks for 8 GPU in all, and the cluster has 4 GPU now; 1 of its 2 replicas wait for nodes",
        ),
        (2, 8, None),
    ],
)
def test_replicas_that_find_no_room_in_the_cluster_are_told_of(
    monkeypatch: pytest.MonkeyPatch, replicas: int, gpus: int, said: str | None
) -> None:
    resources = {"num_cpus": 1, "num_gpus": 4}
    engine = VllmEngine.model_validate({"type": "vllm", "model": "m", "replicas": replicas, "resources": resources})
    lines: list[str] = []
    pools = EnginePools(SimpleNamespace(engines={"teacher": engine}, ray=None), None, {}, lines.append)  # type: ignore[arg-type]
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 64.0, "GPU": float(gpus)})
    monkeypatch.setattr(engine_pools, "EnginePool", lambda *arguments: SimpleNamespace(replicas=[1]))
    pools.of("teacher")
    assert lines == ([said] if said else [])


@pytest.mark.parametrize(
    ("other_waits", "needed", "closed"), [(False, True, False), (False, False, True), (True, True, True)]
)
def test_an_idle_engine_closes_when_it_is_not_needed_again_or_another_waits_for_room(
    other_waits: bool, needed: bool, closed: bool
) -> None:
    """One that is needed again soon would have to load its model anew."""

    def pool(name: str, waits: bool) -> Any:
        replica = Replica(handle=None, moved=None)
        made = SimpleNamespace(name=name, waits=waits, replicas=[replica])
        made.close = made.replicas.clear
        return made

    pools = EnginePools(None, None, {}, lambda text: None)  # type: ignore[arg-type]
    idle, other = pool("idle", False), pool("other", other_waits)
    pools._pools = {"idle": idle, "other": other}
    pools.release(["idle"], {"idle"} if needed else set())
    assert (not idle.replicas, not other.replicas) == (closed, False)


def test_a_replica_that_waits_for_room_costs_no_gpu_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1000.0
    monkeypatch.setattr(engine_pool.time, "monotonic", lambda: clock)
    monkeypatch.setattr(engine_pool, "gpus_of_a_node", lambda: 8.0)
    engine = VllmEngine.model_validate({"type": "vllm", "model": "m", "resources": {"num_gpus": 4}})
    pool = engine_pool.EnginePool("teacher", engine, tmp_path, RayConfig())
    pool.replicas = [Replica(handle=None, born=clock)]
    clock = 8200.0
    assert pool.spent.gpu_hours == 0 and pool.waits
    pool.replicas[0].read(EngineProgress())
    clock = 11_800.0
    assert pool.spent.gpu_hours == pytest.approx(4) and not pool.waits
