"""Where problems come from: what all sources have in common."""

from importlib import import_module

from pydantic import ConfigDict, Field, ValidationError, model_validator

from hipo_data.schemas.config_file import sentences
from hipo_data.schemas.config_node import Config
from hipo_data.schemas.config_texts import Line, Name, repository_objection
from hipo_data.schemas.errors import SourceError

_ADAPTERS = "hipo_data.stages.ingest.sources"


class SourceConfig(Config):
    """Where a source's rows are: local files at `path`, or else the files of a dataset on the Hugging Face Hub.

    Keys beyond these are those of its adapter, which checks them (`stages.ingest.sources.own_config`).
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = Field(description="its adapter, by the name of a file in stages/ingest/sources")
    path: Line | None = Field(
        default=None,
        description="a file or a glob of files: JSON Lines, Parquet, a JSON array, CSV or TSV; default: from the Hub",
    )
    name: Line | None = Field(
        default=None,
        description="dataset name recorded in every problem, and the repository on the Hub; default: the adapter's",
    )
    revision: Line | None = Field(
        default=None, description="dataset revision recorded in every problem; from the Hub: required, best a commit"
    )
    files: Line | None = Field(
        default=None, description="from the Hub: glob of files in the repository; default: the adapter's"
    )
    stream: bool = Field(
        default=False, description="from the Hub: read over the network as rows are needed, keeping no copy"
    )
    split: Name = Field(default="train", description="split name recorded in every problem")
    licence: Line | None = Field(
        default=None, description="licence recorded in every problem; default: the one that the dataset declares"
    )

    @model_validator(mode="after")
    def _local_or_hub(self) -> "SourceConfig":
        if self.path is not None and (self.files is not None or self.stream):
            raise ValueError("'files' and 'stream' are for the Hub; with 'path' leave them out")
        if self.path is None and self.revision is None:
            raise ValueError("give 'path' for local files, or 'revision' (a commit) to read the dataset from the Hub")
        if self.path is None and self.name is not None and (said := repository_objection(self.name)):
            raise ValueError(f"'name' {said}")
        return self


class AdapterConfig(SourceConfig):
    """A source's config as its adapter has it: with every key that the adapter knows, and no other one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def completed(source: SourceConfig, where: str) -> SourceConfig:
    """A source with every key of its adapter. `where` is its dotted key.

    Raises `ValueError` with a sentence for an adapter that there is not, and for a key that the adapter does not know.
    """
    adapters = import_module(_ADAPTERS)  # by name, as adapters themselves are found: decision 0033
    try:
        own = adapters.own_config(source)
    except SourceError as error:
        raise ValueError(f"'{where}.type': {error}") from error
    except ValidationError as error:
        raise ValueError(sentences(adapters.adapter_of(source).CONFIG, error, where)) from error
    return SourceConfig.model_validate(own.model_dump(mode="json"))
