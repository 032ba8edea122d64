"""What a run would do, and why, without doing it."""

from collections import Counter
from dataclasses import dataclass, field

from hipo_data.pipeline.graph.fingerprints import Fingerprints
from hipo_data.pipeline.graph.nodes import INGEST, Node, engine_of, inputs_of, parents, run_nodes
from hipo_data.pipeline.graph.stages import STAGES
from hipo_data.pipeline.graph.states import load_present_manifests, shards_of, state_of
from hipo_data.pipeline.store.files import sizes_in_storage
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.suspects import read_suspects
from hipo_data.pipeline.views.expected import Expected, expected
from hipo_data.pipeline.views.expected_mix import expected_mix
from hipo_data.pipeline.views.ingest_report import accounts_of
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.config import RecordedEngine, RunConfig
from hipo_data.schemas.errors import DamagedError
from hipo_data.schemas.length_unit import Unit, unit_of
from hipo_data.schemas.records import Mode
from hipo_data.stages.ingest.none_accepted import first_look
from hipo_data.stages.ingest.origins import open_source
from hipo_data.stages.select.select import modes_at_most

_UPSTREAM = "an earlier stage runs"


@dataclass
class StagePlan:
    """One line of the plan. Estimates are null where nothing is known yet."""

    label: str
    nodes: int = 0
    up_to_date: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    requests: int | None = None
    tokens: int | None = None
    tokens_at_most: int | None = None
    unit: Unit = Unit.TOKENS
    """What both are counted in."""

    @property
    def to_run(self) -> int:
        """Nodes that would run."""
        return self.nodes - self.up_to_date


@dataclass
class Plan:
    """What each stage would do. Where ingest has to run first, the number of problems is only that of the last run."""

    stages: list[StagePlan]
    ingest_first: bool
    none_accepted: list[str] = field(default_factory=list)
    """A sentence of each source of which no row is accepted."""
    expected: Expected | None = None
    """Where ingest has to run first, what the sources' files say of how much that will be."""
    mix: str | None = None
    """What publish will make of the responses that are selected, as a sentence; null without a mix."""
    hopeless: bool = False
    """Whether no source gives a problem, for certain."""


def make_plan(run_dir: RunPath, config: RunConfig) -> Plan:
    """The plan of a run. Raises `FileNotFoundError` where a source, a template or a model is missing."""
    fingerprints = Fingerprints(config)
    damaged: list[DamagedError] = []
    left_behind = load_present_manifests(run_dir, damaged=damaged)
    reasons = {each.path: each.what for each in damaged}
    suspects = read_suspects(run_dir)
    shards = shards_of(left_behind.get(INGEST.name))
    sizes = sizes_in_storage(run_dir)
    done: dict[str, Manifest] = {}
    lines: dict[str, StagePlan] = {}
    for node in run_nodes(shards, config):
        line = lines.setdefault(node.folder, StagePlan(node.folder.replace(".think_", " ")))
        line.nodes += 1
        if any(parent.name not in done for parent in parents(node, shards, config)):
            line.reasons[_UPSTREAM] += 1
            _estimate(line, node, config, left_behind, done)
            continue
        parts = fingerprints.parts(node, inputs_of(node, done, shards, config))
        manifest = left_behind.get(node.name)
        engine = engine_of(node, config)
        asking = fingerprints.asking[engine] if engine else ""
        state = state_of(node, manifest, parts, run_dir, sizes, suspects, asking=asking)
        if state.done and manifest is not None:
            done[node.name] = manifest
            line.up_to_date += 1
        else:
            what = reasons.get(str(node.path(run_dir, ".json")))
            line.reasons[f"{node.name}.json {what}" if what else state.reason] += 1
            _estimate(line, node, config, left_behind, done)
    order = {stage: place for place, stage in enumerate(STAGES)}
    stages = sorted(lines.values(), key=lambda line: order[line.label.partition(" ")[0].partition(".")[0]])
    plan = Plan(stages, ingest_first=INGEST.name not in done)
    if plan.ingest_first:
        _look_at_sources(plan, config)
    else:
        plan.none_accepted = accounts_of(run_dir, done[INGEST.name]).none_accepted
        plan.hopeless = not shards
        plan.mix = expected_mix(run_dir, config, done, shards)
    return plan


def _look_at_sources(plan: Plan, config: RunConfig) -> None:
    """Tells of local sources whose first rows give nothing; those on the Hub are not fetched for a plan."""
    votes = config.verify.pseudo_gold is not None
    looks = [
        first_look(open_source(source, config.ingest, None, votes)) if source.path is not None else None
        for source in config.sources
    ]
    plan.none_accepted = [look.why_none for look in looks if look is not None and look.why_none]
    plan.expected = expected(config, looks)
    plan.hopeless = all(look is not None and look.why_none is not None and look.whole for look in looks)


def _estimate(
    line: StagePlan, node: Node, config: RunConfig, left_behind: dict[str, Manifest], done: dict[str, Manifest]
) -> None:
    """Adds a node's requests and their lengths: as those of finished responses of this kind, and by the limit.

    A justification is asked for each mode that a problem keeps, at most; each may take all its attempts.
    """
    if node.stage not in ("sample", "justify") or INGEST.name not in left_behind:
        return
    problems = left_behind[INGEST.name].outputs[node.shard].rows
    role = config.roles.justifier if node.mode is None else config.roles.of(Mode(node.mode))
    attempts = 1
    if node.mode is None:
        if not FORMATS[config.publish.format].justifies:
            return
        selected = done.get(Node("select", node.shard).name)
        sampled = sum(config.sample.count(mode) > 0 for mode in config.roles.modes)
        requests = selected.counts["kept"] if selected else problems
        requests *= min(modes_at_most(config.select.policy), sampled)
        attempts = config.justify.max_attempts
    else:
        requests = problems * config.sample.count(node.mode)
    line.requests = (line.requests or 0) + requests
    engine = config.engines[role.engine]
    line.unit = unit_of(engine)
    if not isinstance(engine, RecordedEngine):  # recorded responses keep to no limit
        line.tokens_at_most = (line.tokens_at_most or 0) + requests * role.tokens_at_most * attempts
    seen = [manifest for name, manifest in left_behind.items() if name.startswith(node.folder + "/")]
    responses = sum(manifest.counts.get("attempts", manifest.rows_out) for manifest in seen)
    if responses:
        mean = sum(manifest.counts.get("completion_tokens", 0) for manifest in seen) / responses
        line.tokens = (line.tokens or 0) + round(requests * mean)
