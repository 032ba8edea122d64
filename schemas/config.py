"""The config tree: one YAML file, every key known, defaults and their reasons here.

Relative paths are relative to the working directory of the command.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.grading import GradingConfig
from schemas.records import Kind, Mode


class Config(BaseModel):
    """Base of all config nodes: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _SourceConfig(Config):
    """Where a source's rows are: local files at `path`, or else the files of a dataset on the Hugging Face Hub."""

    path: str | None = Field(
        default=None, description="a file or a glob of files: JSON Lines or Parquet; default: from the Hub"
    )
    name: str | None = Field(
        default=None,
        description="dataset name recorded in every problem, and the repository on the Hub; default: the adapter's",
    )
    revision: str | None = Field(
        default=None, description="dataset revision recorded in every problem; from the Hub: required, best a commit"
    )
    files: str | None = Field(
        default=None, description="from the Hub: glob of files in the repository; default: the adapter's"
    )
    stream: bool = Field(
        default=False, description="from the Hub: read over the network as rows are needed, keeping no copy"
    )
    split: str = Field(default="train", description="split name recorded in every problem")
    licence: str | None = Field(
        default=None, description="licence recorded in every problem; default: the one that the dataset declares"
    )

    @model_validator(mode="after")
    def _local_or_hub(self) -> "_SourceConfig":
        if self.path is not None and (self.files is not None or self.stream):
            raise ValueError("'files' and 'stream' are for the Hub; with 'path' leave them out")
        if self.path is None and self.revision is None:
            raise ValueError("give 'path' for local files, or 'revision' (a commit) to read the dataset from the Hub")
        return self


class AceReasonSource(_SourceConfig):
    """nvidia/AceReason-Math: columns `problem`, `answer`."""

    type: Literal["acereason"]


class SkyworkSource(_SourceConfig):
    """Skywork/Skywork-OR1-RL-Data: columns `prompt`, `ability`, `reward_model`, `extra_info`."""

    type: Literal["skywork"]


class AMThinkingSource(_SourceConfig):
    """a-m-team/AM-Thinking-v1-Distilled: column `conversations`, with what is known of the row in `info`."""

    type: Literal["am_thinking"]
    import_rollouts: bool = Field(
        default=False, description="take the dataset's own responses as think-on rollouts of the model that they name"
    )


class IIThoughtSource(_SourceConfig):
    """Intelligent-Internet/II-Thought-RL-v0: columns `problem` and `verification_info`."""

    type: Literal["ii_thought"]


class ColumnMapping(Config):
    """Which column holds what, for a source without an adapter. A dot reaches into nested objects: `meta.level`."""

    question: str = "question"
    gold: str = "answer"
    kind: str | None = Field(default=None, description="column with `math` or `code`; else the source's `kind`")
    domain: str | None = None
    difficulty: str | None = Field(
        default=None, description="column with the failure rate of a reference model, 0 to 1"
    )
    licence: str | None = None


