"""Runs the graph on Ray: whatever is ready and not up to date, shard by shard, so that stages overlap.

What is ready is the frontier's to say, what is under way the flights', what came of it the tally's; this page moves
nodes from one to the other. The driver holds names and counts; tables go from worker to store.
"""

import logging
import time
import uuid
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from hipo_data.figures.plural import counted
from hipo_data.pipeline.graph.fingerprints import Fingerprints
from hipo_data.pipeline.graph.nodes import INGEST, PUBLISH, Node, asks, engine_of
from hipo_data.pipeline.graph.stages import STAGES
from hipo_data.pipeline.graph.states import load_manifests, remove_other_shards, shards_of, state_of
from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.replicas.pools import EnginePools
from hipo_data.pipeline.run.cluster import Cluster
from hipo_data.pipeline.run.flights import Flights
from hipo_data.pipeline.run.frontier import Frontier, Opened
from hipo_data.pipeline.run.healing import Healing
from hipo_data.pipeline.run.tally import Tally
from hipo_data.pipeline.store.files import sizes_in_storage
from hipo_data.pipeline.store.journal import remove_late_batches
from hipo_data.pipeline.store.ledger import Ledger
from hipo_data.pipeline.store.manifest import Manifest, Output
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.suspects import read_suspects
from hipo_data.pipeline.views.failures import failed_requests, nothing_kept
from hipo_data.pipeline.views.ingest_report import accounts_of
from hipo_data.pipeline.watch.outcome import Outcome
from hipo_data.pipeline.watch.progress import RunProgress
from hipo_data.pipeline.watch.watcher import RunState
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.errors import RunFailedError, UnfitError

_LOOK_EVERY_S = 1.0
_LOG = logging.getLogger(__name__)


