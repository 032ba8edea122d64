"""Runs the graph on Ray: whatever is ready and not up to date, shard by shard, so that stages overlap.

The driver holds names and counts; tables go from worker to store.
"""

import errno
import heapq
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import ray

from hipo_data.engines.base import EngineDeadError, EngineRefusedError
from hipo_data.graders import SandboxUnavailable
from hipo_data.pipeline.errors import RunFailedError, StorageError
from hipo_data.pipeline.graph.fingerprints import Fingerprints
from hipo_data.pipeline.graph.nodes import INGEST, PUBLISH, Node, inputs_of, parents, shard_nodes
from hipo_data.pipeline.graph.stages import STAGES
from hipo_data.pipeline.graph.states import load_manifests, remove_other_shards, shards_of, state_of
from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.nodes.on_cpus import run_cpu_node
from hipo_data.pipeline.ray_errors import cause_of, plain
from hipo_data.pipeline.ray_options import ray_options
from hipo_data.pipeline.replicas.actor import NodeStoppedError
from hipo_data.pipeline.replicas.pool import EnginePool, Replica
from hipo_data.pipeline.replicas.pools import EnginePools
from hipo_data.pipeline.store.files import sizes_in_storage
from hipo_data.pipeline.store.ledger import Ledger
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.watch.outcome import Outcome
from hipo_data.pipeline.watch.progress import RunProgress
from hipo_data.pipeline.watch.watcher import RunState, StageProgress
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.ingest.sources.files import SourceError

_ENGINE_STAGES = {"sample", "justify"}
_WAIT_S = 0.1
_POLL_S = 1.0
_LEAST_CPU_TASKS = 64
"""Handed to Ray at once, so that a cluster of any size sees that there is work and grows."""
_TASKS_A_CPU = 2


class _Stalled(RuntimeError):
    """An engine that hangs."""


@dataclass
class _Flight:
    node: Node
    replica: Replica | None = None
    pool: EnginePool | None = None


