"""The prompts that a recipe names: in which language justifications are asked for, and whether each can be rendered."""

from itertools import product
from typing import Any

from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.prompts.trial import try_template
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Kind, Mode

OF_ARMS = "justify_effort"
"""The prompt for justifications of arms, which speaks of levels, where the recipe names none."""
_QUESTION = "What is 6 * 7?"


def with_prompts(config: RunConfig) -> RunConfig:
    """The config with `justify.language` as that of the questions, where only `ingest.languages` names one.

    Raises `UserError` where that allows several and `justify.language` does not choose, where there is no prompt, and
    with file and line where one cannot be rendered.
    """
    try:
        try_template(config.sample.template, "question", [{"question": _QUESTION, "kind": kind} for kind in Kind])
    except FileNotFoundError as error:
        raise UserError(f"'sample.template': {error}") from error
    except UserError as error:
        raise UserError(f"'sample.template': {error}") from error
    for mode in config.roles.modes:
        control = config.roles.of(mode).control
        if control is not None and control.controller is not None:
            _check_controller(f"{config.roles.where(mode)}.control.controller", control.controller.template)
    return _with_justify_prompt(config) if FORMATS[config.publish.format].justifies else config


def _check_controller(where: str, template: str) -> None:
    try:
        try_template(template, "steps", [{"question": _QUESTION, "steps": ["First this.", "Then that."]}])
    except (FileNotFoundError, UserError) as error:
        raise UserError(f"'{where}.template': {error}") from error


def _with_justify_prompt(config: RunConfig) -> RunConfig:
    languages, chosen = dict.fromkeys(config.ingest.languages or []), config.justify
    if languages and "language" not in chosen.model_fields_set:
        if len(languages) > 1:
            raise UserError(
                f"ingest.languages allows {', '.join(languages)}, and justifications are in one language: name it as "
                "justify.language"
            )
        chosen = chosen.model_copy(update={"language": next(iter(languages))})
    if not config.roles.is_pair and "template" not in chosen.model_fields_set:
        chosen = chosen.model_copy(update={"template": OF_ARMS})
    levels = {"level": "short", "levels": [{"name": "short", "n": 8, "right": 7}]}
    cases = [each if config.roles.is_pair else each | levels for each in _counts()]
    try:
        try_template(chosen.prompt, "question", cases)
    except FileNotFoundError as error:
        hint = (
            ""
            if chosen.language == "en"
            else (
                f"; name a file that asks in the language '{chosen.language}' as justify.template, or "
                "set justify.language to one that has a prompt, such as en"
            )
        )
        raise UserError(f"'justify.template': {error}{hint}") from error
    except UserError as error:
        raise UserError(f"'justify.template': {error}") from error
    return config.model_copy(update={"justify": chosen})


def _counts() -> list[dict[str, Any]]:
    """What `stages.justify` fills a prompt with, for both modes and kinds, also where a mode has no rollouts."""
    both: dict[str, Any] = {
        "n_on": 8,
        "right_on": 7,
        "tokens_on": 120.4,
        "n_off": 6,
        "right_off": 5,
        "tokens_off": 30.6,
    }
    on = both | {"n_off": 0, "right_off": 0, "tokens_off": None}
    off = both | {"n_on": 0, "right_on": 0, "tokens_on": None}
    return [
        {"question": _QUESTION, "kind": kind, "mode": mode, **counts}
        for kind, mode, counts in product(Kind, Mode, (both, on, off))
    ]
