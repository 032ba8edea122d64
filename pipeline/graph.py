"""The graph: which nodes a run has, what each reads, and which are up to date.

A node is one stage, one mode where the stage runs by mode, and one shard. Shards are named `<bits>-<index>`: the
problems whose id begins with those bits. What a node's outputs depend on is kept as named digests in its manifest; it
is up to date when they are the same today. The files are the truth: nothing else remembers what is done.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from engines.identity import model_identity, model_name
from graders import CODE_GRADER, MATH_GRADER
from pipeline.manifest import Manifest, Output, parse_manifest
from pipeline.run_path import RunPath
from pipeline.stage_names import STAGES
from pipeline.store import read_many, remove_files
from prompts.rendering import template_hash
from schemas.config import RoleConfig, RunConfig, VllmEngine
from schemas.keys import digest
from schemas.records import Mode
from stages import ingest, justify, publish, sample, select, verify
from stages.evaluation_sets import files_of_set
from stages.filters import rules_hash
from stages.origins import files_of
from stages.policies import token_skip

_MODES = (Mode.THINK_OFF, Mode.THINK_ON)  # think-off is cheaper and comes first


@dataclass(frozen=True)
class Node:
    """One piece of work. `shard` is `all` for stages that see the whole run at once."""

    stage: str
    shard: str
    mode: Mode | None = None

    @property
    def folder(self) -> str:
        """Folder within the run directory."""
        return self.stage if self.mode is None else f"{self.stage}.{self.mode}"

    @property
    def name(self) -> str:
        """`sample.think_on/04-000a`."""
        return f"{self.folder}/{self.shard}"

    def path(self, run_dir: RunPath, suffix: str) -> RunPath:
        """A file of this node, such as its `.json` manifest."""
        return run_dir / self.folder / f"{self.shard}{suffix}"


INGEST = Node("ingest", "all")
PUBLISH = Node("publish", "all")

ACCOUNTS = "accounts"
"""Among the outputs of ingest, what became of every source row."""
VERDICTS = "verdicts"
"""Among the outputs of a sample node that stops when decided, the verdicts that it stopped by."""
VOTES = "votes"
"""Among the outputs of verify in think-on, what responses to problems without a gold agree on."""
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
    for other in range(ingest.MOST_BITS + 1):
        finer = max(0, other - bits)
        first = (index << finer) >> (bits - other if other < bits else 0)
        for place in range(first, first + (1 << finer)):
            yield shard_name(other, place)


def shard_nodes(shard: str, votes: bool = False) -> list[Node]:
    """The nodes of one shard, in an order in which they can run; `votes`: think-on responses vote on golds."""
    graded = [Node(stage, shard, mode) for mode in _MODES for stage in ("sample", "verify")]
    if votes:
        graded = [*(Node("sample", shard, mode) for mode in _MODES), *(node for node in reversed(graded[1::2]))]
    return [
        *graded,
        Node("select", shard),
        Node("justify", shard),
    ]


def parents(node: Node, shards: Iterable[str], config: RunConfig) -> list[Node]:
    """The nodes whose outputs `node` reads."""
    shard = node.shard
    by_mode = [Node(stage, shard, mode) for stage in ("sample", "verify") for mode in _MODES]
    match node.stage:
        case "ingest":
            return []
        case "sample":
            waits = config.sample.stops and node.mode is Mode.THINK_ON
            return [INGEST, *([Node(stage, shard, Mode.THINK_OFF) for stage in ("sample", "verify")] if waits else [])]
        case "verify":
            waits = config.verify.pseudo_gold is not None and node.mode is Mode.THINK_OFF
            return [
                INGEST,
                Node("sample", shard, node.mode),
                *([Node("verify", shard, Mode.THINK_ON)] if waits else []),
            ]
        case "select":
            return [INGEST, *by_mode]
        case "justify":
            return [INGEST, Node("select", shard), *(node for node in by_mode if node.stage == "sample")]
        case _:
            return [INGEST, *[Node(stage, name) for name in shards for stage in ("select", "justify")]]


def inputs_of(
    node: Node, manifests: dict[str, Manifest], shards: Iterable[str], config: RunConfig
) -> dict[str, Output]:
    """The files that `node` reads, by label. All parents must be done."""
    found: dict[str, Output] = {}
    for parent in parents(node, shards, config):
        outputs = manifests[parent.name].outputs
        if parent == INGEST:
            wanted = [shard for shard in ([node.shard] if node != PUBLISH else shards) if shard in outputs]
            found |= {f"problems/{shard}": outputs[shard] for shard in wanted}
            if node.mode is Mode.THINK_ON and node.stage == "sample" and RESPONSES + node.shard in outputs:
                found[RESPONSES + node.shard] = outputs[RESPONSES + node.shard]
        elif node.stage != "verify" or parent.stage != "verify":  # of another mode's verdicts, the votes alone are read
            found[parent.name] = outputs["rows"]
        if parent.stage == "verify" and node.stage in ("verify", "select") and VOTES in outputs:
            found[VOTES] = outputs[VOTES]
        if parent.stage == "select" and PICKS in outputs:
            found[f"{PICKS}/{parent.shard}"] = outputs[PICKS]
        if node.stage == "verify" and VERDICTS in outputs:
            found[VERDICTS] = outputs[VERDICTS]
    return found


class Fingerprints:
    """The digests that outputs depend on, beside the inputs.

    Raises `FileNotFoundError`, `SourceError` and, where a policy lacks a package, `UserError`.
    """

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        if config.select.policy == "budget" and config.select.budget.kind == "token_skip":
            token_skip.require()  # before hours of sampling

    def parts(self, node: Node, inputs: dict[str, Output]) -> dict[str, str]:
        """Named digests of all that `node` depends on."""
        return {**self._own(node), **{f"input {label}": output.sha256 for label, output in inputs.items()}}

    def _own(self, node: Node) -> dict[str, str]:
        config = self._config
        match node.stage:
            case "ingest":
                return self._ingest
            case "sample":
                assert node.mode is not None
                stops = node.mode is Mode.THINK_ON and config.sample.stops
                return self._sample[node.mode] | (self._stop if stops else {})
            case "verify":
                return self._verify
            case "select":
                return {"code": select.VERSION, "seed": str(config.seed), **self._select}
            case "justify":
                return self._justify
            case _:
                return self._publish

    @cached_property
    def _ingest(self) -> dict[str, str]:
        config = self._config
        sources = [
            {
                **source.model_dump(mode="json", exclude={"path", "stream"}),
                "files": [[file.label, file.identity()] for file in files_of(source)],
            }
            for source in config.sources
        ]
        against = [
            [each.name, each.question, [file.identity() for file in files_of_set(each)]]
            for each in config.ingest.decontaminate.sets
        ]
        settings = config.ingest.model_dump(mode="json", exclude={"decontaminate": {"sets"}})
        return {
            "code": ingest.VERSION,
            "seed": str(config.seed),
            "sources": digest(sources),
            "ingest": digest(settings),
            "filters": rules_hash(),
            "evaluation sets": digest(against),
            **({"without gold": "kept"} if config.verify.pseudo_gold else {}),
        }

    @cached_property
    def _sample(self) -> dict[Mode, dict[str, str]]:
        config = self._config
        return {
            mode: {
                "code": sample.VERSION,
                "seed": str(config.seed),
                "count": str(config.sample.count(mode)),
                "prompt": template_hash(config.sample.template),
                **self._role(mode.value, config.roles.of(mode)),
            }
            for mode in _MODES
        }

    @cached_property
    def _verify(self) -> dict[str, str]:
        # Left out where it is null, so that verdicts of before there was any stay.
        unsaid = set() if self._config.verify.pseudo_gold else {"pseudo_gold"}
        settings = self._config.verify.model_dump(mode="json", exclude={"workers"} | unsaid)
        return {"code": verify.VERSION, "graders": digest(CODE_GRADER, MATH_GRADER), "verify": digest(settings)}

    @cached_property
    def _select(self) -> dict[str, str]:
        config = self._config
        return {"select": digest(config.select.in_use()), "format": config.publish.format}

    @cached_property
    def _stop(self) -> dict[str, str]:
        """Where sampling ends depends on what the grader and the selection say."""
        sample_config = self._config.sample
        error = str(sample_config.stop_error) if sample_config.stop == "likely" else ""
        return {
            "stop": f"{sample_config.stop} {error}".strip(),
            "n_off": str(sample_config.count(Mode.THINK_OFF)),
            "graders": digest(self._verify),
            **self._select,
        }

    @cached_property
    def _publish(self) -> dict[str, str]:
        config = self._config
        settings = {"name": config.name, **config.publish.model_dump(mode="json")}
        parts = {"code": publish.VERSION, "publish": digest(settings), "policy": config.select.policy}
        # Prompts for reinforcement learning say a budget that publish draws.
        drawn = {"budget": digest(config.seed, config.select.in_use())} if config.select.policy == "budget" else {}
        return parts | drawn

    @cached_property
    def _justify(self) -> dict[str, str]:
        config = self._config
        return {
            "code": justify.VERSION,
            "seed": str(config.seed),
            "justify": digest(config.justify.model_dump(mode="json")),
            "format": config.publish.format,
            "prompt": template_hash(config.justify.prompt),
            **self._role("justifier", config.roles.justifier),
        }

    def _role(self, name: str, role: RoleConfig) -> dict[str, str]:
        engine = self._config.engines[role.engine]
        parts = {
            f"roles.{name}": digest(role.model_dump(mode="json", exclude={"engine"})),
            "model": self.identities[role.engine],
        }
        if isinstance(engine, VllmEngine) and "max_model_len" in engine.args:
            parts["max_model_len"] = str(engine.args["max_model_len"])  # decides what is truncated
        return parts

    @cached_property
    def identities(self) -> dict[str, str]:
        """Digest of the model of each engine."""
        return {name: model_identity(engine) for name, engine in self._config.engines.items()}

    @cached_property
    def names(self) -> dict[str, str]:
        """Name of the model of each engine."""
        return {name: model_name(engine) for name, engine in self._config.engines.items()}


@dataclass(frozen=True)
class State:
    """Whether a node is done, and if not, why it has to run."""

    done: bool
    reason: str


def state_of(
    node: Node,
    manifest: Manifest | None,
    parts: dict[str, str],
    run_dir: RunPath,
    sizes: Mapping[str, int] | None = None,
) -> State:
    """Compares what a node left behind with what it would depend on today.

    `sizes` are those of files as a listing had them; of a file that is not among them the file itself is asked.
    """
    if manifest is None:
        return State(False, "not done yet")
    changed = sorted(key for key in parts.keys() | manifest.parts.keys() if parts.get(key) != manifest.parts.get(key))
    if changed:
        inputs = [key for key in changed if key.startswith("input ")]
        own = [key for key in changed if key not in inputs] or ["what it reads"]
        return State(False, f"{', '.join(own)} changed")
    for output in manifest.outputs.values():
        if sizes and sizes.get(output.path) == output.bytes:
            continue
        path = run_dir / output.path
        if not path.exists() or (path.is_file() and path.stat().st_size != output.bytes):
            return State(False, f"{output.path} is missing or was altered")
    if manifest.retry:
        return State(False, f"{manifest.retry} failed requests are tried again")
    return State(True, "done")


def load_manifests(run_dir: RunPath, *, unlisted: bool = False) -> dict[str, Manifest]:
    """All manifests in a run directory by node name, those that an earlier count of shards left behind too.

    They are found by listing. In storage a listing may lag; with `unlisted`, those that it does not show are asked for
    by their names, which takes one request for each node of the last ingest's shards that is not done.
    """
    found: dict[str, Manifest] = {}
    for folder in run_dir.iterdir() if run_dir.is_dir() else []:
        if folder.name.partition(".")[0] in STAGES:
            for _, data in read_many(list(folder.glob("*.json"))):
                manifest = parse_manifest(data)
                if manifest is not None:
                    found[manifest.node] = manifest
    if unlisted and not isinstance(run_dir, Path):
        found |= _by_name(run_dir, [node for node in (INGEST, PUBLISH) if node.name not in found])
        nodes = [node for shard in shards_of(found.get(INGEST.name)) for node in shard_nodes(shard)]
        found |= _by_name(run_dir, [node for node in nodes if node.name not in found])
    return found


def _by_name(run_dir: RunPath, nodes: list[Node]) -> dict[str, Manifest]:
    read = [parse_manifest(data) for _, data in read_many([node.path(run_dir, ".json") for node in nodes])]
    return {manifest.node: manifest for manifest in read if manifest is not None}


def load_present_manifests(run_dir: RunPath, *, unlisted: bool = False) -> dict[str, Manifest]:
    """The manifests of the shards that the last ingest made and of the stages that see the whole run, by node name.

    `unlisted` as `load_manifests` has it.
    """
    manifests = load_manifests(run_dir, unlisted=unlisted)
    present = {"all", *shards_of(manifests.get(INGEST.name))}
    return {name: manifest for name, manifest in manifests.items() if name.rpartition("/")[2] in present}


def remove_other_shards(run_dir: RunPath, shards: Iterable[str]) -> None:
    """Deletes what an earlier count of shards left behind, once nothing can be taken from it any more."""
    present = set(shards)
    for folder in run_dir.iterdir():
        if folder.name.partition(".")[0] in STAGES:
            remove_files([path for path in folder.glob("??-????.*") if path.name.partition(".")[0] not in present])


def shards_of(manifest: Manifest | None) -> list[str]:
    """The shards that ingest made, in order."""
    others = {"rejected", ACCOUNTS}
    return sorted(label for label in manifest.outputs if label not in others and "/" not in label) if manifest else []
