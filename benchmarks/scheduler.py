"""The driver past what machines are at hand: 1,000 engines and 100 million rollouts, with a simulated clock.

The scheduler is the real one; Ray is a stand-in that knows when each piece of work would be done. What is measured is
the driver's own work: CPU seconds, decisions (pieces handed out and landed) a second of CPU, and memory. The real Ray
comes on top, at about a millisecond of the driver's CPU for each piece it is handed.

    python benchmarks/scheduler.py [--engines 1000] [--rollouts 100000000]

`headroom`: the simulated seconds of the run over the driver's CPU seconds; at 1 the driver would be what the engines
wait for. `memory`: 4 GiB over the driver's peak. `busy`: share of the engines' time in which they had work.
"""

import argparse
import heapq
import itertools
import json
import tempfile
import time
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import psutil
import ray
from rich.console import Console

from hipo_data.pipeline.graph.stages import STAGES
from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.replicas import pool as engine_pool
from hipo_data.pipeline.replicas import pools as engine_pools
from hipo_data.pipeline.replicas.host import EngineProgress
from hipo_data.pipeline.run import cluster
from hipo_data.pipeline.run.runner import Runner
from hipo_data.pipeline.store.manifest import Manifest, Output
from hipo_data.pipeline.watch.progress import RunProgress
from hipo_data.schemas.config import RunConfig

N = 8
SHARD = 256
RATE = 20.0
"""Rollouts a second of an engine."""
IN_FLIGHT = 256
CPUS = 16_000
"""Of the simulated cluster."""
GRADING_S = 0.02
"""A rollout; code takes about that."""
GOALS = {"headroom": 2.0, "memory": 1.0, "busy": 0.95}


@dataclass
class World:
    """Virtual time, and what will be done when."""

    now: float = 0.0
    events: list[tuple[float, int, "Ref"]] = field(default_factory=list)
    order: "itertools.count[int]" = field(default_factory=itertools.count)
    pieces: int = 0
    cpu_slots: list[float] = field(default_factory=lambda: [0.0] * CPUS)
    """When each CPU is free."""

    def at(self, when: float, result: Any) -> "Ref":
        ref = Ref(result)
        heapq.heappush(self.events, (when, next(self.order), ref))
        return ref

    def on_a_cpu(self, seconds: float, result: Any) -> "Ref":
        start = max(self.now, heapq.heappop(self.cpu_slots))
        heapq.heappush(self.cpu_slots, start + seconds)
        return self.at(start + seconds, result)


@dataclass(eq=False)
class Ref:
    """An object of the stand-in."""

    result: Any
    done: bool = False


