"""A recipe to start from, written out of the config models themselves, so that it is never out of date."""

import textwrap
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from hipo_data.schemas.config import (
    IngestConfig,
    JustifyConfig,
    OpenAIEngine,
    PublishConfig,
    RayConfig,
    RoleConfig,
    SampleConfig,
    SelectConfig,
    VllmEngine,
)
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.grading import VerifyConfig
from hipo_data.stages.ingest.sources import adapter_names

_HEAD = """\
# A recipe of hipo-data. Keys that are commented out show their defaults.
# Check it with `hipo-data plan --config THIS_FILE`, run it with `hipo-data run --config THIS_FILE`.
name: my-run
seed: 0

sources:
  - type: table  # or OTHERS: those datasets in their own columns
    path: problems.jsonl  # a file or a glob; JSON Lines, Parquet, CSV …
    kind: math  # or code
    columns: {question: question, gold: answer}
"""

_ENGINES: dict[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "vllm": (
        VllmEngine,
        {"type": "vllm", "model": "Qwen/Qwen3-8B", "args": {"max_model_len": 40960}, "resources": {"num_gpus": 1}},
    ),
    "openai": (OpenAIEngine, {"type": "openai", "model": "Qwen/Qwen3-8B", "base_url": "http://localhost:8000/v1"}),
}

_ROLES = """
# The mode switch is a property of the model: a chat-template argument, a system prompt, a suffix, or another engine.
roles:
  think_on:
    engine: teacher
    chat_template_kwargs: {enable_thinking: true}
  think_off:
    engine: teacher
    chat_template_kwargs: {enable_thinking: false}
  justifier:
    engine: teacher
    chat_template_kwargs: {enable_thinking: false}
    sampling: {temperature: 0.7, max_tokens: 512}
"""


def recipe(engine: str) -> str:
    """The YAML text. Raises `UserError` for an engine it has no template for."""
    if engine not in _ENGINES:
        raise UserError(f"--engine is one of {', '.join(_ENGINES)}, not '{engine}'")
    model, given = _ENGINES[engine]
    own = yaml.safe_dump(given, sort_keys=False)
    role_keys = {"engine", "chat_template_kwargs"}
    others = [name for name in adapter_names() if name != "table"]
    parts = [
        _HEAD.replace("OTHERS", ", ".join(others)),
        "\nengines:\n  teacher:\n",
        textwrap.indent(own + _defaults(model, set(given)), "    "),
        _ROLES,
        textwrap.indent(f"# Each role also takes:\n{_defaults(RoleConfig, role_keys)}", "  "),
    ]
    sections: dict[str, type[BaseModel]] = {
        "ingest": IngestConfig,
        "sample": SampleConfig,
        "verify": VerifyConfig,
        "select": SelectConfig,
        "justify": JustifyConfig,
        "publish": PublishConfig,
        "ray": RayConfig,
    }
    for name, section in sections.items():
        parts += [f"\n# {name}:\n", textwrap.indent(_defaults(section, set()), "", lambda line: True)]
    return "".join(parts)


def _defaults(model: type[BaseModel], given: set[str]) -> str:
    """The fields of `model` that are not given, commented out, each with its default and what it is for."""
    lines = []
    for name, field in model.model_fields.items():
        if name in given or field.is_required():
            continue
        default = field.get_default(call_default_factory=True)
        value = default.model_dump(mode="json") if isinstance(default, BaseModel) else default
        assert value is not PydanticUndefined
        text = yaml.safe_dump(value, default_flow_style=True, width=10_000).replace("\n...", "").strip()
        note = f"  # {field.description}" if field.description else ""
        lines.append(f"#   {name}: {text}{note}\n")
    return "".join(lines)
