"""The config tree: one YAML file, every key known, defaults and their reasons here.

Relative paths are relative to the working directory of the command.
"""

from typing import Literal

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from hipo_data.schemas.check_config import CheckConfig
from hipo_data.schemas.config_file import WHOLE_SENTENCE
from hipo_data.schemas.config_node import Config
from hipo_data.schemas.config_sense import objections
from hipo_data.schemas.config_texts import FolderName, Line, repository_objection
from hipo_data.schemas.engine_config import (
    BatchMode,
    Endpoint,
    EngineConfig,
    OpenAIEngine,
    Price,
    RecordedEngine,
    ReplayEngine,
    ResourceConfig,
    RolloutsEngine,
    VllmEngine,
)
from hipo_data.schemas.grading import VerifyConfig
from hipo_data.schemas.records import Kind, Mode
from hipo_data.schemas.role_config import ArmConfig, RoleConfig, RolesConfig
from hipo_data.schemas.sampling_config import SamplingConfig
from hipo_data.schemas.select_config import JustifyConfig, PublishConfig, SelectConfig
from hipo_data.schemas.source_config import SourceConfig, completed
from hipo_data.schemas.watch_config import WatchConfig

__all__ = [
    "ArmConfig",
    "BatchMode",
    "Config",
    "Endpoint",
    "EngineConfig",
    "JustifyConfig",
    "OpenAIEngine",
    "Price",
    "PublishConfig",
    "RecordedEngine",
    "ReplayEngine",
    "ResourceConfig",
    "RoleConfig",
    "RolesConfig",
    "RolloutsEngine",
    "SamplingConfig",
    "SelectConfig",
    "SourceConfig",
    "VllmEngine",
    "WatchConfig",
]

RECORDED = {"recorded": True}
"""Context to validate a config with that a run was made with: it is read to look into that run, and not to be run."""


class LicencePolicy(Config):
    """Which licences a row may come under. Names are compared without regard to case."""

    accept: list[str] | None = Field(
        default=None, min_length=1, description="only these; default: all that are not refused"
    )
    refuse: list[str] = Field(default_factory=list)
    undeclared: Literal["accept", "refuse"] = "accept"

    @model_validator(mode="after")
    def _some_are_accepted(self) -> "LicencePolicy":
        refused = {name.casefold() for name in self.refuse}
        none_left = self.accept is not None and all(name.casefold() in refused for name in self.accept)
        if none_left and self.undeclared == "refuse":
            raise ValueError("refuses every row: each licence of 'accept' is in 'refuse', too; leave it out of one")
        if none_left:
            raise ValueError("contradicts itself: each licence of 'accept' is in 'refuse', too; leave it out of one")
        return self


class NearDuplicates(Config):
    """Questions that are the same but for some words (MinHash over word shingles, then exact Jaccard similarity).

    Questions whose numbers or golds differ are never taken for the same, however alike their words are.
    """

    threshold: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Jaccard similarity from which two are the same; default: 0.6 for math, 0.8 for code",
    )
    shingle_words: int = Field(default=3, ge=1, le=100)
    permutations: int = Field(default=128, ge=16, le=65_536)

    def least(self, kind: Kind) -> float:
        """The similarity from which two problems of a kind are the same."""
        if self.threshold is not None:
            return self.threshold
        # Code shares its stubs: different LeetCode problems reach 0.67.
        return 0.8 if kind is Kind.CODE else 0.6

    @property
    def lowest(self) -> float:
        """Of all kinds."""
        return min(map(self.least, Kind))


class EvaluationSet(Config):
    """Questions that must not be trained on: local files at `path`, or else a dataset on the Hugging Face Hub."""

    name: Line = Field(description="name in reports; from the Hub: the repository")
    path: Line | None = Field(default=None, description="a file or a glob of files, as a source's")
    revision: str | None = Field(default=None, description="from the Hub: required, best a commit")
    files: str = Field(default="**/*test*.parquet", description="from the Hub: glob of files in the repository")
    question: Line = Field(default="question", description="column with the question; dots reach inside")
    options: list[str] = Field(
        default_factory=list,
        description="of multiple choice: columns with options, a text each or lists; they tell short questions apart",
    )

    @model_validator(mode="after")
    def _local_or_hub(self) -> "EvaluationSet":
        if self.path is None and self.revision is None:
            raise ValueError("give 'path' for local files, or 'revision' (a commit) to read the set from the Hub")
        if self.path is None and (said := repository_objection(self.name)):
            raise ValueError(f"'name' {said}")
        return self


