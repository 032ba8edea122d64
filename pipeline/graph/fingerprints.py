"""What the outputs of a node depend on, as named digests that are kept in its manifest."""

from functools import cached_property

from hipo_data.engines.asking import asking
from hipo_data.engines.identity import model_identity, model_name
from hipo_data.graders import CHOICE_GRADER, CODE_GRADER, MATH_GRADER, QUANTITY_GRADER
from hipo_data.pipeline.graph.flags import FLAGS, flagged_in
from hipo_data.pipeline.graph.nodes import PRIOR, Node
from hipo_data.pipeline.store.flag_file import excluded
from hipo_data.pipeline.store.manifest import Output
from hipo_data.prompts.rendering import template_hash
from hipo_data.schemas.config import RoleConfig, RunConfig, VllmEngine
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.keys import digest
from hipo_data.schemas.records import Kind, Mode
from hipo_data.stages.ingest import ingest
from hipo_data.stages.ingest.evaluation_sets import files_of_set
from hipo_data.stages.ingest.filters import rules_hash
from hipo_data.stages.ingest.origins import files_of
from hipo_data.stages.ingest.reading.formats import BY_NAME, FORMATS_VERSION
from hipo_data.stages.ingest.sources import own_config
from hipo_data.stages.ingest.sources.table import TableSource
from hipo_data.stages.justify import justify
from hipo_data.stages.publish import tables as publish
from hipo_data.stages.sample import sample
from hipo_data.stages.select import arm_prior, boundary, prior, select
from hipo_data.stages.select.policies import token_skip
from hipo_data.stages.stopping import allocation, ladder
from hipo_data.stages.verify import verify