class Engine:
    """A replica: it works at its rate through what it was given, in that order."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._free_at = 0.0
        self._finished = 0.0
        self._work: list[tuple[float, float, int]] = []
        self.busy = 0.0
        self.run = SimpleNamespace(remote=self._run)
        self.progress = SimpleNamespace(remote=self._progress)

    def _run(self, task: Task) -> Ref:
        self._world.pieces += 1
        requests = SHARD * (N if task.stage == "sample" else 1)
        start = max(self._world.now, self._free_at)
        self._free_at = start + requests / RATE
        self.busy += requests / RATE
        self._work.append((start, self._free_at, requests))
        return self._world.at(self._free_at, manifest_of(task, requests))

    def _progress(self) -> Ref:
        now = self._world.now
        while self._work and self._work[0][1] <= now:
            self._finished += self._work.pop(0)[2]
        left = sum(requests if start > now else (end - now) * RATE for start, end, requests in self._work)
        under_way = min(IN_FLIGHT, round(left))
        done = self._finished + sum((now - start) * RATE for start, _, _ in self._work if start <= now)
        reading = EngineProgress(
            start_seconds=60.0,
            waiting=round(left) - under_way,
            in_flight=under_way,
            finished=round(done),
            tokens=round(done) * 4000,
        )
        return self._world.at(now + 0.01, reading)


class FakeRay:
    """As much of Ray as the driver uses."""

    exceptions = ray.exceptions

    def __init__(self, world: World, shards: int) -> None:
        self._world = world
        self._shards = shards
        self.engines: list[Engine] = []

    def remote(self, what: Any) -> Any:
        make = self._engine if isinstance(what, type) else self._task
        options = SimpleNamespace(remote=make)
        return SimpleNamespace(options=lambda **_: options, remote=make)

    def wait(self, refs: list[Ref], num_returns: int, timeout: float) -> tuple[list[Ref], list[Ref]]:
        """Time goes on to the first of `refs` that is done; all that is done at a time is seen together."""
        world = self._world
        ready = [ref for ref in refs if ref.done]
        until = world.now + timeout
        wanted = set(refs) if not ready else set()
        while world.events and world.events[0][0] <= until:
            world.now, _, ref = heapq.heappop(world.events)
            ref.done = True
            if ref in wanted:
                ready.append(ref)
                until = world.now
        if timeout and not ready:
            world.now = until
        return ready[:num_returns], []

    def get(self, ref: Ref) -> Any:
        return ref.result

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": CPUS, "GPU": 8.0 * 1000}

    def nodes(self) -> list[dict[str, Any]]:
        return []

    def _engine(self, *_: Any) -> Engine:
        self.engines.append(Engine(self._world))
        return self.engines[-1]

    def _task(self, task: Task) -> Ref:
        self._world.pieces += 1
        if task.stage == "ingest":
            bits = (self._shards - 1).bit_length()
            outputs = {f"{bits:02d}-{index:04x}": output(SHARD) for index in range(self._shards)}
            rows = SHARD * self._shards
            return self._world.at(
                0.0, Manifest(node=task.name, parts=task.parts, outputs=outputs, rows_in=rows, rows_out=rows,
                              rows_rejected=0))  # fmt: skip
        rows = SHARD * (N if task.stage == "verify" else 1)
        return self._world.on_a_cpu(0.2 + (rows * GRADING_S if task.stage == "verify" else 0), manifest_of(task, rows))


def output(rows: int) -> Output:
    return Output(path=f"somewhere/{rows}", rows=rows, bytes=rows * 1000, sha256="0" * 64)


def manifest_of(task: Task, rows: int) -> Manifest:
    counts = {"sampled": rows, "prompt_tokens": rows * 100, "completion_tokens": rows * 4000}
    return Manifest(
        node=task.name,
        parts=task.parts,
        outputs={"rows": output(rows)},
        rows_in=rows,
        rows_out=rows,
        rows_rejected=0,
        counts=counts if task.stage == "sample" else {},
        seconds=60.0,
    )


def simulate(engines: int, rollouts: int, folder: Path) -> dict[str, float]:
    shards = max(1, rollouts // (2 * N * SHARD))
    source = folder / "problems.jsonl"
    source.write_text("{}\n")
    teacher = {"type": "openai", "model": "m", "base_url": "http://nowhere/v1", "replicas": engines}
    config = RunConfig.model_validate(
        {
            "name": "simulated",
            "sources": [{"type": "acereason", "path": str(source), "name": "problems"}],
            "engines": {"teacher": teacher},
            "roles": {role: {"engine": "teacher"} for role in ("think_on", "think_off", "justifier")},
            "sample": {"n": N},
        }
    )
    world = World()
    fake = FakeRay(world, shards)
    patches = [mock.patch.object(module, "ray", fake) for module in (cluster, engine_pool, engine_pools)]
    patches += [mock.patch.object(engine_pool, "gpus_of_a_node", lambda: 8.0)]
    patches += [mock.patch("time.monotonic", lambda: world.now)]
    process = psutil.Process()
    before = process.memory_info().rss
    started = time.process_time()
    for patch in patches:
        patch.start()
    try:
        with RunProgress(Console(file=StringIO())) as progress:
            work = Runner(folder / "run", config, STAGES, progress)
            work.anything_to_do()
            outcome = work.run()
    finally:
        for patch in patches:
            patch.stop()
    cpu = time.process_time() - started
    sampled = 2 * N * SHARD * shards
    assert outcome.sampled == sampled, (outcome.sampled, sampled)
    peak = process.memory_info().rss
    ideal = sum(engine.busy for engine in fake.engines) / engines
    print(
        f"{engines:,} engines, {sampled:,} rollouts, {world.pieces:,} pieces: {world.now:,.0f} simulated s (engines "
        f"busy for {ideal:,.0f}), {cpu:.0f} s of the driver's CPU, {2 * world.pieces / cpu:,.0f} decisions/s, "
        f"{(peak - before) / 2**20:,.0f} MiB on top of {before / 2**20:,.0f}",
        flush=True,
    )
    return {"headroom": world.now / cpu, "memory": 4 * 2**30 / peak, "busy": ideal / world.now}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engines", type=int, default=1000)
    parser.add_argument("--rollouts", type=int, default=100_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ratio = simulate(options.engines, options.rollouts, Path(folder))
    print(json.dumps({"benchmark": "scheduler", "ratio": ratio, "goal": GOALS}))


if __name__ == "__main__":
    main()