class TableSource(_SourceConfig):
    """Any JSON Lines or Parquet file, by column mapping."""

    type: Literal["table"]
    kind: Kind = Kind.MATH
    columns: ColumnMapping = ColumnMapping()
    gold_pattern: str | None = Field(
        default=None,
        description="regular expression whose last group in the gold column is the gold, such as `A: (.*)$`",
    )

    @field_validator("gold_pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"'{pattern}' is not a regular expression: {error}") from error
        return pattern


SourceConfig = Annotated[
    AceReasonSource | SkyworkSource | AMThinkingSource | IIThoughtSource | TableSource, Field(discriminator="type")
]


class LicencePolicy(Config):
    """Which licences a row may come under. Names are compared without regard to case."""

    accept: list[str] | None = Field(default=None, description="only these; default: all that are not refused")
    refuse: list[str] = []
    undeclared: Literal["accept", "refuse"] = "accept"


class NearDuplicates(Config):
    """Questions that are the same but for some words (MinHash over word shingles, then exact Jaccard similarity).

    Questions whose numbers or golds differ are never taken for the same, however alike their words are.
    """

    threshold: float = Field(default=0.8, gt=0, le=1, description="Jaccard similarity from which two are the same")
    shingle_words: int = Field(default=3, ge=1)
    permutations: int = Field(default=128, ge=16)


class EvaluationSet(Config):
    """Questions that must not be trained on: local files at `path`, or else a dataset on the Hugging Face Hub."""

    name: str = Field(description="name in reports; from the Hub: the repository")
    path: str | None = Field(default=None, description="a file or a glob of files: JSON Lines or Parquet")
    revision: str | None = Field(default=None, description="from the Hub: required, best a commit")
    files: str = Field(default="**/*test*.parquet", description="from the Hub: glob of files in the repository")
    question: str = Field(default="question", description="column with the question; dots reach inside")


class Decontamination(Config):
    """Refuses problems that share word n-grams with evaluation questions (lower case, no punctuation, numbers kept)."""

    sets: list[EvaluationSet] = []
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


class IngestConfig(Config):
    """How source rows become problems."""

    limit: int | None = Field(default=None, ge=1, description="keep this many problems, chosen by id")
    shard_size: int = Field(default=256, ge=1, description="aim of problems a shard; the count is a power of two")
    validation_fraction: float = Field(default=0.05, ge=0, lt=1, description="share of problems kept for validation")
    max_question_chars: int = Field(default=20_000, ge=1)
    filters: dict[str, bool] = Field(
        default_factory=dict, description="rules to turn on or off by name; `hipo-data filters` lists them"
    )
    languages: list[str] | None = Field(
        default=None, description="languages of questions to keep, such as [en]; default: all"
    )
    licences: LicencePolicy = LicencePolicy()
    near_duplicates: NearDuplicates | None = Field(default=NearDuplicates(), description="null turns the search off")
    decontaminate: Decontamination = Field(
        default=Decontamination(), description="evaluation sets whose questions are refused"
    )
    caps: list[Cap] = Field(
        default_factory=list, description="at most so many problems of a source, kind or difficulty"
    )


class ResourceConfig(Config):
    """What Ray sets aside for one actor or task."""

    num_cpus: float = Field(default=1, ge=0)
    num_gpus: float = Field(default=0, ge=0)
    memory_gb: float | None = Field(default=None, gt=0)
    resources: dict[str, float] = Field(default_factory=dict, description="custom Ray resources")
    label_selector: dict[str, str] = Field(default_factory=dict, description="Ray node labels")


class _EngineConfig(Config):
    replicas: int = Field(default=1, ge=1)
    max_in_flight: int = Field(default=256, ge=1, description="requests under way at once in one replica")
    resources: ResourceConfig = ResourceConfig()


class VllmEngine(_EngineConfig):
    """vLLM in a Ray actor. `args` are passed to `AsyncEngineArgs` as they are."""

    type: Literal["vllm"]
    model: str = Field(description="folder or Hub name")
    revision: str | None = None
    tensor_parallel_size: int = Field(default=1, ge=1)
    args: dict[str, Any] = Field(default_factory=dict, description="any other vLLM engine argument")
    env: dict[str, str] = Field(default_factory=dict, description="environment of the actor's process")
    start_timeout_s: float = Field(default=600, gt=0)


class Price(Config):
    """What an endpoint charges. In batch mode: the batch price."""

    prompt_per_million: float = Field(ge=0)
    completion_per_million: float = Field(ge=0, description="reasoning tokens included")
    currency: str = "USD"

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost, in `currency`."""
        return (prompt_tokens * self.prompt_per_million + completion_tokens * self.completion_per_million) / 1e6


class Endpoint(Config):
    """One address and key of a pool. What is left out is as in the engine's own fields."""

    base_url: str | None = None
    api_key_env: str | None = Field(default=None, description="environment variable that holds this endpoint's key")
    model: str | None = Field(default=None, description="what this endpoint calls the model")
    weight: float = Field(default=1, gt=0, description="share of the requests, relative to the other endpoints")
    max_in_flight: int | None = Field(default=None, ge=1)
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)


class BatchMode(Config):
    """The OpenAI batch API: cheaper, and done within a day. `batch: true` takes the defaults."""

    completion_window: str = "24h"
    max_requests: int = Field(default=50_000, ge=1, description="requests a file; OpenAI allows 50,000")
    max_file_mb: float = Field(default=190, gt=0, description="size of a file; OpenAI allows 200 MB")
    collect_s: float = Field(default=30, ge=0, description="a batch is sent once no request has come for so long")
    poll_s: float = Field(default=60, gt=0)