class Runner:
    """One run of the wanted stages: `anything_to_do`, then, on a connected Ray, `run`, each once."""

    def __init__(
        self,
        run_dir: RunPath,
        config: RunConfig,
        wanted: Iterable[str],
        progress: RunProgress,
        healing: Healing | None = None,
        *,
        retry_failed: bool = False,
    ) -> None:
        self._run_dir = run_dir
        self._config = config
        self._progress = progress
        self._healing = healing or Healing(run_dir, progress.say)
        self._suspects = read_suspects(run_dir)
        self._wanted = set(wanted)
        self._retry_failed = retry_failed
        self._name = uuid.uuid4().hex[:8]
        self._fingerprints = Fingerprints(config)
        self._ledger = Ledger(run_dir, config)
        self._left_behind = load_manifests(run_dir, unlisted=True, modes=config.roles.modes)
        self._sizes = sizes_in_storage(run_dir)
        self._frontier = Frontier(config, self._wanted, self._left_of)
        self._tally = Tally(config, self._wanted)
        self._cluster = Cluster(config.ray)
        self._engines = EnginePools(config, run_dir, self._fingerprints.names, progress.say)
        self._flights = Flights(
            self._cluster, self._engines, self._task_of, config.ray.max_restarts, run_dir, progress.say
        )
        self._next_look = 0.0
        self.is_cut_short = False
        """Whether nodes were not done because they read damaged files, which are moved aside now: another runner makes
        those again."""
        self.outcome: Outcome = self._tally.outcome

    def anything_to_do(self) -> bool:
        """Whether anything wanted is not up to date; where nothing is, Ray need not be started."""
        self._take(self._frontier.start())
        return self._flights.are_left() or self._frontier.is_out_of_reach

    def run(self) -> Outcome:
        """Runs until nothing is left. Raises `RunFailedError` where going on is pointless; finished work is kept.

        Where it is interrupted, engines journal what is finished before that goes on.
        """
        try:
            return self._run()
        except KeyboardInterrupt:
            self._progress.say("stopping: finished rollouts are being written …")
            self.stop()
            raise

    def _run(self) -> Outcome:
        if exceeded := self._ledger.exceeded:
            self._halt(exceeded)
        self._work()
        if self.outcome.stopped and not self.is_cut_short:
            self.outcome.shards = len(self._frontier.shards)
            self._take(self._frontier.publish_complete())
            self.outcome.complete = len(self._frontier.shards)
            self._work()
        self._show(now=True)
        if PUBLISH.name in self._frontier.done and not self.outcome.stopped:
            remove_other_shards(self._run_dir, self._frontier.shards)
        self._settle()
        if self._frontier.is_out_of_reach and not self.outcome.failures and not self.is_cut_short:
            raise RunFailedError(_what_is_missing(self._frontier.blocked))
        return self.outcome

    def stop(self) -> None:
        """Lets engines journal what is finished and stops them."""
        self._ledger.write()
        self._engines.stop()

    def _work(self) -> None:
        """Until nothing is ready and nothing under way."""
        while self._flights.are_left():
            for node in self._flights.take_off():
                self._progress.began(node)
                self._tally.began(node, time.monotonic())
            for landing in self._flights.land():
                node = landing.node
                if landing.damaged is not None:
                    self._progress.failed(node, landing.error)
                    self._healing.take(landing.damaged)
                    self._frontier.failed(node)
                    self.is_cut_short = True
                elif landing.manifest is None:
                    self._progress.failed(node, landing.error)
                    self._tally.failed(node, landing.error)
                    self._frontier.failed(node)
                else:
                    self._progress.ended(node, landing.manifest)
                    self._tally.ran(node, landing.manifest, time.monotonic())
                    if node == INGEST:
                        self._look_at_sources(landing.manifest)
                    self._take(self._frontier.finished(node, landing.manifest))
            if time.monotonic() >= self._next_look:
                self._next_look = time.monotonic() + _LOOK_EVERY_S
                self._look_around()

    def _take(self, opened: Opened) -> None:
        for node, manifest in opened.up_to_date:
            if node == INGEST:
                self._look_at_sources(manifest)
            self._tally.up_to_date(node, manifest)
        if PUBLISH in opened.ready:
            self._check_modes(whole=True)
        for node in opened.ready:
            self._flights.add(node, engine_of(node, self._config), self._frontier.urgency(node))

    def _look_at_sources(self, ingest: Manifest) -> None:
        """Tells of sources that gave nothing. Raises `UnfitError` where none gave a problem."""
        if not _problems(ingest):
            raise UnfitError(nothing_kept(self._run_dir, ingest))
        for sentence in accounts_of(self._run_dir, ingest).none_accepted:
            self._progress.say(sentence)

    def _check_modes(self, *, whole: bool) -> None:
        """Raises `UnfitError` where a mode is not what it says; with the `whole` of it, nothing is published."""
        if said := self._tally.complaint(whole=whole):
            self.stop()
            raise UnfitError(
                f"{said}{_in_their_words(self._run_dir)}; finished work is kept, and nothing is published. "
                "`hipo-data status` shows what the modes show; --no-check goes on all the same"
            )

    def _left_of(self, node: Node, inputs: dict[str, Output]) -> Manifest | str:
        """What an earlier attempt left of a node, or why that does not do."""
        parts = self._fingerprints.parts(node, inputs)
        manifest = self._left_behind.get(node.name)
        engine = engine_of(node, self._config)
        state = state_of(
            node,
            manifest,
            parts,
            self._run_dir,
            self._sizes,
            self._suspects,
            asking=self._fingerprints.asking[engine] if engine else "",
            retry_failed=self._retry_failed,
        )
        if state.damaged is not None and node.stage in self._wanted:
            self._healing.take(state.damaged)
        if state.done and manifest is not None:
            return manifest
        _LOG.debug("%s is to be done: %s", node.name, state.reason)
        return state.reason

    def _task_of(self, node: Node) -> Task:
        inputs, engine = self._frontier.inputs(node), engine_of(node, self._config)
        return Task(
            run_dir=self._run_dir,
            name=node.name,
            stage=node.stage,
            mode=node.mode,
            shard=node.shard,
            config=self._config,
            driver=self._name,
            cwd=str(Path.cwd()),
            parts=self._fingerprints.parts(node, inputs),
            inputs=inputs,
            model=self._fingerprints.names[engine] if engine else "",
            identity=self._fingerprints.identities[engine] if engine else "",
            asking=self._fingerprints.asking[engine] if engine else "",
        )

    def _look_around(self) -> None:
        """Once a second: what people see, what is spent, whether engines hang, whether one should give way."""
        self._show()
        self._check_modes(whole=False)
        self._ledger.update(self._engines.spent)
        if not self.outcome.stopped and (exceeded := self._ledger.exceeded):
            self._halt(exceeded)
        self._flights.restart_stalled()
        self._release_engines()
        self._engines.ask()
        self._flights.make_room(self._cluster.cpus(), self._config.ray.task.num_cpus)

    def _show(self, *, now: bool = False) -> None:
        stages = self._tally.stages(self._engines.done())
        modes = self._tally.modes(self._engines.shown())
        self._progress.show(RunState(stages, self._engines.status, self._ledger.spent, modes), now=now)

    def _halt(self, reason: str) -> None:
        """Lets no more requests go to engines; stages that send none go on with what there is."""
        self.outcome.stopped = reason
        self._progress.say(f"{reason}: engines stop, what they have finished is kept")
        self._frontier.halt()
        self._flights.stop_asking(partial(asks, config=self._config))

    def _release_engines(self) -> None:
        """So that engines too large to fit beside each other can follow one another, and others can have the GPUs."""
        if idle := self._flights.idle_engines():
            engines = (engine_of(node, self._config) for node in self._frontier.to_come())
            self._engines.release(idle, {engine for engine in engines if engine is not None})

    def _settle(self) -> None:
        """Takes the engines' last readings, and what they come to."""
        self._engines.read_all()
        self._engines.keep_logs()
        self._engines.forget_in_flight()
        remove_late_batches(self._run_dir / "journal", self._frontier.done)
        self._ledger.update(self._engines.spent)
        self._ledger.write()
        self._tally.close(self._engines.start_seconds)
        self.outcome.spent = self._ledger.spent
        self.outcome.tokens = sum(spent.completion_tokens + spent.characters for spent in self._engines.spent.values())
        self.outcome.restarts = self._engines.restarts


def _problems(ingest: Manifest) -> int:
    return sum(ingest.outputs[shard].rows for shard in shards_of(ingest))


def _in_their_words(run_dir: RunPath) -> str:
    """What most failed requests were told, where any failed."""
    errors = failed_requests(run_dir)
    return f" ({errors[0][0]})" if errors else ""


def _what_is_missing(blocked: dict[str, str]) -> str:
    name, reason = next(iter(blocked.items()))
    missing = {each.partition("/")[0].partition(".")[0] for each in blocked}
    return (
        f"{counted(len(blocked), 'piece')} of earlier stages still to be done, such as {name} ({reason}); "
        f"add --stage {' --stage '.join(sorted(missing, key=STAGES.index))} or use --stage all"
    )
