"""A recipe with every key there is, written out of the config models themselves, so that it is never out of date."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hipo_data.pipeline.init_recipe.engine_part import engine_named
from hipo_data.pipeline.init_recipe.flow import flow
from hipo_data.schemas.config import OpenAIEngine, ReplayEngine, RoleConfig, RunConfig, VllmEngine
from hipo_data.stages.ingest.sources import adapter_names
from hipo_data.stages.ingest.sources.table import TableSource

_HEAD = """\
# A recipe of hipo-data. Keys that are commented out show their defaults.
# Check it with `hipo-data plan --config THIS_FILE`, run it with `hipo-data run --config THIS_FILE`.
"""
_MODEL = "Qwen/Qwen3-8B"
_SOURCE = {
    "type": "table",
    "path": "problems.jsonl",
    "kind": "math",
    "columns": {"question": "question", "gold": "answer"},
}
_ENGINES: dict[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "embedded": (
        VllmEngine,
        {"model": "models/tiny-hybrid", "args": {"max_model_len": 512, "enforce_eager": True, "dtype": "float32"}},
    ),
    "vllm": (VllmEngine, {"model": _MODEL, "args": {"max_model_len": 40960}, "resources": {"num_gpus": 1}}),
    "openai": (OpenAIEngine, {"model": _MODEL, "base_url": "http://localhost:8000/v1"}),
    "replay": (ReplayEngine, {"path": "responses.jsonl"}),
}
_SWITCH = (
    "The mode switch is a property of the model: its family, a chat-template argument, a system prompt, a suffix, …"
)


def recipe(engine: str, model: str | None = None, url: str | None = None) -> str:
    """The YAML text.

    Args:
        engine: `embedded`, `vllm`, `openai` or `replay`.
        model, url: in place of those that it would name.

    Raises `UserError` for an engine that there is not, and for a model or address that it has no use for.
    """
    engine_named(engine, model, url, tuple(_ENGINES))
    kind, given = _ENGINES[engine]
    own = {"type": "vllm" if engine == "embedded" else engine, **given}
    own |= ({"model": model} if model else {}) | ({"base_url": url} if url else {})
    others = ", ".join(name for name in adapter_names() if name != "table")
    parts = [_HEAD]
    for name, field in RunConfig.model_fields.items():
        match name:
            case "name":
                parts.append("name: my-run\n")
            case "seed":
                parts.append("seed: 0\n")
            case "sources":
                source = textwrap.indent("".join(_keys(TableSource, _SOURCE)), "    ")
                parts.append(f"\n# type is one of {others}, or table, whose keys these are.\nsources:\n  -{source[3:]}")
            case "engines":
                parts.append("\nengines:\n  teacher:\n" + textwrap.indent("".join(_keys(kind, own)), "    "))
            case "roles":
                parts.append(f"\n# {_SWITCH}\nroles:\n{_roles(engine)}")
            case _:
                gap = "\n" if isinstance(_default(field), BaseModel) else ""
                parts.append(gap + "".join(_key(name, field)))
    return "".join(parts)


def _roles(engine: str) -> str:
    """All three, the first one with every key."""
    text = ""
    for role, on in (("think_on", True), ("think_off", False), ("justifier", False)):
        given: dict[str, Any] = {"engine": "teacher"}
        if engine != "replay":
            given["chat_template_kwargs"] = {"enable_thinking": on}
        if engine == "embedded":
            given |= {"starts_in_reasoning": True} if on else {}
        if role == "justifier" or engine == "embedded":
            most = (512, 512) if engine != "embedded" else (256 if on else 128, 160)
            most_tokens = most[1] if role == "justifier" else most[0]
            given["sampling"] = {"temperature": 0.7 if role == "justifier" else 1.0, "max_tokens": most_tokens}
        keys = (
            _keys(RoleConfig, given) if role == "think_on" else [_given(name, value) for name, value in given.items()]
        )
        text += f"  {role}:\n" + textwrap.indent("".join(keys), "    ")
    return text


def _keys(model: type[BaseModel], given: Mapping[str, Any]) -> Iterator[str]:
    """All keys of a model, those that are given first; of the others the default, commented out."""
    for name, value in given.items():
        inner = _model_of(model.model_fields[name])
        if inner is not None and isinstance(value, dict):
            yield f"{name}:\n" + textwrap.indent("".join(_keys(inner, value)), "  ")
        else:
            yield _given(name, value)
    for name, field in model.model_fields.items():
        if name not in given and not field.is_required():
            yield from _key(name, field)


def _given(name: str, value: Any) -> str:
    return f"{name}: {flow(value)}\n"


def _key(name: str, field: FieldInfo, within: str = "") -> Iterator[str]:
    """A key that is not given: its default and what it is for, as a comment; of a model all its keys."""
    default = _default(field)
    note = field.description or ""
    if isinstance(default, BaseModel):
        yield f"# {within}{name}:{f'  # {note}' if note else ''}\n"
        for inner, each in type(default).model_fields.items():
            shown = FieldInfo.merge_field_infos(each, default=getattr(default, inner), default_factory=None)
            yield from _key(inner, shown, within + "  ")
        return
    keys = [key for model in _models(field.annotation) for key in model.model_fields]
    if keys:
        note = f"{note}; " if note else ""
        note += f"{'each has' if isinstance(default, list) else 'its'} keys: {', '.join(keys)}"
    yield f"# {within}{name}: {flow(default)}{f'  # {note}' if note else ''}\n"


def _default(field: FieldInfo) -> Any:
    return None if field.is_required() else field.get_default(call_default_factory=True)


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    return next(iter(_models(field.annotation)), None)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models within a type."""
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for part in get_args(annotation):
        yield from _models(part)
