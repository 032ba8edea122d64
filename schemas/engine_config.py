"""Where text comes from, and what Ray sets aside for it: one model a kind of engine."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from hipo_data.schemas.config_node import Config
from hipo_data.schemas.config_texts import Line


class ResourceConfig(Config):
    """What Ray sets aside for one actor or task."""

    num_cpus: float = Field(default=1, ge=0, le=1e6)
    num_gpus: float = Field(default=0, ge=0, le=1e6)
    memory_gb: float | None = Field(default=None, gt=0, le=1e9)
    resources: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="custom Ray resources"
    )
    label_selector: dict[str, str] = Field(default_factory=dict, description="Ray node labels")

    @model_validator(mode="after")
    def _gpus_are_whole(self) -> "ResourceConfig":
        if self.num_gpus > 1 and self.num_gpus != int(self.num_gpus):
            raise ValueError(f"num_gpus is {self.num_gpus:g}; Ray shares one GPU, and more than one only as whole ones")
        return self


class _EngineConfig(Config):
    family: str | None = Field(
        default=None,
        description="family of its model, which gives the roles their switches and says how responses are read: one of "
        "`hipo-data families`, auto, or a YAML file",
    )
    replicas: int = Field(default=1, ge=1, le=1_000_000)
    resources: ResourceConfig = ResourceConfig()


_MaxInFlight = Annotated[int, Field(ge=1, le=10**9, description="requests under way at once in one replica")]


def _number_or_auto(value: Any) -> Any:
    if value == "auto" or (type(value) is int and value >= 1):
        return value
    raise ValueError(f"a number from 1 on, or auto, and not {value!r}")


class VllmEngine(_EngineConfig):
    """vLLM in a Ray actor. `args` are passed to `AsyncEngineArgs` as they are."""

    type: Literal["vllm"]
    model: Line = Field(description="folder or Hub name")
    revision: str | None = None
    tensor_parallel_size: int = Field(
        default=1, ge=1, description="GPUs that share each layer; of one node if possible"
    )
    pipeline_parallel_size: int = Field(default=1, ge=1, description="groups of those, each with a part of the layers")
    args: dict[str, Any] = Field(default_factory=dict, description="any other vLLM engine argument")
    env: dict[str, str] = Field(default_factory=dict, description="environment of the actor's process")
    start_timeout_s: float = Field(default=600, gt=0, le=1e10)
    max_in_flight: Annotated[int | Literal["auto"], BeforeValidator(_number_or_auto)] = Field(
        default="auto",
        description="requests under way at once in one replica; auto: those it runs, by its own reports, and a few",
    )

    @property
    def workers(self) -> int:
        """Processes of one replica that compute, a GPU each where there are any."""
        return self.tensor_parallel_size * self.pipeline_parallel_size * int(self.args.get("data_parallel_size", 1))

    @model_validator(mode="after")
    def _a_gpu_each(self) -> "VllmEngine":
        for name in ("model", "tensor_parallel_size", "pipeline_parallel_size"):
            if name in self.args:
                raise ValueError(f"'{name}' stands beside 'args', not in it")
        ranks = self.args.get("data_parallel_size", 1)
        if isinstance(ranks, bool) or not str(ranks).isdecimal() or int(ranks) < 1:
            raise ValueError(f"args.data_parallel_size is {ranks!r}; it is a number from 1 on")
        if self.workers > 1 and self.resources.num_gpus not in (0, self.workers):
            raise ValueError(
                f"one replica has {self.workers} workers (tensor_parallel_size x pipeline_parallel_size) and needs as "
                f"many GPUs, but resources.num_gpus is {self.resources.num_gpus:g}; set it to {self.workers}"
            )
        return self


class Price(Config):
    """What an endpoint charges. In batch mode: the batch price."""

    prompt_per_million: float = Field(ge=0, le=1e12)
    completion_per_million: float = Field(ge=0, le=1e12, description="reasoning tokens included")
    currency: Line = "USD"

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
    model: Line
    base_url: str | None = Field(default=None, description="default: OPENAI_BASE_URL, or else OpenAI's own")
    api_key_env: str | None = Field(
        default="OPENAI_API_KEY", description="environment variable that holds the key; null: none is sent"
    )
    endpoints: list[Endpoint] = Field(default=[], description="addresses or keys to spread the requests over")
    max_in_flight: _MaxInFlight = 256
    request_timeout_s: float = Field(default=600, gt=0, le=1e10)
    max_reply_mb: float = Field(
        default=64, gt=0, le=1e6, description="size of a reply; a larger one is read no further"
    )
    max_attempts: int = Field(
        default=6, ge=1, le=1_000_000, description="tries a request before its rollout is recorded as failed"
    )
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
    maker_api: bool = Field(
        default=False,
        description="the endpoint is the API of the model's maker, whose switch is fields of its own; for `family`",
    )
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


class RecordedEngine(_EngineConfig):
    """What engines share whose responses are there before anybody asks."""

    model: str = Field(default="recorded", description="name written into every rollout")
    max_in_flight: _MaxInFlight = 256
    tokenizer: Line | None = Field(
        default=None,
        description="what counts their tokens: a folder with a tokenizer.json, or a model on the Hub; default: that of "
        "the model that a role loads, and where there is none lengths are characters",
    )
    resources: ResourceConfig = ResourceConfig(num_cpus=0)  # it waits, it does not compute


class ReplayEngine(RecordedEngine):
    """Responses recorded elsewhere, served as if sampled: imports other tools' rollouts, or repeats a run."""

    type: Literal["replay"]
    path: Line = Field(description="JSON Lines or Parquet")
    question: str = Field(default="question", description="column with the question, matched by its normalised text")
    responses: list[str] = Field(
        default=["responses"],
        min_length=1,
        description="columns (dots reach inside) with one response or a list of them, in order",
    )
    finish_reasons: list[str] = Field(
        default=[],
        description="columns with why each response ended, in the order and shape of `responses`: stop, or length "
        "where a limit cut it off; by default all ended by themselves",
    )


class RolloutsEngine(RecordedEngine):
    """Nothing is sampled: a problem has the rollouts that came with the sources of type `rollouts`."""

    type: Literal["rollouts"]


EngineConfig = Annotated[VllmEngine | OpenAIEngine | ReplayEngine | RolloutsEngine, Field(discriminator="type")]