class Runner:
    """One run of the wanted stages: `anything_to_do`, then, on a connected Ray, `run`, each once."""

    def __init__(self, run_dir: RunPath, config: RunConfig, wanted: Iterable[str], progress: RunProgress) -> None:
        self._run_dir = run_dir
        self._config = config
        self._wanted = set(wanted)
        self._progress = progress
        self._fingerprints = Fingerprints(config)
        self._ledger = Ledger(run_dir, config)
        self._left_behind = load_manifests(run_dir, unlisted=True)
        self._sizes = sizes_in_storage(run_dir)
        self._done: dict[str, Manifest] = {}
        self._shards: dict[str, int] = {}
        self._stages: dict[str, StageProgress] = {}
        self._unmet: dict[Node, set[str]] = {}
        self._children: dict[str, list[Node]] = {}
        self._cpu_ready: list[tuple[tuple[int, str], Node]] = []
        self._engine_ready: dict[str, list[tuple[tuple[int, str], Node]]] = {}
        self._flights: dict[Any, _Flight] = {}
        self._engines = EnginePools(config, run_dir, self._fingerprints.names, progress.say)
        self._attempts_without_progress: dict[str, int] = {}
        self._span: dict[str, tuple[float, float]] = {}
        self._blocked: dict[str, str] = {}
        self._remote = ray.remote(run_cpu_node)
        self._last_poll = 0.0
        self._most_cpu_tasks = _LEAST_CPU_TASKS
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Runs until nothing is left. Raises `RunFailedError` where going on is pointless; finished work is kept."""
        if exceeded := self._ledger.exceeded:
            self._halt(exceeded)
        self._loop()
        if not self._shards:
            self._lay_out_shards()
            self._loop()
        if self.outcome.stopped:
            self._publish_what_is_complete()
        self._show(now=True)
        if PUBLISH.name in self._done and not self.outcome.stopped:
            remove_other_shards(self._run_dir, self._shards)
        self._engines.read_all()
        self._engines.keep_logs()
        self._engines.forget_under_way()
        self._ledger.update(self._engines.spent)
        self._ledger.write()
        self.outcome.spent = self._ledger.spent
        self.outcome.tokens = sum(spent.completion_tokens for spent in self._engines.spent.values())
        self.outcome.restarts = self._engines.restarts
        self.outcome.seconds = {folder: end - start for folder, (start, end) in self._span.items()}
        spans = [span for folder, span in self._span.items() if folder.startswith("sample")]
        if spans:
            whole = max(end for _, end in spans) - min(start for start, _ in spans)
            self.outcome.sampling_seconds = max(0.0, whole - self._engines.start_seconds)
        if self._out_of_reach() and not self.outcome.failures:
            name, reason = next(iter(self._blocked.items()))
            missing = {blocked.partition("/")[0].partition(".")[0] for blocked in self._blocked}
            raise RunFailedError(
                f"{len(self._blocked)} pieces of earlier stages are not up to date, such as {name} ({reason}); "
                f"add --stage {' --stage '.join(sorted(missing, key=STAGES.index))} or use --stage all"
            )
        return self.outcome

    def anything_to_do(self) -> bool:
        """Whether anything wanted is not up to date; where nothing is, Ray need not be started."""
        self._add(INGEST)
        self._lay_out_shards()
        return bool(self._cpu_ready or any(self._engine_ready.values()) or self._out_of_reach())

    def _out_of_reach(self) -> bool:
        """Whether wanted nodes wait for others that nobody asked for."""
        return bool(self._blocked) and any(node.stage in self._wanted for node in self._unmet)

    def stop(self) -> None:
        """Lets engines journal what is finished and stops them."""
        self._ledger.write()
        self._engines.stop()

    def _add(self, node: Node) -> None:
        needed = {parent.name for parent in parents(node, self._shards, self._config)}
        unmet = {name for name in needed if name not in self._done}  # `needed - keys` would go through all keys
        if unmet:
            self._unmet[node] = unmet
            for name in unmet:
                self._children.setdefault(name, []).append(node)
        else:
            self._consider(node)

    def _consider(self, node: Node) -> None:
        """All parents are done: the node is up to date, ready to run, or not asked for."""
        try:
            parts = self._fingerprints.parts(node, inputs_of(node, self._done, self._shards, self._config))
        except (FileNotFoundError, SourceError) as error:
            raise RunFailedError(str(error)) from error
        manifest = self._left_behind.get(node.name)
        state = state_of(node, manifest, parts, self._run_dir, self._sizes)
        if state.done and manifest is not None:
            self.outcome.up_to_date += 1
            self._finish(node, manifest)
        elif node.stage not in self._wanted:
            self._blocked[node.name] = state.reason
        elif self.outcome.stopped and self._asks(node):
            return
        else:
            priority = (self._shards.get(node.shard, 0), node.folder)
            if node.stage in _ENGINE_STAGES:
                heapq.heappush(self._engine_ready.setdefault(self._engine_of(node), []), (priority, node))
            else:
                heapq.heappush(self._cpu_ready, (priority, node))

    def _finish(self, node: Node, manifest: Manifest) -> None:
        self._done[node.name] = manifest
        if "rejected" in manifest.outputs:
            self.outcome.rejected.append(manifest.outputs["rejected"].path)
        self.outcome.unneeded += manifest.counts.get("unneeded", 0)
        self.outcome.saved_tokens += manifest.counts.get("saved_tokens", 0)
        if node.folder in self._stages:
            self._stages[node.folder].done += self._rows(node)
        for child in self._children.pop(node.name, []):
            self._unmet[child].discard(node.name)
            if not self._unmet[child]:
                del self._unmet[child]
                self._consider(child)

    def _asks(self, node: Node) -> bool:
        """Whether a node may send requests to an engine."""
        return node.stage == "sample" or (node.stage == "justify" and FORMATS[self._config.publish.format].justifies)

    def _halt(self, reason: str) -> None:
        """Lets no more requests go to engines; stages that send none go on with what there is."""
        self.outcome.stopped = reason
        self._progress.say(f"{reason}: engines stop, what they have finished is kept")
        for name, queue in self._engine_ready.items():
            self._engine_ready[name] = [item for item in queue if not self._asks(item[1])]
            heapq.heapify(self._engine_ready[name])
        self._engines.stop_nodes()

    def _publish_what_is_complete(self) -> None:
        self.outcome.shards = len(self._shards)
        self._shards = {shard: place for shard, place in self._shards.items() if f"justify/{shard}" in self._done}
        self.outcome.complete = len(self._shards)
        if self._shards and PUBLISH in self._unmet:
            del self._unmet[PUBLISH]
            self._consider(PUBLISH)
            self._loop()

    def _loop(self) -> None:
        while self._cpu_ready or any(self._engine_ready.values()) or self._flights:
            self._submit()
            waiting = [*self._flights, *self._engines.readings]
            ready, _ = ray.wait(waiting, num_returns=1, timeout=_WAIT_S)
            if ready:  # and what else is there: a look at everything for each of many would be too much work
                ready, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0)
            for reference in ready:
                self._land(reference)
            self._poll()

    def _submit(self) -> None:
        room = self._most_cpu_tasks - sum(flight.pool is None for flight in self._flights.values())
        while self._cpu_ready and room > 0:
            room -= 1
            _, node = heapq.heappop(self._cpu_ready)
            resources = self._config.ray.verify if node.stage == "verify" else self._config.ray.task
            remote = self._remote.options(**ray_options(resources), max_retries=self._config.ray.max_restarts)
            self._take_off(remote.remote(self._task(node)), _Flight(node))
        for engine, queue in self._engine_ready.items():
            pool = self._engines.of(engine) if queue else None
            while queue and pool is not None and (replica := pool.free_replica()) is not None:
                _, node = heapq.heappop(queue)
                replica.given[node.name] = self._rows(node)
                update = {"deaths": pool.deaths(node.name), "urgency": self._urgency(node)}
                task = self._task(node).model_copy(update=update)
                self._take_off(replica.handle.run.remote(task), _Flight(node, replica, pool))

    def _urgency(self, node: Node) -> int:
        """Earlier shards first, and of one shard what is nearest to the dataset: so shards become complete."""
        return 3 * self._shards[node.shard] + {None: 0, Mode.THINK_OFF: 1, Mode.THINK_ON: 2}[node.mode]

    def _take_off(self, reference: Any, flight: _Flight) -> None:
        self._flights[reference] = flight
        self._progress.began(flight.node)
        now = time.monotonic()
        start, end = self._span.get(flight.node.folder, (now, now))
        self._span[flight.node.folder] = (start, end)

    def _task(self, node: Node) -> Task:
        inputs = inputs_of(node, self._done, self._shards, self._config)
        engine = self._engine_of(node) if node.stage in _ENGINE_STAGES else ""
        return Task(
            run_dir=self._run_dir,
            name=node.name,
            stage=node.stage,
            mode=node.mode,
            shard=node.shard,
            config=self._config,
            parts=self._fingerprints.parts(node, inputs),
            inputs=inputs,
            model=self._fingerprints.names[engine] if engine else "",
            identity=self._fingerprints.identities[engine] if engine else "",
        )

    def _engine_of(self, node: Node) -> str:
        roles = self._config.roles
        return (roles.justifier if node.mode is None else roles.of(node.mode)).engine

    def _land(self, reference: Any) -> None:
        if not self._engines.land(reference) and reference in self._flights:
            self._land_node(reference)

    def _land_node(self, reference: Any) -> None:
        flight = self._flights.pop(reference)
        node, replica, pool = flight.node, flight.replica, flight.pool
        if replica is not None:  # one with little to ask ends before the next reading, and makes room at once
            replica.given.pop(node.name, None)
        try:
            manifest: Manifest = ray.get(reference)
        except (EngineDeadError, ray.exceptions.RayActorError) as error:
            if pool is None or replica is None:
                self._fail(node, error)
                return
            self._flights[reference] = flight  # requeued together with all the others of this replica
            self._restart(pool, replica, error)
        except NodeStoppedError:
            return  # its journal holds what is finished
        except (EngineRefusedError, SandboxUnavailable, SourceError, StorageError) as error:
            raise RunFailedError(plain(error)) from error
        except OSError as error:
            if cause_of(error).errno in (errno.ENOSPC, errno.EDQUOT):
                raise RunFailedError(
                    f"no space left while writing {node.name} in {self._run_dir}; "
                    "free some and run again, finished work is kept"
                ) from error
            self._fail(node, error)
        except Exception as error:
            self._fail(node, error)
        else:
            if replica is not None and pool is not None:
                self._attempts_without_progress[pool.name] = 0
            self._count(node, manifest)
            self._finish(node, manifest)

    def _fail(self, node: Node, error: BaseException) -> None:
        self.outcome.failures[node.name] = plain(error)
        self._progress.failed(node, plain(error))

    def _restart(self, pool: EnginePool, replica: Replica, error: BaseException) -> None:
        lost = [reference for reference, flight in self._flights.items() if flight.replica is replica]
        attempts = self._attempts_without_progress.get(pool.name, 0) + 1
        self._attempts_without_progress[pool.name] = attempts
        if attempts > self._config.ray.max_restarts:
            raise RunFailedError(
                f"engine '{pool.name}' died {attempts} times without progress; the last time: {plain(error)}"
            )
        for reference in lost:
            node = self._flights.pop(reference).node
            priority = (self._shards[node.shard], node.folder)
            heapq.heappush(self._engine_ready.setdefault(pool.name, []), (priority, node))
        self._engines.forget(replica)
        self._progress.say(
            f"engine '{pool.name}' {'hangs' if isinstance(error, _Stalled) else 'died'} ({plain(error)}); "
            f"starting it again, {len(lost)} shards go on from their journals"
        )
        given_up = pool.replace(replica)
        if given_up:
            self._attempts_without_progress[pool.name] = 0
            self._progress.say(f"{given_up} prompts are not asked again: each time, the engine died over them")

    def _count(self, node: Node, manifest: Manifest) -> None:
        outcome = self.outcome
        self._progress.ended(node, manifest)
        outcome.ran[node.folder] = outcome.ran.get(node.folder, 0) + 1
        start, _ = self._span[node.folder]
        self._span[node.folder] = (start, time.monotonic())
        outcome.sampled += manifest.counts.get("sampled", 0)
        outcome.reused += manifest.counts.get("reused", 0)
        outcome.lost += manifest.counts.get("lost", 0)

    def _poll(self) -> None:
        now = time.monotonic()
        if now - self._last_poll < _POLL_S:
            return
        self._last_poll = now
        self._show()
        self._ledger.update(self._engines.spent)
        if not self.outcome.stopped and (exceeded := self._ledger.exceeded):
            self._halt(exceeded)
        for pool, replica in self._engines.stalled():
            self._restart(pool, replica, _Stalled(f"nothing moved in it for {replica.still_s():.0f} s"))
        self._release_engines()
        self._engines.ask()
        cpus = ray.cluster_resources().get("CPU", 0)  # type: ignore[no-untyped-call]
        self._most_cpu_tasks = max(_LEAST_CPU_TASKS, round(_TASKS_A_CPU * cpus))

    def _release_engines(self) -> None:
        """So that engines too large to fit beside each other can follow one another, and others can have the GPUs."""
        busy = {flight.pool.name for flight in self._flights.values() if flight.pool is not None}
        quiet = (name for name, queue in self._engine_ready.items() if not queue and name not in busy)
        if idle := [name for name in quiet if self._engines.is_open(name)]:
            to_come = (node for node in self._unmet if node.stage in _ENGINE_STAGES and node.stage in self._wanted)
            self._engines.release(idle, {self._engine_of(node) for node in to_come})

    def _rows(self, node: Node) -> int:
        """Rows that a node is about: rollouts where it has a mode, else problems."""
        problems = self._done[INGEST.name].outputs[node.shard].rows if INGEST.name in self._done else 0
        return problems * self._config.sample.count(node.mode) if node.mode is not None else problems

    def _lay_out_shards(self) -> None:
        """Adds the nodes after ingest, once ingest is done, and one line of progress a stage."""
        if INGEST.name not in self._done:
            return
        self._shards = {shard: place for place, shard in enumerate(shards_of(self._done[INGEST.name]))}
        names = [f"{stage}.{mode}" for mode in (Mode.THINK_OFF, Mode.THINK_ON) for stage in ("sample", "verify")]
        for folder in [*names, "select", "justify"]:
            if folder.partition(".")[0] in self._wanted:
                unit = "rollouts" if "." in folder else "problems"
                self._stages[folder] = StageProgress(folder.replace(".think_", " "), unit)
        for shard in self._shards:
            for node in shard_nodes(shard, self._config.verify.pseudo_gold is not None):
                if node.folder in self._stages:
                    self._stages[node.folder].total += self._rows(node)
                self._add(node)
        self._add(PUBLISH)

    def _show(self, *, now: bool = False) -> None:
        under_way = self._engines.done()
        shown = [
            replace(stage, done=min(stage.total, stage.done + under_way.get(folder, 0)))
            for folder, stage in self._stages.items()
        ]
        self._progress.show(RunState(shown, self._engines.status, self._ledger.spent), now=now)
