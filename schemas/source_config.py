"""Where problems come from: what all sources have in common."""

from pydantic import ConfigDict, Field, model_validator

from hipo_data.schemas.config_node import Config


class SourceConfig(Config):
    """Where a source's rows are: local files at `path`, or else the files of a dataset on the Hugging Face Hub.

    Keys beyond these are those of its adapter, which checks them (`stages.ingest.sources.own_config`).
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = Field(description="its adapter, by the name of a file in stages/ingest/sources")
    path: str | None = Field(
        default=None,
        description="a file or a glob of files: JSON Lines, Parquet, a JSON array, CSV or TSV; default: from the Hub",
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
    def _local_or_hub(self) -> "SourceConfig":
        if self.path is not None and (self.files is not None or self.stream):
            raise ValueError("'files' and 'stream' are for the Hub; with 'path' leave them out")
        if self.path is None and self.revision is None:
            raise ValueError("give 'path' for local files, or 'revision' (a commit) to read the dataset from the Hub")
        return self


class AdapterConfig(SourceConfig):
    """A source's config as its adapter has it: with every key that the adapter knows, and no other one."""

    model_config = ConfigDict(extra="forbid", frozen=True)