class Fingerprints:
    """The digests that outputs depend on, beside the inputs.

    Raises `UserError` where a file that the recipe names is not there or a policy lacks a package, and `SourceError`.
    """

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        if config.select.policy == "budget" and config.select.budget.kind == "token_skip":
            token_skip.require()  # before hours of sampling

    def parts(self, node: Node, inputs: dict[str, Output]) -> dict[str, str]:
        """Named digests of all that `node` depends on."""
        try:
            own = self._own(node)
        except FileNotFoundError as error:  # what the recipe names is not there
            raise UserError(str(error)) from error
        return {**own, **{f"input {label}": output.sha256 for label, output in inputs.items()}}

    def _own(self, node: Node) -> dict[str, str]:
        config = self._config
        match node.stage:
            case "ingest":
                return self._ingest
            case "sample":
                assert node.mode is not None
                if config.climbs:
                    return self._sample[node.mode] | (self._climb if node.mode is not config.roles.modes[0] else {})
                stops = node.mode is Mode.THINK_ON and config.sample.stops
                return self._sample[node.mode] | (self._stop if stops else self._allocation(node.mode))
            case "verify":
                budget = None if node.mode is None else config.roles.budget(node.mode)
                return self._verify | ({} if budget is None else {"budget": str(budget)})
            case "select" if node == PRIOR:
                read = {"min_graded", "random_fraction"} | ({"leaking"} if config.select.refuses_leaks else set())
                counted = digest(config.select.model_dump(mode="json", include=read))
                parts = {"code": prior.VERSION, "seed": str(config.seed), "counted": counted}
                return parts | ({"arms": f"chain {arm_prior.VERSION}"} if config.weighs_arms else {})
            case "select":
                return {"code": select.VERSION, "seed": str(config.seed), **self._select, **self._flags(node.shard)}
            case "justify":
                return self._justify
            case _:
                return self._publish

    @cached_property
    def _ingest(self) -> dict[str, str]:
        config = self._config
        sources = [
            {
                **own_config(source).model_dump(mode="json", exclude={"path", "stream"}),
                "files": [[file.label, file.identity()] for file in files_of(source)],
            }
            for source in config.sources
        ]
        against = [
            [each.name, each.question, [file.identity() for file in files_of_set(each)]]
            for each in config.ingest.decontaminate.sets
        ]
        settings = config.ingest.model_dump(mode="json", exclude={"decontaminate": {"sets"}})
        names = [label for source in sources for label, _ in source["files"]]
        return {
            "code": ingest.VERSION,
            "seed": str(config.seed),
            "sources": digest(sources),
            "ingest": digest(settings),
            "filters": rules_hash(),
            "evaluation sets": digest(against),
            **({"without gold": "kept"} if config.verify.pseudo_gold else {}),
            # Left out for all other files, so that what was made of them stays.
            **({"formats": FORMATS_VERSION} if any(name.lower().endswith(BY_NAME) for name in names) else {}),
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
            for mode in config.roles.modes
        }

    @cached_property
    def _verify(self) -> dict[str, str]:
        # Left out where it is null, so that verdicts of before there was any stay.
        unsaid = set() if self._config.verify.pseudo_gold else {"pseudo_gold"}
        settings = self._config.verify.model_dump(mode="json", exclude={"workers"} | unsaid)
        graders = digest(CODE_GRADER, MATH_GRADER)
        return {"code": verify.VERSION, "graders": graders, **self._graders_of_science, "verify": digest(settings)}

    @property
    def _graders_of_science(self) -> dict[str, str]:
        """Only where a source may have such golds, so that all other verdicts stay."""
        tables = [own for own in map(own_config, self._config.sources) if isinstance(own, TableSource)]
        choice = any(own.kind is Kind.CHOICE or own.columns.kind is not None for own in tables)
        measured = any(own.columns.unit or own.columns.error or own.tolerance is not None for own in tables)
        return ({"choice": CHOICE_GRADER} if choice else {}) | ({"quantities": QUANTITY_GRADER} if measured else {})

    @cached_property
    def _select(self) -> dict[str, str]:
        config = self._config
        # Where pass rates cannot tie at δ, what was decided when ties went to think-on stays.
        # The rule posterior knows ties near δ = 0 alone, of rates that are the same or nearly.
        nearly = config.select.by_posterior and config.select.delta < prior.LEAST_GAIN
        ties = boundary.decides(config.select, config.sample) or nearly
        return {
            "select": digest(config.select.in_use()),
            "format": config.publish.format,
            **({"ties": "think_off"} if ties else {}),
            **({"arms": " ".join(config.roles.modes)} if config.has_arm_table else {}),
            **({"fallback": config.select.fallback} if config.weighs_arms and config.select.policy == "budget" else {}),
        }

    @cached_property
    def _excluded(self) -> list[str]:
        return sorted(excluded(self._config.select.exclude))

    def _flags(self, shard: str) -> dict[str, str]:
        """Of the flagged problems those of the shard, so that one more selects one shard anew; nothing without any."""
        flagged = flagged_in(shard, self._excluded)
        return {FLAGS: digest(flagged)} if flagged else {}

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
    def _climb(self) -> dict[str, str]:
        """Which problems get a dearer arm depends on the rule, beside the verdicts of the cheaper ones, its inputs."""
        return {"stop": f"ladder {ladder.VERSION}", **self._select}

    def _allocation(self, mode: Mode) -> dict[str, str]:
        """Who gets how many rollouts depends on both modes, verdicts and rule; think-on's node is told."""
        sample_config = self._config.sample
        if not sample_config.adapts:
            return {}
        told = {"allocate": f"adaptive {allocation.VERSION} {sample_config.allocate_most}"}
        if mode is Mode.THINK_ON:
            return told
        others = digest(self._sample[Mode.THINK_ON])
        return told | {"think-on": others, "graders": digest(self._verify), **self._select}

    @cached_property
    def _publish(self) -> dict[str, str]:
        config = self._config
        mix = config.publish.mix
        unsaid = {"mix"} if mix is None else set()  # so that datasets of before stay
        settings = {"name": config.name, **config.publish.model_dump(mode="json", exclude=unsaid)}
        mixed = {} if mix is None else {"mix": str(config.seed)}
        parts = {"code": publish.VERSION, "publish": digest(settings), "policy": config.select.policy, **mixed}
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
        # Left out where they are null, so that work of before stays.
        unsaid = {key for key, value in {"reading": role.reading, "control": role.control}.items() if value is None}
        parts = {
            f"roles.{name}": digest(role.model_dump(mode="json", exclude={"engine", "family"} | unsaid)),
            "model": self.identities[role.engine],
        }
        if role.control is not None and role.control.controller is not None:
            parts["controller"] = template_hash(role.control.controller.template)
        if isinstance(engine, VllmEngine) and "max_model_len" in engine.args:
            parts["max_model_len"] = str(engine.args["max_model_len"])  # decides what is truncated
        return parts

    @cached_property
    def identities(self) -> dict[str, str]:
        """Digest of the model of each engine."""
        return {name: model_identity(engine) for name, engine in self._config.engines.items()}

    @cached_property
    def asking(self) -> dict[str, str]:
        """Digest of how each engine is asked. No output depends on it but failed requests."""
        return {name: asking(engine) for name, engine in self._config.engines.items()}

    @cached_property
    def names(self) -> dict[str, str]:
        """Name of the model of each engine."""
        return {name: model_name(engine) for name, engine in self._config.engines.items()}
