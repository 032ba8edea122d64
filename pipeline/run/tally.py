"""What a run counts while it goes on: rows of each stage, nodes that ran and how long, what its outcome says."""

from collections.abc import Mapping
from dataclasses import replace

from hipo_data.pipeline.graph.nodes import INGEST, Node, shard_nodes
from hipo_data.pipeline.graph.states import shards_of
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.watch.outcome import Outcome
from hipo_data.pipeline.watch.watcher import StageProgress
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.sample.shown import Shown, complaint, nothing_usable

_FOLDERS = [*(f"{stage}.{mode}" for mode in (Mode.THINK_OFF, Mode.THINK_ON) for stage in ("sample", "verify"))]


class Tally:
    """Counts for one attempt at a run; it is told of each node once when it starts to run and once when it is done.

    Args:
        config: of the run.
        wanted: the stages that were asked for; those get a line of progress each.
    """

    def __init__(self, config: RunConfig, wanted: set[str]) -> None:
        self._config = config
        self._wanted = wanted
        self._problems: dict[str, int] = {}
        """By shard."""
        self._stages: dict[str, StageProgress] = {}
        self._spans: dict[str, tuple[float, float]] = {}
        """When the first node of a folder began, and when the last one ended."""
        self._shown: dict[Mode, Shown] = {}
        self.outcome = Outcome()

    def began(self, node: Node, now: float) -> None:
        """A node was handed to a worker at `now`, in seconds."""
        self._spans.setdefault(node.folder, (now, now))

    def ran(self, node: Node, manifest: Manifest, now: float) -> None:
        """A node was run, and was done at `now`."""
        outcome = self.outcome
        outcome.ran[node.folder] = outcome.ran.get(node.folder, 0) + 1
        start, _ = self._spans[node.folder]
        self._spans[node.folder] = (start, now)
        outcome.sampled += manifest.counts.get("sampled", 0)
        outcome.reused += manifest.counts.get("reused", 0)
        outcome.lost += manifest.counts.get("lost", 0)
        self._is_done(node, manifest)

    def up_to_date(self, node: Node, manifest: Manifest) -> None:
        """A node need not run."""
        self.outcome.up_to_date += 1
        self._is_done(node, manifest)

    def failed(self, node: Node, error: str) -> None:
        """A node ran and is not done; why, in a sentence."""
        self.outcome.failures[node.name] = error

    def stages(self, under_way: Mapping[str, int]) -> list[StageProgress]:
        """Progress of each wanted stage, with the rows that nodes under way have finished, by folder."""
        return [
            replace(stage, done=min(stage.total, stage.done + under_way.get(folder, 0)))
            for folder, stage in self._stages.items()
        ]

    def complaint(self, *, whole: bool) -> str | None:
        """Why a mode is not what it says, in a clause: once enough rollouts tell, or with the `whole` of them."""
        limits = self._config.check
        for mode, seen in self._shown.items() if limits is not None else ():
            assert limits is not None
            said = complaint(mode, seen, limits, least=1 if whole else limits.rollouts)
            if said or (whole and (said := nothing_usable(mode, seen))):
                return said
        return None

    def close(self, start_seconds: float) -> None:
        """Takes the times into the outcome; `start_seconds` of the sampling went by before an engine had started."""
        self.outcome.seconds = {folder: end - start for folder, (start, end) in self._spans.items()}
        spans = [span for folder, span in self._spans.items() if folder.startswith("sample")]
        if spans:
            whole = max(end for _, end in spans) - min(start for start, _ in spans)
            self.outcome.sampling_seconds = max(0.0, whole - start_seconds)

    def _is_done(self, node: Node, manifest: Manifest) -> None:
        outcome = self.outcome
        if "rejected" in manifest.outputs:
            outcome.rejected.append(manifest.outputs["rejected"])
        outcome.unneeded += manifest.counts.get("unneeded", 0)
        outcome.saved_tokens += manifest.counts.get("saved_tokens", 0)
        if node.stage == "sample" and node.mode is not None:
            self._shown[node.mode] = self._shown.get(node.mode, Shown()) + Shown.of_counts(manifest.counts)
            outcome.shown = {mode.value: seen for mode, seen in self._shown.items()}
        if node == INGEST:
            self._lay_out(manifest)
        elif node.folder in self._stages:
            self._stages[node.folder].done += self._rows(node)

    def _lay_out(self, ingest: Manifest) -> None:
        """One line of progress a stage, with all rows that it is going to be about."""
        self._problems = {shard: ingest.outputs[shard].rows for shard in shards_of(ingest)}
        for folder in [*_FOLDERS, "select", "justify"]:
            if folder.partition(".")[0] in self._wanted:
                unit = "rollouts" if "." in folder else "problems"
                self._stages[folder] = StageProgress(folder.replace(".think_", " "), unit)
        for shard in self._problems:
            for node in shard_nodes(shard):
                if node.folder in self._stages:
                    self._stages[node.folder].total += self._rows(node)

    def _rows(self, node: Node) -> int:
        """Rows that a node is about: rollouts where it has a mode, else problems."""
        problems = self._problems[node.shard]
        return problems * self._config.sample.count(node.mode) if node.mode is not None else problems
