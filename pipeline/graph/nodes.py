"""The graph: which nodes a run has, and what each reads.

A node is one stage, one mode where the stage runs by mode, and one shard. Shards are named `<bits>-<index>`: the
problems whose id begins with those bits. What a node's outputs depend on is in graph/fingerprints.py, and which
nodes are up to date in graph/states.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hipo_data.pipeline.store.manifest import Manifest, Output
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.ingest.shard_count import MOST_BITS

_GRADED = ("sample", "verify")
PAIR = (Mode.THINK_OFF, Mode.THINK_ON)
"""The modes of a run without arms; think-off is cheaper and comes first."""


@dataclass(frozen=True)
class Node:
    """One piece of work. `shard` is `all` for stages that see the whole run at once."""

    stage: str
    shard: str
    mode: Mode | None = None

    @property
    def folder(self) -> str:
        """Folder within the run directory."""
        if self.stage == "select" and self.shard == "all":
            return "select.prior"
        return self.stage if self.mode is None else f"{self.stage}.{self.mode}"

    @property
    def name(self) -> str:
        """`sample.think_on/04-000a`."""
        return f"{self.folder}/{self.shard}"

    def path(self, run_dir: RunPath, suffix: str) -> RunPath:
        """A file of this node, such as its `.json` manifest."""
        return run_dir / self.folder / f"{self.shard}{suffix}"


INGEST = Node("ingest", "all")
PRIOR = Node("select", "all")
"""Where the rule asks a prior: fits it to the counts of all shards, before any of them is selected."""
PUBLISH = Node("publish", "all")

ACCOUNTS = "accounts"
"""Among the outputs of ingest, what became of every source row."""
VERDICTS = "verdicts"
"""Among the outputs of a sample node that stops when decided, the verdicts that it stopped by."""
ALLOCATED = "allocated"
"""Among the outputs of think-off's sample node where it samples both modes, how many think-on rollouts a problem got;
their records lie in think-on's journal."""
ARMS = "arms"
"""Among the outputs of select over arms and under the policy effort, what rollouts came to by problem and arm."""
VOTES = "votes"
"""Among the outputs of verify in think-on or the dearest arm, what responses to problems without a gold agree on."""
PICKS = "picks"
"""Among the outputs of select, the responses that are kept; before a shard's name, their label as an input."""
RESPONSES = "responses/"
"""Before the name of a shard, among the outputs of ingest: responses that came with the source rows."""


def shard_name(bits: int, index: int) -> str:
    """The name of a shard."""
    return f"{bits:02d}-{index:04x}"


def overlapping(shard: str, other: str) -> bool:
    """Whether two shards, perhaps of different counts, can hold the same problem."""
    (bits, index), (other_bits, other_index) = ((int(name[:2]), int(name[3:], 16)) for name in (shard, other))
    common = min(bits, other_bits)
    return index >> (bits - common) == other_index >> (other_bits - common)


def relatives(shard: str) -> Iterator[str]:
    """The names of all shards, of whatever count, that can hold the same problem as this one, itself included."""
    bits, index = int(shard[:2]), int(shard[3:], 16)
    for other in range(MOST_BITS + 1):
        finer = max(0, other - bits)
        first = (index << finer) >> (bits - other if other < bits else 0)
        for place in range(first, first + (1 << finer)):
            yield shard_name(other, place)


def shard_nodes(shard: str, votes: bool = False, modes: Sequence[Mode] = PAIR) -> list[Node]:
    """The nodes of one shard, in an order in which they can run; `votes`: responses of the dearest mode, which is
    think-on of the two, vote on golds."""
    graded = [Node(stage, shard, mode) for mode in modes for stage in ("sample", "verify")]
    if votes:
        graded = [*(Node("sample", shard, mode) for mode in modes), *(node for node in reversed(graded[1::2]))]
    return [
        *graded,
        Node("select", shard),
        Node("justify", shard),
    ]


def run_nodes(shards: Sequence[str], config: RunConfig) -> list[Node]:
    """All nodes of a run whose ingest made `shards`, in an order in which they can run."""
    votes, modes = config.verify.pseudo_gold is not None, config.roles.modes
    own = [node for shard in shards for node in shard_nodes(shard, votes, modes)]
    if not config.select.by_posterior:
        return [INGEST, *own, PUBLISH]
    graded = [node for node in own if node.stage in _GRADED]
    return [INGEST, *graded, PRIOR, *(node for node in own if node.stage not in _GRADED), PUBLISH]


