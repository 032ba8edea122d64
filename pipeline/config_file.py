"""From a YAML file and `--set a.b=c` to a checked config."""

import difflib
import types
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import dpath
import yaml
from pydantic import BaseModel, ValidationError

from pipeline.errors import UserError
from schemas.config import RunConfig
from stages.filters import check_languages, check_names


def load_config(path: Path, overrides: list[str]) -> RunConfig:
    """The config in `path` with `overrides` (each `a.b=value`, the value read as YAML) laid over it.

    Raises `UserError` that names each wrong key or value, where it stands, and the nearest right key.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"there is no config file {path}; `hipo-data init` writes one to start from") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(tree, dict):
        raise UserError(f"{path} must hold a mapping of config keys; it holds {type(tree).__name__}")
    for override in overrides:
        _override(tree, override)
    try:
        config = RunConfig.model_validate(tree)
        check_names(config.ingest.filters)
        check_languages(config.ingest.languages or [])
    except ValidationError as error:
        raise UserError(f"{path}: " + "; ".join(_sentence(item) for item in error.errors())) from error
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error
    return config


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Leaves of nested dicts and lists by dotted key."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else None
    if items is None or not tree:
        return {prefix: tree}
    return {
        key: value
        for name, child in items
        for key, value in flatten(child, f"{prefix}.{name}" if prefix else str(name)).items()
    }


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What differs between two configs, a line a key: `select.delta: 0.15 → 0.25`."""
    before, after = flatten(old), flatten(new)
    return [
        f"{key}: {before.get(key, 'unset')} → {after.get(key, 'unset')}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def _override(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise UserError(f"--set takes key=value, such as select.delta=0.2; '{override}' is not of that form")
    try:
        value = yaml.safe_load(text)
        dpath.new(tree, key, value, separator=".")
    except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError) as error:
        raise UserError(f"--set {override}: cannot be applied ({error})") from error


def _sentence(item: Any) -> str:
    location = [str(part) for part in item["loc"]]
    where = ".".join(part for part in location if part not in _TAGS)
    if item["type"] == "extra_forbidden":
        known = _fields_at(RunConfig, location[:-1])
        near = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known keys there: {', '.join(known)}"
        return f"unknown key '{where}'; {hint}"
    if item["type"] == "missing":
        return f"'{where}' is missing"
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"'{where}': {message}" if where else message


_TAGS = {"acereason", "skywork", "table", "vllm", "openai", "replay"}


def _fields_at(annotation: Any, location: list[str]) -> list[str]:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    origin, args = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not location:
            return list(annotation.model_fields)
        field = annotation.model_fields.get(location[0])
        return _fields_at(field.annotation, location[1:]) if field else []
    if origin in (Union, types.UnionType):
        for member in args:
            kind = getattr(member, "model_fields", {}).get("type")
            if kind is not None and location and location[0] in get_args(kind.annotation):
                return _fields_at(member, location[1:])
        members = [member for member in args if member is not type(None)]
        return _fields_at(members[0], location) if len(members) == 1 else []
    if origin in (dict, list) and location:
        return _fields_at(args[-1], location[1:])
    return []
