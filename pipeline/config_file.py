"""The config of a pipeline run: `schemas.config_file`, and names that only the stages know."""

from pathlib import Path

from pydantic import ValidationError

from hipo_data.pipeline.justify_language import with_justify_language
from hipo_data.prompts.families.roles import with_families
from hipo_data.schemas.config import RunConfig, SourceConfig
from hipo_data.schemas.config_file import read_config, sentences
from hipo_data.schemas.errors import SourceError, UserError
from hipo_data.stages.ingest.filters import check_languages, check_names
from hipo_data.stages.ingest.sources import adapter_of, own_config


def load_config(path: Path, overrides: list[str]) -> RunConfig:
    """The config in `path` with `overrides` (each `a.b=value`, the value read as YAML) laid over it.

    Raises `UserError` that names each wrong key or value, where it stands, and the nearest right key.
    """
    config = read_config(RunConfig, path, overrides, start="`hipo-data init` writes one")
    try:
        check_names(config.ingest.filters)
        check_languages(config.ingest.languages or [])
        sources = [_complete(source, f"sources.{number}") for number, source in enumerate(config.sources)]
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error
    try:
        return with_families(with_justify_language(config.model_copy(update={"sources": sources})))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _complete(source: SourceConfig, where: str) -> SourceConfig:
    """The source with all keys of its adapter, so that the record of a run says their defaults, too."""
    try:
        return SourceConfig.model_validate(own_config(source).model_dump(mode="json"))
    except SourceError as error:
        raise ValueError(f"'{where}.type': {error}") from error
    except ValidationError as error:
        raise ValueError(sentences(adapter_of(source).CONFIG, error, where)) from error
