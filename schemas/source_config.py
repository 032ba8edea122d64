"""Where problems come from: one model a kind of source."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from hipo_data.schemas.config_node import Config
from hipo_data.schemas.records import Kind


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
