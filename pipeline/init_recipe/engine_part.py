"""The part of a recipe about its engine: the embedded teacher, a vLLM model, or an endpoint."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hipo_data.pipeline.init_recipe.flow import flow
from hipo_data.prompts.families.choosing import choose
from hipo_data.prompts.families.templates import template_of
from hipo_data.schemas.config import OpenAIEngine, VllmEngine
from hipo_data.schemas.config_texts import base_url_objection
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import recipes

ENGINES = ("embedded", "vllm", "openai")
_QUICKSTART = re.compile(r"^engines:\n.*?(?=^publish:)", re.MULTILINE | re.DOTALL)
_TOKENS = 32_768
_CONTEXT = 40_960

_ROLES = """
# One way of sampling for both modes, so that nothing but thinking tells them apart.
roles:
  think_on:
    engine: teacher{on}
    sampling: &sampling {{temperature: 0.6, top_p: 0.95, max_tokens: {tokens}}}
  think_off:
    engine: teacher{off}
    sampling: *sampling
  justifier:
    engine: teacher{off}
    sampling: {{temperature: 0.6, top_p: 0.95, max_tokens: 512}}

sample: {{n: 8, stop: decided}}  # no rollout that could change neither the mode nor what is kept
"""


@dataclass(frozen=True)
class EnginePart:
    """YAML text, and sentences about what was chosen."""

    text: str
    said: list[str] = field(default_factory=list)


def engine_part(engine: str | None, model: str | None, url: str | None) -> EnginePart:
    """The part for an engine of `ENGINES`; where none is named, an address or a model says which.

    Raises `UserError` for an unknown one, and where it lacks its model or is given what it has no use for.
    """
    name = engine or ("openai" if url else "vllm" if model else "embedded")
    engine_named(name, model, url, ENGINES)
    if name == "embedded":
        return _embedded()
    if model is None:
        raise UserError(f"--engine {name} needs its model: add --model NAME, such as --model Qwen/Qwen3-8B")
    return _vllm(model) if name == "vllm" else _openai(model, url)


def engine_named(name: str, model: str | None, url: str | None, known: Sequence[str]) -> None:
    """Raises `UserError` where an engine is not one of `known`, or is given what it has no use for."""
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"--engine is one of {', '.join(known)}, not '{name}'{hint}")
    if url is not None and name != "openai":
        raise UserError(f"--url is the address of an endpoint, and --engine is {name}; leave one of them out")
    if model is not None and name in ("embedded", "replay"):
        raise UserError(f"--model names a teacher, and --engine {name} takes none; leave one of them out")
    if url is not None and (said := base_url_objection(url)):
        raise UserError(f"--url {said}")


def _embedded() -> EnginePart:
    """As the recipe `quickstart` has it."""
    found = _QUICKSTART.search(recipes()["quickstart"].read_text(encoding="utf-8"))
    assert found is not None
    said = (
        "engine: the embedded teacher, to try the pipeline on this machine; it knows sums, products and tiny programs "
        "and little else, so for data to keep take --engine vllm --model NAME, or --engine openai --url ADDRESS "
        "--model NAME"
    )
    return EnginePart(found[0].rstrip() + "\n", [said])


def _vllm(model: str) -> EnginePart:
    found = _family(VllmEngine(type="vllm", model=model))
    keys = {
        "type": "vllm", "model": model, **found.keys, "args": {"max_model_len": _CONTEXT}, "resources": {"num_gpus": 1}
    }  # fmt: skip
    said = f"engine: vLLM on one GPU with {model}, of which a response may have {_TOKENS:,} tokens"
    return EnginePart(_engines(keys) + found.roles, [said, found.said])


def _openai(model: str, url: str | None) -> EnginePart:
    found = _family(OpenAIEngine(type="openai", model=model, base_url=url))
    keys = {"type": "openai", "model": model, **({"base_url": url} if url else {}), **found.keys}
    where = url or "OPENAI_BASE_URL, or else OpenAI's own"
    said = (
        f"engine: the endpoint at {where} with {model}; its key is read from OPENAI_API_KEY, where it needs one. A "
        f"response may have {_TOKENS:,} tokens: lower max_tokens where the server's context has less room"
    )
    return EnginePart(_engines(keys) + found.roles, [said, found.said])


@dataclass(frozen=True)
class _Found:
    keys: dict[str, str]
    roles: str
    said: str


def _family(engine: VllmEngine | OpenAIEngine) -> _Found:
    """The family of a model by its name, or else the switch that most templates have."""
    try:
        name = choose(engine.model, template_of(engine), "engine").name
    except UserError:
        on, off = ("\n    chat_template_kwargs: {enable_thinking: %s}" % word for word in ("true", "false"))  # noqa: UP031
        said = (
            f"modes: no family is known for {engine.model}, so the switch is `enable_thinking` in its chat template, "
            "as Qwen's; `hipo-data check` shows whether it works, `hipo-data families` lists others"
        )
        return _Found({}, _ROLES.format(on=on, off=off, tokens=_TOKENS), said)
    said = f"modes: family {name}, which has the switches of both modes"
    return _Found({"family": name}, _ROLES.format(on="", off="", tokens=_TOKENS), said)


def _engines(keys: Mapping[str, object]) -> str:
    return "engines:\n  teacher:\n" + "".join(f"    {name}: {flow(value)}\n" for name, value in keys.items())
