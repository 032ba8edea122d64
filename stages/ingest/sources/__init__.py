"""Source datasets, one adapter a file: from a row as the dataset has it to a problem.

A recipe names an adapter by its file (`type: acereason`), so a new source is a new file here, and nothing else: what
`stages.ingest.adapter.Adapter` lists, with the keys that it adds to a recipe, if any.
"""

import difflib
from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from hipo_data.schemas.errors import SourceError
from hipo_data.schemas.source_config import AdapterConfig, SourceConfig
from hipo_data.stages.ingest.adapter import Adapter


def adapter_names() -> list[str]:
    """What `type` of a source may be."""
    return sorted(found.name for found in iter_modules(__path__))


def adapter_of(source: SourceConfig) -> Adapter:
    """The adapter that a source names. Raises `SourceError`, with the nearest name, where there is none."""
    names = adapter_names()
    if source.type not in names:
        near = difflib.get_close_matches(source.type, names, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"choose from {', '.join(names)}"
        raise SourceError(f"there is no source of type '{source.type}'; {hint}")
    return cast(Adapter, import_module(f"{__name__}.{source.type}"))


def own_config(source: SourceConfig) -> AdapterConfig:
    """A source's config with the keys of its adapter. Raises `SourceError`, and `ValidationError` for wrong ones."""
    return adapter_of(source).CONFIG.model_validate(source.model_dump())
