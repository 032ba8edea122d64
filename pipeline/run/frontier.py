"""Which nodes of a run are ready: told what became of one, the frontier says which others that opened.

It knows neither Ray nor a clock nor a file. Whether a node is up to date is asked of the function that it is made with.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hipo_data.pipeline.graph.nodes import INGEST, PUBLISH, Node, asks, inputs_of, parents, run_nodes
from hipo_data.pipeline.graph.states import shards_of
from hipo_data.pipeline.store.manifest import Manifest, Output
from hipo_data.schemas.config import RunConfig

Look = Callable[[Node, dict[str, Output]], Manifest | str]
"""Given a node whose parents are done and its inputs: its manifest where it is up to date, else why it has to run."""


@dataclass(frozen=True)
class Opened:
    """What became of the nodes whose last parent got done, each named once."""

    ready: list[Node] = field(default_factory=list)
    """Those that have to run."""
    up_to_date: list[tuple[Node, Manifest]] = field(default_factory=list)
    """Those that need not, parents before children."""


class Frontier:
    """The nodes of one run between those that are done and those that wait for others.

    Args:
        config: of the run.
        wanted: the stages that were asked for; others' nodes are taken where they are up to date, and never run.
        look: what is left of a node; what it raises passes through.
    """

    def __init__(self, config: RunConfig, wanted: set[str], look: Look) -> None:
        self._config = config
        self._wanted = wanted
        self._look = look
        self._halted = False
        self._unmet: dict[Node, set[str]] = {}
        """Nodes that wait, with the names of the parents that are not done."""
        self._children: dict[str, list[Node]] = {}
        self.done: dict[str, Manifest] = {}
        """Manifests by the node's name."""
        self.shards: dict[str, int] = {}
        """The shards that ingest made, with their place among them; empty before it is done."""
        self.blocked: dict[str, str] = {}
        """Why nodes that nobody asked for would have to run, by name."""

    def start(self) -> Opened:
        """Opens the run at ingest, and at whatever follows what is up to date."""
        opened = Opened()
        self._add(INGEST, opened)
        return opened

    def finished(self, node: Node, manifest: Manifest) -> Opened:
        """A node that was ready is done. Once ingest is, the nodes of its shards are part of the run."""
        opened = Opened()
        self._finish(node, manifest, opened)
        return opened

    def failed(self, node: Node) -> None:
        """A node that was ready will not be done in this attempt, nor will what reads it but publish, which can do
        with fewer shards (`publish_complete`)."""
        lost = [node.name]
        while lost:
            for child in self._children.pop(lost.pop(), []):
                if child != PUBLISH and self._unmet.pop(child, None) is not None:
                    lost.append(child.name)

    def halt(self) -> None:
        """From now on no node becomes ready that may send requests to an engine."""
        self._halted = True

    def publish_complete(self) -> Opened:
        """Leaves out the shards that are not complete, so that publish makes a dataset of the others."""
        opened = Opened()
        self.shards = {shard: place for shard, place in self.shards.items() if f"justify/{shard}" in self.done}
        if self.shards and PUBLISH in self._unmet:
            del self._unmet[PUBLISH]
            self._consider(PUBLISH, opened)
        return opened

    @property
    def is_out_of_reach(self) -> bool:
        """Whether wanted nodes wait for others that nobody asked for and that are not up to date."""
        if INGEST.name in self.blocked:
            return True
        return bool(self.blocked) and any(node.stage in self._wanted for node in self._unmet)

    def to_come(self) -> Iterator[Node]:
        """The wanted nodes that wait for others and may become ready yet."""
        return (node for node in self._unmet if node.stage in self._wanted)

    def inputs(self, node: Node) -> dict[str, Output]:
        """The files that a node reads whose parents are done, by label."""
        return inputs_of(node, self.done, self.shards, self._config)

    def urgency(self, node: Node) -> int:
        """Lower ones first: earlier shards, and of one shard what is nearest to the dataset, so that shards become
        complete."""
        modes = self._config.roles.modes
        place = 0 if node.mode is None else 1 + modes.index(node.mode)
        return (1 + len(modes)) * self.shards.get(node.shard, 0) + place

    def _add(self, node: Node, opened: Opened) -> None:
        needed = {parent.name for parent in parents(node, self.shards, self._config)}
        unmet = {name for name in needed if name not in self.done}  # `needed - keys` would go through all keys
        if unmet:
            self._unmet[node] = unmet
            for name in unmet:
                self._children.setdefault(name, []).append(node)
        else:
            self._consider(node, opened)

    def _consider(self, node: Node, opened: Opened) -> None:
        found = self._look(node, self.inputs(node))
        if isinstance(found, Manifest):
            opened.up_to_date.append((node, found))
            self._finish(node, found, opened)
        elif node.stage not in self._wanted:
            self.blocked[node.name] = found
        elif not (self._halted and asks(node, self._config)):
            opened.ready.append(node)

    def _finish(self, node: Node, manifest: Manifest, opened: Opened) -> None:
        self.done[node.name] = manifest
        for child in self._children.pop(node.name, []):
            if child in self._unmet:
                self._unmet[child].discard(node.name)
                if not self._unmet[child]:
                    del self._unmet[child]
                    self._consider(child, opened)
        if node == INGEST:
            self._lay_out_shards(opened)

    def _lay_out_shards(self, opened: Opened) -> None:
        self.shards = {shard: place for place, shard in enumerate(shards_of(self.done[INGEST.name]))}
        for node in run_nodes(list(self.shards), self._config):
            if node != INGEST:
                self._add(node, opened)