def parents(node: Node, shards: Iterable[str], config: RunConfig) -> list[Node]:
    """The nodes whose outputs `node` reads."""
    shard, modes = node.shard, config.roles.modes
    by_mode = [Node(stage, shard, mode) for stage in _GRADED for mode in modes]
    match node.stage:
        case "ingest":
            return []
        case "sample":
            if config.sample.adapts and node.mode is Mode.THINK_ON:
                return [INGEST, Node("sample", shard, Mode.THINK_OFF)]
            if config.climbs and node.mode is not None:
                lower = modes[: modes.index(node.mode)]
                return [INGEST, *(Node(stage, shard, mode) for mode in lower for stage in _GRADED)]
            waits = config.sample.stops and node.mode is Mode.THINK_ON
            return [INGEST, *([Node(stage, shard, Mode.THINK_OFF) for stage in ("sample", "verify")] if waits else [])]
        case "verify":
            voter = config.roles.voter
            waits = config.verify.pseudo_gold is not None and node.mode is not voter
            return [
                INGEST,
                Node("sample", shard, node.mode),
                *([Node("verify", shard, voter)] if waits else []),
            ]
        case "select" if node == PRIOR:
            return [INGEST, *[Node(stage, name, mode) for name in shards for stage in _GRADED for mode in modes]]
        case "select":
            return [INGEST, *by_mode, *([PRIOR] if config.select.by_posterior else [])]
        case "justify":
            return [INGEST, Node("select", shard), *(node for node in by_mode if node.stage == "sample")]
        case _:
            return [INGEST, *[Node(stage, name) for name in shards for stage in ("select", "justify")]]


def engine_of(node: Node, config: RunConfig) -> str | None:
    """The engine beside which `node` runs; null for one that runs on CPUs."""
    match node.stage:
        case "sample":
            assert node.mode is not None
            return config.roles.of(node.mode).engine
        case "justify":
            return config.roles.justifier.engine
        case _:
            return None


def asks(node: Node, config: RunConfig) -> bool:
    """Whether `node` may send requests to an engine: justify runs beside one, and asks where the format justifies."""
    return node.stage == "sample" or (node.stage == "justify" and FORMATS[config.publish.format].justifies)


def inputs_of(
    node: Node, manifests: dict[str, Manifest], shards: Iterable[str], config: RunConfig
) -> dict[str, Output]:
    """The files that `node` reads, by label. All parents must be done."""
    found: dict[str, Output] = {}
    for parent in parents(node, shards, config):
        outputs = manifests[parent.name].outputs
        if parent == INGEST:
            wanted = [shard for shard in (shards if node in (PRIOR, PUBLISH) else [node.shard]) if shard in outputs]
            found |= {f"problems/{shard}": outputs[shard] for shard in wanted}
            imports = node.mode is Mode.THINK_ON or any(source.type == "rollouts" for source in config.sources)
            if imports and node.stage == "sample" and RESPONSES + node.shard in outputs:
                found[RESPONSES + node.shard] = outputs[RESPONSES + node.shard]
        elif node.stage == parent.stage == "sample" and ALLOCATED in outputs:
            found[ALLOCATED] = outputs[ALLOCATED]
        elif node.stage != "verify" or parent.stage != "verify":  # of another mode's verdicts, the votes alone are read
            found[parent.name] = outputs["rows"]
        votes = node.stage in ("verify", "select") and node != PRIOR  # whose counts hold what was voted already
        if parent.stage == "verify" and votes and VOTES in outputs:
            found[VOTES] = outputs[VOTES]
        if parent.stage == "select" and PICKS in outputs:
            found[f"{PICKS}/{parent.shard}"] = outputs[PICKS]
        if parent.stage == "select" and node.stage in ("justify", "publish") and ARMS in outputs:
            found[f"{ARMS}/{parent.shard}"] = outputs[ARMS]
        if node.stage == "verify" and VERDICTS in outputs:
            found[VERDICTS] = outputs[VERDICTS]
    return found
