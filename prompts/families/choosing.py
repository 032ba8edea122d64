"""Which family a model is of, told from its chat template and its name."""

import re

from hipo_data.prompts.families.loading import families
from hipo_data.prompts.families.templates import fits
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.family import Family


def choose(model: str, template: str | None, where: str) -> Family:
    """The family of a model.

    The name decides, unless a chat template is at hand that renders otherwise: then a family that the template fits.
    Raises `UserError` where none fits, or several that differ.

    Args:
        model: folder or Hub name.
        template: its chat template, where it is at hand.
        where: the key of the recipe, for the error.
    """
    named = [each for each in families().values() if re.search(each.match, model.lower())]
    fitting = [each for each in families().values() if template is not None and fits(template, each)]
    both = [each for each in named if template is None or each in fitting or not _checkable(each)]
    found = both or fitting
    if not found:
        seen = "its name" if template is None else "its name and its chat template"
        raise UserError(f"{where}: auto finds no family for '{model}' by {seen}; name one of `hipo-data families`")
    if len({_behaviour(each) for each in found}) > 1:
        names = ", ".join(each.name for each in found)
        raise UserError(f"{where}: auto finds several families for '{model}': {names}; name the one that it is")
    return found[0]


def _checkable(family: Family) -> bool:
    """Whether a template could contradict the family."""
    modes = (family.think_on, family.think_off)
    return family.think_on.model is None and all(mode is None or mode.tail is not None for mode in modes)


def _behaviour(family: Family) -> str:
    return family.model_dump_json(include={"think_on", "think_off", "reading"}, exclude={"reading": {"turns"}})