class OpenAIEngine(_EngineConfig):
    """Any endpoint that speaks the OpenAI chat protocol, or several as one pool."""

    type: Literal["openai"]
    model: str
    base_url: str | None = Field(default=None, description="default: OPENAI_BASE_URL, or else OpenAI's own")
    api_key_env: str = Field(default="OPENAI_API_KEY", description="environment variable that holds the key")
    endpoints: list[Endpoint] = Field(default=[], description="addresses or keys to spread the requests over")
    request_timeout_s: float = Field(default=600, gt=0)
    max_attempts: int = Field(default=6, ge=1, description="tries a request before its rollout is recorded as failed")
    give_up_after_s: float = Field(
        default=300, ge=0, description="how long all endpoints may be down before the engine counts as dead"
    )
    requests_per_minute: float | None = Field(
        default=None, gt=0, description="limit of each endpoint, shared by the replicas"
    )
    tokens_per_minute: float | None = Field(
        default=None, gt=0, description="limit of each endpoint, shared by the replicas; prompt and response"
    )
    price: Price | None = None
    batch: BatchMode | None = Field(
        default=None, description="send requests in batches; raises max_in_flight's default"
    )
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        default="max_tokens",
        description="what the endpoint calls the token limit; OpenAI's own reasoning models take only the second",
    )
    extra_body: dict[str, Any] = Field(default_factory=dict, description="further fields of every request")
    resources: ResourceConfig = ResourceConfig(num_cpus=0)  # it waits, it does not compute

    @model_validator(mode="before")
    @classmethod
    def _batch_as_a_switch(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "batch" not in data:
            return data
        batch = {True: {}, False: None}.get(data["batch"]) if isinstance(data["batch"], bool) else data["batch"]
        # A batch holds what is in flight when it is sent, so the usual bound would make many small ones.
        wide = {} if batch is None else {"max_in_flight": BatchMode().max_requests}
        return {**wide, **data, "batch": batch}

    @model_validator(mode="after")
    def _one_endpoint_for_batches(self) -> "OpenAIEngine":
        if self.batch is not None and len(self.endpoints) > 1:
            raise ValueError("batch mode uses one endpoint; list at most one in 'endpoints'")
        if self.batch is not None and self.replicas > 1:
            raise ValueError("batch mode has one replica, which waits for all batches; set 'replicas' to 1")
        return self


class ReplayEngine(_EngineConfig):
    """Responses recorded elsewhere, served as if sampled: imports other tools' rollouts, or repeats a run."""

    type: Literal["replay"]
    path: str = Field(description="JSON Lines or Parquet")
    model: str = Field(default="recorded", description="name written into every rollout")
    question: str = Field(default="question", description="column with the question, matched by its normalised text")
    responses: list[str] = Field(
        default=["responses"], description="columns (dots reach inside) with one response or a list of them, in order"
    )
    resources: ResourceConfig = ResourceConfig(num_cpus=0)  # it waits, it does not compute


EngineConfig = Annotated[VllmEngine | OpenAIEngine | ReplayEngine, Field(discriminator="type")]


class SamplingConfig(Config):
    """Sampling parameters. Defaults follow common practice for reasoning models; HiPO does not publish its own."""

    temperature: float = Field(default=1.0, ge=0)
    top_p: float = Field(default=0.95, gt=0, le=1)
    max_tokens: int = Field(default=32_768, ge=1)
    extra: dict[str, Any] = Field(default_factory=dict, description="further sampling parameters of the engine")


class RoleConfig(Config):
    """One use of an engine. The mode switch is whatever the model needs of these fields."""

    engine: str = Field(description="a key of `engines`")
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)
    system_prompt: str | None = None
    question_suffix: str = Field(default="", description="appended to the user turn, such as ` /no_think`")
    response_prefix: str = Field(default="", description="start of the response that the model continues")
    starts_in_reasoning: bool = Field(
        default=False, description="the chat template opens the reasoning, so responses begin inside it"
    )
    sampling: SamplingConfig = SamplingConfig()


