"""The config of a pipeline run: `schemas.config_file`, and names that only the stages know."""

from pathlib import Path

from hipo_data.pipeline.prompt_checks import with_prompts
from hipo_data.prompts.families.roles import with_families
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.config_file import read_config
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.length_unit import with_tokenizers
from hipo_data.stages.ingest.filters import check_languages, check_names


def load_config(path: Path, overrides: list[str]) -> RunConfig:
    """The config in `path` with `overrides` (each `a.b=value`, the value read as YAML) laid over it.

    Raises `UserError` that names each wrong key or value, where it stands, and the nearest right key.
    """
    config = read_config(RunConfig, path, overrides, start="`hipo-data init` writes one")
    try:
        check_names(config.ingest.filters)
        check_languages(config.ingest.languages or [])
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error
    try:
        return with_tokenizers(with_families(with_prompts(config)))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
