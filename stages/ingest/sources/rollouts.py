"""Rollouts that another tool sampled: its problems, and its responses as rollouts in the mode that they are of.

| `format` | file |
| --- | --- |
| `nemo_gym` | NeMo Gym's rollouts, JSON Lines, with the materialised inputs beside them where those hold the golds |
| `verifiers` | `traces.jsonl` of verifiers and prime-rl, and `results.jsonl` of earlier verifiers |
| `rllm` | episodes, one JSON file each or JSON Lines |
| `inspect` | logs, `.eval` or `.json` |
| `lighteval` | details, Parquet |
| `table` | any rows, by `columns` |

`auto`, the default, tells it by the file's first object. How each is read stands in `stages/ingest/elsewhere`.

A rollout is refused, and named with the reason, where it failed, is empty, has tool calls or several turns, was seen in
the same file already, or hides its reasoning, which makes it one of neither mode. A row without a gold is refused as in
any source: without one nothing could be graded again, and `rl/` had nothing to say.
"""

from typing import Literal

import polars as pl
from pydantic import Field

from hipo_data.schemas.config_node import Config
from hipo_data.schemas.config_texts import Line
from hipo_data.schemas.records import Kind, Mode
from hipo_data.schemas.source_config import AdapterConfig, SourceConfig
from hipo_data.stages.ingest.adapter import GOLD, KIND, Draft, Refusal, known_kind, text_needed
from hipo_data.stages.ingest.elsewhere.translated import Translated
from hipo_data.stages.ingest.reading.columns import Column
from hipo_data.stages.ingest.reading.files import SourceFile

DATASET = "rollouts"
FILES = ""  # the recipe says which

REASONS = (
    "unreadable",
    "bad_column",
    "other_version",
    "failed_rollout",
    "no_response",
    "several_turns",
    "tool_calls",
    "hidden_reasoning",
    "duplicate_rollout",
    "unknown_mode",
    "no_grade",
)
"""Why a row of a tool is no rollout."""


class RolloutColumns(Config):
    """Which field of a row holds what, where `format` does not say it or says another one. Dots reach inside."""

    question: str = Field(default="question", description="the question; of tools' files by default as the tool has it")
    response: str = Field(default="response", description="format table: the response, a list of them, or messages")
    reasoning: str | None = Field(default=None, description="format table: reasoning that stands apart from it")
    reward: str | None = Field(default=None, description="format table: the grade, 1 or true for right")
    ended: str | None = Field(default=None, description="format table: why it ended: stop, or length where it was cut")
    model: str | None = Field(default=None, description="format table: who wrote it")
    rollout: str | None = Field(default=None, description="format table: a name that no other rollout has")
    gold: str | None = Field(default=None, description="the gold; default: as the tool has it, in a table `answer`")
    mode: str | None = Field(default=None, description="the mode; default: the source's `mode`")
    id: str | None = Field(default=None, description="the problem's own id; default: as the tool has it")
    kind: str | None = Field(default=None, description="`math` or `code`; else the source's `kind`")
    domain: str | None = None
    licence: str | None = None


class RolloutsSource(AdapterConfig):
    """Its own keys."""

    format: Literal["auto", "nemo_gym", "verifiers", "rllm", "inspect", "lighteval", "table"] = "auto"
    kind: Kind = Kind.MATH
    columns: RolloutColumns = RolloutColumns()
    mode: Literal["shown", "think_on", "think_off"] = Field(
        default="shown", description="of all rollouts; shown: think-on where a response holds reasoning"
    )
    modes: dict[str, Mode] = Field(
        default_factory=dict, description="what values of `columns.mode` mean, such as {high: think_on}"
    )
    model: Line = Field(default="unnamed", description="who wrote the responses, where the file does not say")
    grades: Literal["again", "theirs"] = Field(
        default="again", description="again: graded here; theirs: the file's grades are trusted and marked as such"
    )
    right_from: float = Field(default=1.0, description="grades: theirs: the reward from which a response is right")
    inputs: Line | None = Field(
        default=None, description="NeMo Gym: its materialised inputs, for golds; default: those beside the file"
    )


CONFIG = RolloutsSource


_SHUFFLED = (
    "rollouts of multiple choice cannot be taken along: ingest shuffles the options, so that their letters mean others"
)


def opened(files: list[SourceFile], source: SourceConfig) -> list[SourceFile]:
    """The files as files of rollouts."""
    config = CONFIG.model_validate(source.model_dump())
    return [Translated(file.label, file.place, config=config) for file in files]


def columns(config: RolloutsSource) -> list[Column]:
    """What is read of a row, as `Translated` writes it."""
    texts = ("question", "id", "kind", "domain", "licence", "response", "model", "mode", "ended", "given", "given_by")
    return [
        *map(Column, texts),
        Column("gold", any_json=frozenset({"gold"})),
        *map(Column, ("reason", "said", "row")),
    ]


def draft(config: RolloutsSource) -> Draft:
    """A row as a draft."""
    kind = pl.lit(config.kind.value) if config.columns.kind is None else pl.col("kind")
    where = config.columns.gold or "where the tool has it"
    missing = pl.lit(f"the row has no gold ({where}); say in `columns.gold` which field holds it")
    return Draft(
        kind=kind,
        question=pl.col("question"),
        gold=pl.col("gold"),
        domain=pl.col("domain"),
        licence=pl.col("licence"),
        own_id=pl.col("id"),
        refusals=[
            *(Refusal(code, (pl.col("reason") == code).fill_null(False), pl.col("said")) for code in REASONS),
            known_kind("kind"),
            Refusal("other_domain", (pl.col(KIND) == Kind.CHOICE.value).fill_null(False), pl.lit(_SHUFFLED)),
            text_needed("question"),
            Refusal("no_gold", pl.col(GOLD).is_null(), missing),
        ],
        response=pl.col("response"),
        response_model=pl.col("model"),
        response_mode=pl.col("mode"),
        response_ended=pl.col("ended"),
        response_given=pl.col("given"),
        response_given_by=pl.col("given_by"),
    )
