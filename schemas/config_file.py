"""From a YAML file and `--set a.b=c` to a checked config, of whichever model."""

import difflib
import types
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import dpath
import yaml
from pydantic import BaseModel, ValidationError

from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import recipe_file
from hipo_data.schemas.without_secrets import shown_config

Model = TypeVar("Model", bound=BaseModel)


def read_config(model: type[Model], path: Path, overrides: list[str], start: str = "") -> Model:
    """The config in `path`, or in the recipe of that name that comes with the package, with `overrides` laid over it.

    An override is `a.b=value`, the value read as YAML. `start` says what has a config to begin with. Raises `UserError`
    that names each wrong key or value, where it stands, and the nearest right key, or that there is no such file.
    """
    path = recipe_file(path)
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        hint = f"; {start} to start from" if start else ""
        raise UserError(f"there is no config file {path}{hint}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(tree, dict):
        raise UserError(f"{path} must hold a mapping of config keys; it holds {type(tree).__name__}")
    for override in overrides:
        _override(tree, override)
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        raise UserError(f"{path}: {sentences(model, error)}") from error


def sentences(model: type[BaseModel], error: ValidationError, within: str = "") -> str:
    """What is wrong with a tree that `model` refused: each wrong key or value, and the nearest right key.

    `within` is the dotted key at which the tree lies in its file.
    """
    return "; ".join(_sentence(model, item, within) for item in error.errors())


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
    """What differs between two configs, a line a key: `select.delta: 0.15 → 0.25`. Secrets are not compared."""
    before, after = flatten(shown_config(old)), flatten(shown_config(new))
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


def _sentence(model: type[BaseModel], item: Any, within: str) -> str:
    location = [str(part) for part in item["loc"]]
    where = ".".join([*([within] if within else []), *_written(model, location)])
    if item["type"] == "extra_forbidden":
        known = _fields_at(model, location[:-1])
        near = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known keys there: {', '.join(known)}"
        return f"unknown key '{where}'; {hint}"
    if item["type"] == "missing":
        return f"'{where}' is missing"
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"'{where}': {message}" if where else message


def _written(model: type[BaseModel], location: list[str]) -> list[str]:
    """The location as the file has it: pydantic puts the tag of a union's member into it, which no key stands for."""
    at: Any = model
    written = []
    for part in location:
        at = _bare(at)
        member = _tagged(at, part)
        if member is None:
            written.append(part)
            at = _child(at, part)
        else:
            at = member
    return written


def _fields_at(model: type[BaseModel], location: list[str]) -> list[str]:
    at: Any = model
    for part in location:
        at = _bare(at)
        at = _tagged(at, part) or _child(at, part)
    at = _bare(at)
    return list(at.model_fields) if isinstance(at, type) and issubclass(at, BaseModel) else []


def _bare(annotation: Any) -> Any:
    """An annotation without `Annotated`, and without the alternative of null."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        if len(members) == 1:
            return _bare(members[0])
    return annotation


def _tagged(annotation: Any, tag: str) -> Any:
    """The member of a union whose `type` is the tag."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return None
    for member in get_args(annotation):
        kind = getattr(member, "model_fields", {}).get("type")
        if kind is not None and get_origin(kind.annotation) is Literal and tag in get_args(kind.annotation):
            return member
    return None


def _child(annotation: Any, part: str) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(part)
        return field.annotation if field else None
    return get_args(annotation)[-1] if get_origin(annotation) in (dict, list) else None