class Decontamination(Config):
    """Refuses problems that share word n-grams with evaluation questions (lower case, no punctuation, numbers kept)."""

    sets: list[EvaluationSet] = Field(default_factory=list)
    n: int = Field(default=8, ge=4, le=50, description="words of an n-gram; 8 to 13 is usual")
    coverage: float = Field(
        default=0.6, gt=0, le=1, description="share of an evaluation question's words that shared n-grams must cover"
    )


class Cap(Config):
    """At most `problems` of those that fit all the given conditions; which ones stay is decided by id."""

    problems: int = Field(ge=0)
    source: str | None = Field(default=None, description="dataset name of the problem's first source")
    kind: Kind | None = None
    domain: str | None = None
    difficulty_from: float | None = Field(default=None, ge=0, le=1)
    difficulty_to: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _leaves_something(self) -> "Cap":
        low, high = self.difficulty_from, self.difficulty_to
        if low is not None and high is not None and low > high:
            raise ValueError(f"difficulty_from is {low} and difficulty_to {high}; make difficulty_from the smaller one")
        conditions = (self.source, self.kind, self.domain, low, high)
        if self.problems == 0 and all(condition is None for condition in conditions):
            raise ValueError("refuses every problem; say of which source, kind, domain or difficulty it is")
        return self


class IngestConfig(Config):
    """How source rows become problems."""

    limit: int | None = Field(default=None, ge=1, le=10**12, description="keep this many problems, chosen by id")
    shard_size: int = Field(
        default=256, ge=1, le=10**9, description="aim of problems a shard; the count is a power of two"
    )
    validation_fraction: float = Field(default=0.05, ge=0, lt=1, description="share of problems kept for validation")
    max_question_chars: int = Field(default=20_000, ge=1, le=10**9)
    filters: dict[str, bool] = Field(
        default_factory=dict, description="rules to turn on or off by name; `hipo-data filters` lists them"
    )
    languages: list[str] | None = Field(
        default=None, min_length=1, description="languages of questions to keep, such as [en]; default: all"
    )
    licences: LicencePolicy = LicencePolicy()
    near_duplicates: NearDuplicates | None = Field(default=NearDuplicates(), description="null turns the search off")
    decontaminate: Decontamination = Field(
        default=Decontamination(), description="evaluation sets whose questions are refused"
    )
    caps: list[Cap] = Field(
        default_factory=list, description="at most so many problems of a source, kind or difficulty"
    )


class SampleConfig(Config):
    """How many rollouts a problem gets and how the question is put."""

    n: int = Field(default=8, ge=0, le=10_000, description="rollouts a problem and mode")
    n_on: int | None = Field(default=None, ge=0, le=10_000, description="overrides n for think-on")
    n_off: int | None = Field(default=None, ge=0, le=10_000, description="overrides n for think-off")
    template: Line = Field(default="solve", description="prompt template: a name in prompts/templates or a path")
    stop: Literal["never", "decided", "likely"] = Field(
        default="never",
        description="never: all n rollouts, so pass rates are whole; decided: only those that could change a problem's "
        "mode or kept response, so the selection is the same; likely: another one in stop_error of cases at most",
    )
    stop_error: float = Field(
        default=0.01, gt=0, lt=0.5, description="for stop: likely, a problem's chance of another mode than in full"
    )

    allocate: Literal["uniform", "adaptive"] = Field(
        default="uniform",
        description="uniform: n rollouts for every problem; adaptive: as many in all, but more of them where the mode "
        "is least sure, shard by shard; both modes then need one engine",
    )
    allocate_most: int = Field(
        default=4, ge=1, le=100, description="for allocate: adaptive, a problem gets at most so many times n"
    )

    @property
    def adapts(self) -> bool:
        """Whether problems get unequal numbers of rollouts, by earlier verdicts."""
        return self.allocate == "adaptive"

    @property
    def stops(self) -> bool:
        """Whether think-on waits for think-off's verdicts and ends before all n."""
        return self.stop != "never"

    def count(self, mode: Mode) -> int:
        """Rollouts a problem in `mode`; `n_on` is that of every arm that thinks."""
        own = self.n_on if Mode(mode).thinks else self.n_off
        return self.n if own is None else own

    def most(self, mode: Mode) -> int:
        """Rollouts that one problem gets at most in `mode`."""
        return self.count(mode) * (self.allocate_most if self.adapts else 1)


