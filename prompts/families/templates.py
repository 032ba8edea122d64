"""Chat templates of models: where they lie, what they render, and which arguments they know."""

import json
import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from hipo_data.schemas.config import EngineConfig, VllmEngine
from hipo_data.schemas.family import Family, Reading, Switch

_QUESTION = "What is 2 plus 2?"
_TRAINING_MARKS = re.compile(r"{%-?\s*(?:end)?generation\s*-?%}")
"""Blocks of Hugging Face's own, which render as what they hold."""
_FILES = ("chat_template.jinja", "chat_template.json", "tokenizer_config.json")


def template_of(engine: EngineConfig) -> str | None:
    """The chat template of an engine's model, where that is a folder here. What the cache of the Hub happens to hold is
    not looked at: a recipe means the same before its model was loaded and after."""
    folder = Path(engine.model)
    if not isinstance(engine, VllmEngine) or not folder.is_dir():
        return None
    return _template_in([folder / name for name in _FILES])


def rendered(template: str, switch: Switch) -> str:
    """The prompt of a question under a switch, up to where the response begins, a prefix of ours included.

    Raises `jinja2.TemplateError`, `TypeError` or `ValueError` where the template refuses it.
    """
    system = [] if switch.system is None else [{"role": "system", "content": switch.system}]
    messages = [*system, {"role": "user", "content": _QUESTION + switch.suffix}]
    prompt: str = _compiled(template).render(messages=messages, add_generation_prompt=True, **_TOKENS, **switch.kwargs)
    return prompt + switch.prefix


def after_question(prompt: str) -> str:
    """What follows the question in a prompt of `rendered`."""
    return prompt.rpartition(_QUESTION)[2]


@lru_cache(maxsize=64)
def known_arguments(template: str) -> frozenset[str] | None:
    """Names that a template takes from outside; null where it does not parse, so that nothing is known."""
    try:
        return frozenset(meta.find_undeclared_variables(_environment().parse(_TRAINING_MARKS.sub("", template))))
    except TemplateError:
        return None


def fits(template: str, family: Family) -> bool:
    """Whether a template renders both modes of a family with the tails that the family has."""
    switches = [switch for switch in (family.think_on, family.think_off) if switch is not None]
    if family.think_on.model is not None or any(switch.tail is None for switch in switches):
        return False
    if len(switches) == 1 and not switches[0].tail:
        return False
    known = known_arguments(template) or frozenset()
    if any(name not in known for switch in switches for name in switch.kwargs):
        return False
    try:
        prompts = [rendered(template, switch) for switch in switches]
    except (TemplateError, TypeError, ValueError):
        return False
    if not any(turn in prompts[0] or turn in template for turn in family.reading.turns):
        return False
    if len(set(prompts)) != len(prompts):
        return False
    return all(_has_tail(prompt, switch, family) for prompt, switch in zip(prompts, switches, strict=True))


def contradicts(template: str, family: Family) -> bool:
    """Whether a template cannot be of a family: it does not know its switch, or renders both modes alike."""
    switches = [switch for switch in (family.think_on, family.think_off) if switch is not None]
    known = known_arguments(template)
    if known is None or family.think_on.model is not None:
        return False
    if any(name not in known for switch in switches for name in switch.kwargs):
        return True
    try:
        prompts = {rendered(template, switch) for switch in switches}
    except (TemplateError, TypeError, ValueError):
        return True
    return len(prompts) < len(switches)


def opens_reasoning(template: str, switch: Switch, reading: Reading) -> bool | None:
    """Whether the prompt of a switch ends in an opening tag; null where the template does not render it."""
    try:
        prompt = rendered(template, switch).rstrip()
    except (TemplateError, TypeError, ValueError):
        return None
    return any(prompt.endswith(tag.strip()) for tag in reading.open)


def _has_tail(prompt: str, switch: Switch, family: Family) -> bool:
    tail = (switch.tail or "").strip()
    rest = after_question(prompt).strip()
    if not rest.endswith(tail):
        return False
    return not any(tag.strip() in rest.removesuffix(tail) for tag in family.reading.open if not tag.isalpha())


_TOKENS = {"bos_token": "", "eos_token": "", "pad_token": "", "unk_token": ""}


@lru_cache(maxsize=64)
def _compiled(template: str) -> Any:
    return _environment().from_string(_TRAINING_MARKS.sub("", template))


def _environment() -> Environment:
    """As transformers renders chat templates (transformers.utils.chat_template_utils)."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _tojson
    environment.globals |= {"raise_exception": _raise, "strftime_now": lambda form: datetime.now().strftime(form)}
    return environment


def _tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None, **kwargs: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **kwargs)


def _raise(message: str) -> None:
    raise TemplateError(message)


def _template_in(paths: list[Path]) -> str | None:
    for path in paths:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".json":
            return text
        try:
            found = json.loads(text).get("chat_template")
        except (json.JSONDecodeError, AttributeError):
            continue
        if isinstance(found, list):  # several by name
            by_name = {each.get("name"): each.get("template") for each in found if isinstance(each, dict)}
            found = by_name.get("default")
        if isinstance(found, str):
            return found
    return None
