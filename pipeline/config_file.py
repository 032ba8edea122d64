"""The config of a pipeline run: `schemas.config_file`, and names that only the stages know."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hipo_data.pipeline.prompt_checks import with_prompts
from hipo_data.prompts.families.roles import with_families
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.config_file import config_of, read_config
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.length_unit import with_tokenizers
from hipo_data.stages.ingest.filters import check_languages, check_names


def load_config(recipe: Path | Mapping[str, Any], overrides: list[str]) -> RunConfig:
    """The config in a file, or in a tree like one, with `overrides` (each `a.b=value`, as YAML) laid over it.

    Raises `UserError` that names each wrong key or value, where it stands, and the nearest right key.
    """
    if isinstance(recipe, Mapping):
        path = "the recipe"
        config = config_of(RunConfig, copy.deepcopy(dict(recipe)), overrides, path)
    else:
        path = str(recipe)
        config = read_config(RunConfig, recipe, overrides, start="`hipo-data init` writes one")
    try:
        check_names(config.ingest.filters)
        check_languages(config.ingest.languages or [])
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error
    try:
        return with_tokenizers(with_families(with_prompts(config)))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