class RayConfig(Config):
    """Where tasks run. Without an address, and without RAY_ADDRESS, a local Ray is started."""

    address: str | None = None
    local_cpus: int | None = Field(
        default=None,
        ge=1,
        description="logical CPUs of a local Ray; default: this machine's, and enough for all engines and one task",
    )
    task: ResourceConfig = ResourceConfig(num_cpus=0.5)
    verify: ResourceConfig = ResourceConfig(num_cpus=1)
    max_restarts: int = Field(default=3, ge=0, le=10_000, description="times a lost engine or task is started again")
    flush_s: float = Field(
        default=1.0, gt=0, le=86_400, description="longest time that a finished rollout stays unjournalled"
    )
    stall_s: float | None = Field(
        default=1800, gt=0, description="a vLLM engine in which nothing moves for so long is started again; null: never"
    )


class BudgetConfig(Config):
    """What engines may take, over all attempts at a run. Once any part is used up they stop, what is complete becomes
    the dataset, and the same command with a larger budget goes on."""

    tokens: int | None = Field(default=None, ge=1, le=10**15, description="prompt and completion tokens")
    cost: float | None = Field(default=None, gt=0, le=10**12, description="by engines.*.price, in its currency")
    gpu_hours: float | None = Field(
        default=None, gt=0, le=10**12, description="hours times GPUs of all engines, idle or not"
    )


class RunConfig(Config):
    """The whole tree."""

    name: FolderName
    run_dir: Line | None = Field(default=None, description="a folder, or s3://BUCKET/PREFIX; default: runs/<name>")
    seed: int = Field(default=0, ge=-(2**63), lt=2**63)
    sources: list[SerializeAsAny[SourceConfig]] = Field(min_length=1)
    ingest: IngestConfig = IngestConfig()
    engines: dict[str, EngineConfig]
    roles: RolesConfig
    sample: SampleConfig = SampleConfig()
    verify: VerifyConfig = VerifyConfig()
    select: SelectConfig = SelectConfig()
    justify: JustifyConfig = JustifyConfig()
    publish: PublishConfig = PublishConfig()
    budget: BudgetConfig = BudgetConfig()
    ray: RayConfig = RayConfig()
    watch: WatchConfig = WatchConfig()
    check: CheckConfig | None = Field(default=CheckConfig(), description="null: modes are not looked at")

    @property
    def climbs(self) -> bool:
        """Whether a dearer arm is sampled once the cheaper ones are graded, for the problems that are still open."""
        return self.sample.stops and self.weighs_arms

    @property
    def has_arm_table(self) -> bool:
        """Whether the selection says what rollouts come to arm by arm: under `effort`, and over other arms than two."""
        return self.select.policy == "effort" or not self.roles.is_pair

    @property
    def weighs_arms(self) -> bool:
        """Whether the policy takes the lowest arm near enough to the best: `effort`, and `budget` over arms."""
        return self.select.policy == "effort" or (self.select.policy == "budget" and not self.roles.is_pair)

    @field_validator("sources", mode="after")
    @classmethod
    def _keys_of_adapters(cls, sources: list[SourceConfig]) -> list[SourceConfig]:
        """Each source with all keys of its adapter, so that the record of a run says their defaults, too."""
        try:
            return [completed(source, f"sources.{place}") for place, source in enumerate(sources)]
        except ValueError as error:
            raise PydanticCustomError(WHOLE_SENTENCE, "{said}", {"said": str(error)}) from error

    @model_validator(mode="after")
    def _makes_sense(self, info: ValidationInfo) -> "RunConfig":
        found = [] if (info.context or {}).get("recorded") else objections(self)
        if found:
            raise ValueError("; ".join(found))
        return self
