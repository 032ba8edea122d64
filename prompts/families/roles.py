"""What a recipe's families become: the switches and readings of its roles, checked before anything is spent."""

import difflib
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml
from jinja2 import TemplateError

from hipo_data.prompts.families.choosing import choose
from hipo_data.prompts.families.loading import AUTO, families, family
from hipo_data.prompts.families.reading import DEFAULT
from hipo_data.prompts.families.templates import known_arguments, opens_reasoning, rendered, template_of
from hipo_data.schemas.config import (
    ArmConfig,
    EngineConfig,
    OpenAIEngine,
    RecordedEngine,
    RoleConfig,
    RunConfig,
    VllmEngine,
)
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.family import Family, Reading, Switch
from hipo_data.schemas.records import Mode

ROLES = {"think_on": Mode.THINK_ON, "think_off": Mode.THINK_OFF, "justifier": Mode.THINK_OFF}
"""The mode that each role asks for; a justifier without an off switch thinks."""

_SWITCHING = re.compile("think|reason|effort|budget")
"""What is in the name of any argument or field that switches a mode."""


def with_families(config: RunConfig) -> RunConfig:
    """The config with every role's family written out in the role's own keys, where it does not set them itself.

    Raises `UserError` for an unknown family, one that has no such mode, a switch that the chat template does not know,
    a reasoning parser in an engine's `args`, and a model whose folder has no chat template.
    """
    for name, engine in config.engines.items():
        _check_parser(f"engines.{name}", engine)
    given = config.roles
    if given.arms is None:
        roles: dict[str, Any] = {
            name: _with_family(f"roles.{name}", mode, getattr(given, name), config) for name, mode in ROLES.items()
        }
    else:
        arms = [_arm_with_family(f"roles.arms.{place}", arm, config) for place, arm in enumerate(given.arms)]
        justifier = _with_family("roles.justifier", Mode.THINK_OFF, given.justifier, config)
        roles = {"arms": arms, "think_off": arms[0].role, "think_on": arms[-1].role, "justifier": justifier}
    config = config.model_copy(update={"roles": given.model_copy(update=roles)})
    if config.check is not None:
        _check_modes_differ(config)
    return config


def role_family(role: RoleConfig, engine: EngineConfig, where: str) -> Family | None:
    """The family of a role, or of its engine; null where neither names one. Raises `UserError`."""
    said, key = (role.family, where) if role.family else (engine.family, f"engines.{role.engine}")
    if said is None:
        return None
    if said != AUTO:
        try:
            return family(said)
        except UserError as error:
            raise UserError(f"{key}.family: {error}") from error
    if isinstance(engine, RecordedEngine):
        raise UserError(f"{key}.family: auto needs a model, and recorded responses name none; name their family")
    return choose(engine.model, template_of(engine), f"{key}.family")


def _check_modes_differ(config: RunConfig) -> None:
    """Raises `UserError` where two modes ask one model for the same."""
    modes = [mode for mode in config.roles.modes if config.sample.count(mode)]
    for off, on in combinations(modes, 2):
        _check_differ(config, on, off)


def _check_differ(config: RunConfig, on_mode: Mode, off_mode: Mode) -> None:
    on, off = config.roles.of(on_mode), config.roles.of(off_mode)
    engines = [config.engines[role.engine].model_dump(exclude={"family"}) for role in (on, off)]
    recorded = any(isinstance(config.engines[role.engine], RecordedEngine) for role in (on, off))
    if recorded or engines[0] != engines[1]:
        return
    asked = [
        (
            *(role.chat_template_kwargs, role.system_prompt, role.question_suffix, role.response_prefix),
            *(role.sampling.extra, role.control),
        )
        for role in (on, off)
    ]
    template = template_of(config.engines[on.engine])
    if asked[0] == asked[1] or (template is not None and _prompt(template, on) == _prompt(template, off)):
        what = "send the same requests" if asked[0] == asked[1] else "have the same prompt under this chat template"
        if config.roles.arms is not None:
            raise UserError(
                f"arms '{off_mode}' and '{on_mode}' of roles.arms {what}, so both would be one; give them another "
                "effort, budget or switch, or leave one out"
            )
        raise UserError(
            f"roles.think_on and roles.think_off {what}, so both modes would be one; name the model's family "
            "(`hipo-data families`), or set the switch in chat_template_kwargs, system_prompt, question_suffix or "
            "response_prefix"
        )


def switch_of(role: RoleConfig) -> Switch:
    """How a role asks for its mode, as far as its prompt shows it."""
    return Switch(
        kwargs=role.chat_template_kwargs,
        system=role.system_prompt,
        suffix=role.question_suffix,
        prefix=role.response_prefix,
    )


def _prompt(template: str, role: RoleConfig) -> tuple[str | None, str]:
    """The prompt, and what only the engine sees of the request."""
    try:
        return rendered(template, switch_of(role)), f"{role.sampling.extra} {role.control}"
    except (TemplateError, TypeError, ValueError):
        return None, str(role.chat_template_kwargs)  # the engine will say why