class RolesConfig(Config):
    """Which engine plays which part. All three may name the same engine."""

    think_on: RoleConfig
    think_off: RoleConfig
    justifier: RoleConfig

    def of(self, mode: Mode) -> RoleConfig:
        """The role that samples `mode`."""
        return self.think_on if mode is Mode.THINK_ON else self.think_off


class SampleConfig(Config):
    """How many rollouts a problem gets and how the question is put."""

    n: int = Field(default=8, ge=0, description="rollouts a problem and mode")
    n_on: int | None = Field(default=None, ge=0, description="overrides n for think-on")
    n_off: int | None = Field(default=None, ge=0, description="overrides n for think-off")
    template: str = Field(default="solve", description="prompt template: a name in prompts/templates or a path")

    def count(self, mode: Mode) -> int:
        """Rollouts a problem in `mode`."""
        own = self.n_on if mode is Mode.THINK_ON else self.n_off
        return self.n if own is None else own


class SelectConfig(Config):
    """HiPO's rule. δ is not published; 0.15 is our default, and `fallback` our reading of an open case."""

    delta: float = Field(default=0.15, ge=0, le=1, description="think-on must raise the pass rate by at least this")
    random_fraction: float = Field(default=0.01, ge=0, le=1, description="share of problems that get a random mode")
    fallback: Literal["other_mode", "drop"] = Field(
        default="other_mode", description="when the preferred mode has no right response but the other one has"
    )
    min_graded: int = Field(default=1, ge=1, description="graded rollouts a mode needs for its pass rate to count")


class JustifyConfig(Config):
    """How the reason for the mode is written and checked."""

    template: str = Field(default="justify", description="prompt template: a name in prompts/templates or a path")
    max_attempts: int = Field(default=4, ge=1)
    min_chars: int = Field(default=20, ge=1)
    max_chars: int = Field(default=800, ge=1)


class PublishConfig(Config):
    """What the dataset looks like."""

    format: Literal["hipo", "thinkless", "lhrm", "adaptthink", "autothink", "qwen3"] = Field(
        default="hipo",
        description="how a response says its mode; hipo alone holds a justification",
    )
    title: str = "Hybrid-reasoning data"
    rows_per_file: int = Field(default=100_000, ge=1)


class RayConfig(Config):
    """Where tasks run. Without an address, and without RAY_ADDRESS, a local Ray is started."""

    address: str | None = None
    local_cpus: int | None = Field(
        default=None,
        ge=1,
        description="logical CPUs of a local Ray; default: at least 4, and enough for all engines and one task",
    )
    task: ResourceConfig = ResourceConfig(num_cpus=0.5)
    verify: ResourceConfig = ResourceConfig(num_cpus=1)
    max_restarts: int = Field(default=3, ge=0, description="times a lost engine or task is started again")
    flush_s: float = Field(default=1.0, gt=0, description="longest time that a finished rollout stays unjournalled")


class RunConfig(Config):
    """The whole tree."""

    name: str
    run_dir: str | None = Field(default=None, description="default: runs/<name>")
    seed: int = 0
    sources: list[SourceConfig] = Field(min_length=1)
    ingest: IngestConfig = IngestConfig()
    engines: dict[str, EngineConfig]
    roles: RolesConfig
    sample: SampleConfig = SampleConfig()
    verify: GradingConfig = GradingConfig()
    select: SelectConfig = SelectConfig()
    justify: JustifyConfig = JustifyConfig()
    publish: PublishConfig = PublishConfig()
    ray: RayConfig = RayConfig()

    @model_validator(mode="after")
    def _roles_name_engines(self) -> "RunConfig":
        for role in ("think_on", "think_off", "justifier"):
            engine = getattr(self.roles, role).engine
            if engine not in self.engines:
                raise ValueError(
                    f"roles.{role}.engine is '{engine}', which is not one of engines: {sorted(self.engines)}"
                )
        if self.sample.count(Mode.THINK_ON) + self.sample.count(Mode.THINK_OFF) == 0:
            raise ValueError("sample asks for no rollouts in either mode; set sample.n to at least 1")
        return self
