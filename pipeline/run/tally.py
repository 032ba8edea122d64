"""What a run counts while it goes on: rows of each stage, nodes that ran and how long, what its outcome says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hipo_data.pipeline.graph.nodes import INGEST, Node, shard_nodes
from hipo_data.pipeline.graph.states import shards_of
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.watch.outcome import Outcome
from hipo_data.pipeline.watch.watcher import StageProgress
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.sample.shown import Shown, complaint, nothing_usable
from hipo_data.stages.select.leaking import LEAKING


@dataclass
class _UnderWay:
    """Rows of a node that has not ended."""

    before: int = 0
    """By engines that died; they are in the journal, but for those of the last second."""
    last: int = 0

    def read(self, rows: int) -> None:
        """A reading of the engine that it is at now."""
        if rows < self.last:
            self.before += self.last
        self.last = rows

    @property
    def rows(self) -> int:
        return self.before + self.last


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
        self._kept: dict[str, int] = {}
        """Problems that select passed on to justify, by shard, where it is done."""
        self._stages: dict[str, StageProgress] = {}
        self._ended: set[str] = set()
        self._under_way: dict[str, _UnderWay] = {}
        """Nodes that have not ended, by name."""
        self._spans: dict[str, tuple[float, float]] = {}
        """When the first node of a folder began, and when the last one ended."""
        self._shown: dict[Mode, Shown] = {}
        self._counted: set[str] = set()
        """Nodes that those are of, by name."""
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
        """Progress of each wanted stage, which never goes back; in the order in which a shard passes them.

        Args:
            under_way: rows that nodes under way have finished, by name. Of a node that ended they no longer count: it
                counts as a whole, whatever a reading from before says.
        """
        for name, rows in under_way.items():
            if name not in self._ended:
                self._under_way.setdefault(name, _UnderWay()).read(rows)
        more: dict[str, int] = {}
        for name, piece in self._under_way.items():
            folder, _, shard = name.partition("/")
            more[folder] = more.get(folder, 0) + min(piece.rows, self._rows_of(folder, shard))
        return [replace(stage, done=stage.done + more.get(folder, 0)) for folder, stage in self._stages.items()]

    def modes(self, under_way: Mapping[str, Mapping[str, int]]) -> dict[Mode, Shown]:
        """What the rollouts show so far, of modes that any was asked in.

        Args:
            under_way: what nodes under way have counted, by name; what a reading still says of a node that is done is
                left aside. Rollouts of earlier attempts count once their node is done.
        """
        found = dict(self._shown)
        for name, counts in under_way.items():
            if name not in self._counted:
                mode = Mode(name.partition("/")[0].removeprefix("sample."))
                found[mode] = found.get(mode, Shown()) + Shown.of_counts(counts)
        return {mode: found[mode] for mode in self._config.roles.modes if mode in found and found[mode].rollouts}

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
        outcome.leaking += manifest.counts.get(LEAKING, 0)
        if node.stage == "sample" and node.mode is not None:
            self._counted.add(node.name)
            self._shown[node.mode] = self._shown.get(node.mode, Shown()) + Shown.of_counts(manifest.counts)
            outcome.shown = {mode.value: seen for mode, seen in self._shown.items()}
        self._ended.add(node.name)
        self._under_way.pop(node.name, None)
        if node == INGEST:
            self._lay_out(manifest)
        elif node.folder in self._stages:
            self._stages[node.folder].done += self._rows_of(node.folder, node.shard)
        if node.stage == "select" and "kept" in manifest.counts:
            self._pass_on(node.shard, manifest.counts["kept"])

    def _pass_on(self, shard: str, kept: int) -> None:
        """Problems that select dropped never come to justify."""
        if "justify" in self._stages:
            self._stages["justify"].total -= self._problems[shard] - kept
            self._kept[shard] = kept

    def _lay_out(self, ingest: Manifest) -> None:
        """One line of progress a stage, with all rows that it is going to be about."""
        self._problems = {shard: ingest.outputs[shard].rows for shard in shards_of(ingest)}
        modes = self._config.roles.modes
        graded = [f"{stage}.{mode}" for mode in modes for stage in ("sample", "verify")]
        for folder in [*graded, "select", "justify"]:
            if folder.partition(".")[0] in self._wanted:
                unit = "rollouts" if "." in folder else "problems"
                self._stages[folder] = StageProgress(folder.replace(".think_", " ").replace(".", " "), unit)
        for shard in self._problems:
            for node in shard_nodes(shard, modes=modes):
                if node.folder in self._stages:
                    self._stages[node.folder].total += self._rows_of(node.folder, node.shard)

    def _rows_of(self, folder: str, shard: str) -> int:
        """Rows that a node is about: rollouts where it has a mode, else problems."""
        _, _, mode = folder.partition(".")
        if mode:
            return self._problems[shard] * self._config.sample.count(Mode(mode))
        return self._kept.get(shard, self._problems[shard]) if folder == "justify" else self._problems[shard]