def _arm_with_family(where: str, arm: ArmConfig, config: RunConfig) -> ArmConfig:
    """The arm with its family and its effort written out."""
    engine = config.engines[arm.engine]
    mode = Mode.THINK_ON if arm.name.thinks else Mode.THINK_OFF
    if arm.effort is not None and not isinstance(engine, RecordedEngine):
        arm = _with_effort(where, arm, engine, role_family(arm, engine, where))
    written = _with_family(where, mode, arm, config)
    _check_budget(where, arm, engine, written.reading or DEFAULT)
    return arm.model_copy(update={name: getattr(written, name) for name in RoleConfig.model_fields})


def _check_budget(where: str, arm: ArmConfig, engine: EngineConfig, reading: Reading) -> None:
    """vLLM refuses a budget unless it is told how reasoning begins and ends."""
    if arm.budget is not None and isinstance(engine, VllmEngine) and "reasoning_config" not in engine.args:
        tags = {"reasoning_start_str": next(iter(reading.open), "<think>"), "reasoning_end_str": reading.close[0]}
        raise UserError(
            f"{where}.budget is {arm.budget}, which vLLM keeps to where it knows how reasoning begins and ends alone; "
            f"set engines.{arm.engine}.args.reasoning_config: {_flow(tags)}"
        )


def _with_effort(where: str, arm: ArmConfig, engine: EngineConfig, found: Family | None) -> ArmConfig:
    """Raises `UserError` for a level that the family does not know, and where none says how levels are asked for."""
    if found is None and not isinstance(engine, OpenAIEngine):
        raise UserError(
            f"{where}.effort is '{arm.effort}', and how the model takes it is not known; name its family "
            "(`hipo-data families`), or set chat_template_kwargs in place of effort"
        )
    if found is not None and arm.effort not in found.levels:
        knows = f"knows {', '.join(found.levels)}" if found.levels else "knows no levels of effort"
        raise UserError(f"{where}.effort is '{arm.effort}', but family '{found.name}' {knows}; choose another arm")
    field = "reasoning_effort" if found is None else found.effort
    by_body = isinstance(engine, OpenAIEngine) and (found is None or engine.maker_api or bool(found.think_on.body))
    asked = arm.sampling.extra if by_body else arm.chat_template_kwargs
    if asked.get(field, arm.effort) != arm.effort:
        raise UserError(f"{where} has the effort '{arm.effort}', but asks for {field} '{asked[field]}'; leave one out")
    told = {**asked, field: arm.effort}
    if by_body:
        return arm.model_copy(update={"sampling": arm.sampling.model_copy(update={"extra": told})})
    return arm.model_copy(update={"chat_template_kwargs": told})


def _with_family(where: str, mode: Mode, role: RoleConfig, config: RunConfig) -> RoleConfig:
    engine = config.engines[role.engine]
    found = role_family(role, engine, where)
    if found is not None:
        _check_template(f"engines.{role.engine}", engine, found)
        role = _written_out(where, mode, role, engine, found)
    _check_switch(where, role, engine)
    return role


def _written_out(where: str, mode: Mode, role: RoleConfig, engine: EngineConfig, found: Family) -> RoleConfig:
    justifies = where == "roles.justifier"
    own = isinstance(engine, RecordedEngine) or _switches_itself(role, engine)
    switch = found.request(mode)
    if switch is None and not own and mode is Mode.THINK_OFF and not justifies:
        raise UserError(_no_off(where, found, engine))
    if switch is None:
        mode, switch = (Mode.THINK_ON, found.think_on) if not own else (mode, Switch())
    if isinstance(engine, RecordedEngine):  # its responses are there already
        switch = Switch()
    elif switch.model is not None and not justifies and not own:
        _check_pair(where, engine, found, mode, switch)
    if role.system_prompt is not None and switch.system is not None and switch.system not in role.system_prompt:
        raise UserError(
            f"{where}.system_prompt replaces the switch of family '{found.name}', which is the system text "
            f"{switch.system!r}; put that into it"
        )
    kwargs, body = _arguments(where, switch, engine, found)
    said = role.family or engine.family
    asked = switch.model_copy(update={"kwargs": {**kwargs, **role.chat_template_kwargs}})
    update: dict[str, Any] = {
        "family": found.name if said == AUTO else said,
        "chat_template_kwargs": asked.kwargs,
        "sampling": role.sampling.model_copy(update={"extra": {**body, **role.sampling.extra}}),
        "reading": role.reading or found.reading,
    }
    for key, value in (
        ("system_prompt", switch.system),
        ("question_suffix", switch.suffix),
        ("response_prefix", switch.prefix),
        ("starts_in_reasoning", _opens(engine, found, mode, asked)),
    ):
        if key not in role.model_fields_set:
            update[key] = value
    return role.model_copy(update=update)


