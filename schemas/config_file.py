"""From a YAML file and `--set a.b=c` to a checked config, of whichever model."""

import difflib
import types
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import recipe_file
from hipo_data.schemas.without_secrets import shown_config
from hipo_data.schemas.yaml_tree import yaml_tree

_OF_DATA = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".gz", ".zst", ".xz", ".bz2")
"""Ends of names that no config has."""
_LARGEST = 1024**2
"""Bytes of a file that can be a config; what is larger is data."""

WHOLE_SENTENCE = "whole_sentence"
"""Type of a pydantic error whose message says where it is itself."""

Model = TypeVar("Model", bound=BaseModel)


def read_config(model: type[Model], path: Path, overrides: list[str], start: str = "") -> Model:
    """The config in `path`, or in the recipe of that name that comes with the package, with `overrides` laid over it.

    An override is `a.b=value`, the value read as YAML. `start` says what has a config to begin with. Raises `UserError`
    that names each wrong key or value, where it stands, and the nearest right key, or that there is no such file.
    """
    path = recipe_file(path)
    return config_of(model, _tree_in(path, start), overrides, str(path))


def config_of(model: type[Model], tree: dict[str, Any], overrides: list[str], where: str) -> Model:
    """The config in a tree with `overrides` laid over it, which changes the tree; errors as `read_config` has them.

    `where` is what they call the tree.
    """
    for override in overrides:
        _override(tree, override)
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        raise UserError(f"{where}: {sentences(model, error)}") from error


def _tree_in(path: Path, start: str) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError as error:
        hint = f"; {start} to start from" if start else ""
        raise UserError(f"there is no config file {path}{hint}") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(f"{path} cannot be read as a config ({why}); name a YAML file") from error
    if path.name.lower().endswith(_OF_DATA):
        raise UserError(
            f"{path} is the name of a file of data, and a recipe is YAML; "
            f"`hipo-data init --from {path}` makes one for it"
        )
    if len(data) > _LARGEST:
        raise UserError(f"{path} has more than {_LARGEST:,} bytes and is no config; name a YAML file")
    try:
        tree = yaml_tree(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not YAML in UTF-8: byte {error.start} is none of a text; save it as UTF-8"
        ) from None
    except UserError as error:
        raise UserError(f"{path}{' ' if str(error).startswith(('is ', 'it ')) else ': '}{error}") from None
    if not isinstance(tree, dict):
        holds = "is empty" if tree is None else f"holds a {type(tree).__name__}"
        raise UserError(f"{path} must hold a mapping of config keys, and it {holds}")
    return tree


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
    steps = key.split(".")
    if not equals or not all(steps):
        shown = f"; '{key}' is not of that form" if equals else ""
        raise UserError(f"--set takes key=value, such as select.delta=0.2{shown}")
    try:
        _lay(tree, steps, yaml_tree(text, key))
    except UserError as error:
        raise UserError(
            f"--set: {error}" if str(error).startswith(("'", "the ")) else f"--set {key}: {error}"
        ) from None


def _lay(tree: dict[str, Any], steps: list[str], value: Any) -> None:
    """Puts the value at the end of the steps; mappings that are missing on the way are made."""
    at: Any = tree
    for place, step in enumerate(steps):
        so_far, last = ".".join(steps[:place]), place == len(steps) - 1
        index: Any = step
        if isinstance(at, list):
            if not step.isascii() or not step.isdigit() or int(step) > len(at):
                raise UserError(f"'{so_far}' is a list of {len(at)}; number its parts from 0, and not '{step}'")
            if (index := int(step)) == len(at):
                at.append(None)
        elif not isinstance(at, dict):
            raise UserError(f"'{so_far}' is {type(at).__name__} and has no key '{step}'; set it as a whole")
        if last:
            at[index] = value
        elif isinstance(at, list):
            at[index] = {} if at[index] is None else at[index]
        elif at.get(index) is None:
            at[index] = {}
        at = at[index]


def _sentence(model: type[BaseModel], item: Any, within: str) -> str:
    location = [str(part) for part in item["loc"] if part != "[key]"]
    where = ".".join([*([within] if within else []), *_written(model, location)])
    if item["type"] == "extra_forbidden":
        known = _fields_at(model, location[:-1])
        near = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known keys there: {', '.join(known)}"
        if "extra" in known:
            hint += f" What the engine takes beside them stands in '{where.rpartition('.')[0]}.extra'"
        return f"unknown key '{where}'; {hint}"
    if item["type"] == "missing":
        return f"'{where}' is missing"
    if item["type"] == WHOLE_SENTENCE:
        return str(item["msg"])
    return _said(where, str(item["msg"]).removeprefix("Value error, "), item)


def _said(where: str, message: str, item: Any) -> str:
    """What pydantic says of a value, and the fix where the kind of the value shows it."""
    value = item["input"]
    if item["type"] == "string_type" and isinstance(value, (bool, int, float)):
        shown = str(value).lower() if isinstance(value, bool) else value
        message = f"YAML reads this as {shown}; put it in quotes"
    elif value is None:
        message = f"{message}, and it is empty; write a value, or leave the key out"
    elif item["type"] == "too_short":
        message = f"{message}; name one, or leave the key out"
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