def _switches_itself(role: RoleConfig, engine: EngineConfig) -> bool:
    """Whether a recipe switches the mode beside the family: by a start or an end of its own, an argument or a field."""
    if role.response_prefix or role.question_suffix:
        return True
    fields = {**role.sampling.extra, **(engine.extra_body if isinstance(engine, OpenAIEngine) else {})}
    return any(_SWITCHING.search(name) for name in (*role.chat_template_kwargs, *fields))


def _opens(engine: EngineConfig, found: Family, mode: Mode, switch: Switch) -> bool:
    """By the chat template where it is at hand, since copies differ, else by the family."""
    if isinstance(engine, RecordedEngine):
        return False
    template = template_of(engine)
    bare = switch.model_copy(update={"prefix": ""})
    opened = None if template is None else opens_reasoning(template, bare, found.reading)
    return found.opens(mode) if opened is None else opened


def _arguments(
    where: str, switch: Switch, engine: EngineConfig, found: Family
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments of the chat template, and fields of the request."""
    if not isinstance(engine, OpenAIEngine):
        return switch.kwargs, {}
    if not engine.maker_api:
        return ({}, switch.body) if switch.body else (switch.kwargs, {})
    if switch.kwargs and not (switch.api or switch.body):
        raise UserError(
            f"{where}: how the maker's own API of family '{found.name}' switches is not known; give its fields as "
            "sampling.extra, or leave out 'maker_api' where a server applies the chat template"
        )
    return {}, switch.api or switch.body


def _no_off(where: str, found: Family, engine: EngineConfig) -> str:
    """That a family does not have the switch, and what works."""
    instead, ways = found.instead, []
    if instead.models:
        ways.append(f"another engine with a model that never reasons, such as {' or '.join(instead.models)}")
    if instead.prefix:
        ways.append(f"a prefilled closed block, {where}.response_prefix: {_quoted(instead.prefix)}")
    if instead.effort:
        by_body = isinstance(engine, OpenAIEngine) and found.think_on.body
        key = "sampling.extra" if by_body else "chat_template_kwargs"
        ways.append(f"its lowest effort, which still reasons, {where}.{key}: {_flow(instead.effort)}")
    return f"{where}: family '{found.name}' ({found.title}) has no off switch; what works: {'; '.join(ways)}"


def _check_pair(where: str, engine: EngineConfig, found: Family, mode: Mode, switch: Switch) -> None:
    assert switch.model is not None
    if re.search(switch.model, engine.model.lower()) or not re.search(found.match, engine.model.lower()):
        return
    fitting = [name for name in found.models if re.search(switch.model, name.lower())]
    raise UserError(
        f"{where}: in family '{found.name}' each mode is a model of its own, and '{engine.model}' is not that of "
        f"{mode}; name an engine with such a one as {fitting[0]}"
    )


def _check_template(where: str, engine: EngineConfig, found: Family) -> None:
    if isinstance(engine, VllmEngine) and Path(engine.model).is_dir() and template_of(engine) is None:
        raise UserError(
            f"{where}: '{engine.model}' has no chat template (chat_template.jinja, or chat_template in "
            f"tokenizer_config.json), which the switch of family '{found.name}' is an argument of"
        )


def _check_switch(where: str, role: RoleConfig, engine: EngineConfig) -> None:
    template = template_of(engine) if role.chat_template_kwargs else None
    known = known_arguments(template) if template is not None else None
    if known is None:
        return
    for name in role.chat_template_kwargs:
        if name not in known:
            raise UserError(f"{where}.chat_template_kwargs: {unknown_argument(name, known, engine.model)}")


def unknown_argument(name: str, known: frozenset[str], model: str) -> str:
    """That a chat template does not know an argument, and the nearest that it does."""
    switches = sorted(each for each in known if _SWITCHING.search(each))
    near = difflib.get_close_matches(name, switches or known, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else f"it knows {', '.join(switches) or 'no switch'}"
    return f"the chat template of '{model}' does not know '{name}'; {hint}"


def _check_parser(where: str, engine: EngineConfig) -> None:
    """vLLM takes the argument and does nothing with it outside of its server."""
    if not isinstance(engine, VllmEngine) or "reasoning_parser" not in engine.args:
        return
    parser = str(engine.args["reasoning_parser"])
    of_parser: dict[str, list[str]] = {}
    for each in families().values():
        if each.parser:
            of_parser.setdefault(each.parser, []).append(each.name)
    if parser in of_parser:
        hint = f"say family: {' or '.join(of_parser[parser])} in its place"
    else:
        near = difflib.get_close_matches(parser, of_parser, n=1, cutoff=0.5)
        meant = f" ('{parser}' is no parser of a family here; did you mean '{near[0]}'?)" if near else ""
        hint = f"name the model's family in its place{meant}; `hipo-data families` lists them"
    raise UserError(
        f"{where}.args.reasoning_parser acts in vLLM's server alone, which this engine does not start; {hint}"
    )


def _quoted(text: str) -> str:
    return yaml.safe_dump(text, default_style='"', width=10_000, allow_unicode=True).strip()


def _flow(tree: dict[str, Any]) -> str:
    return yaml.safe_dump(tree, default_flow_style=True, width=10_000).strip()
