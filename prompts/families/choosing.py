"""Which family a model is of, told from its chat template and its name."""

import re

from hipo_data.prompts.families.loading import families
from hipo_data.prompts.families.templates import contradicts, fits
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.family import Family
from hipo_data.schemas.keys import canonical
from hipo_data.schemas.records import Mode


def choose(model: str, template: str | None, where: str) -> Family:
    """The family of a model.

    The name decides, unless a chat template is at hand that contradicts it: then a family that the template fits.
    Raises `UserError` where none fits, or several that differ.

    Args:
        model: folder or Hub name.
        template: its chat template, where it is at hand.
        where: the key of the recipe, for the error.
    """
    named = [each for each in families().values() if re.search(each.match, model.lower())]
    fitting = [] if template is None else fitting_families(template)
    both = [each for each in named if template is None or not contradicts(template, each)]
    found = both or fitting
    if not found:
        seen = "its name" if template is None else "its name and its chat template"
        raise UserError(f"{where}: auto finds no family for '{model}' by {seen}; name one of `hipo-data families`")
    if len({_behaviour(each) for each in found}) > 1:
        names = ", ".join(each.name for each in found)
        raise UserError(f"{where}: auto finds several families for '{model}': {names}; name the one that it is")
    return found[0]


def fitting_families(template: str) -> list[Family]:
    """Families whose modes a chat template renders; those with a switch alone, where there is one."""
    found = [each for each in families().values() if fits(template, each)]
    return [each for each in found if each.think_off is not None] or found


def _behaviour(family: Family) -> str:
    """All that a request and the reading of its response depend on."""
    modes = [mode and mode.model_dump(exclude={"tail", "opens", "api"}) for mode in (family.think_on, family.think_off)]
    opens = [family.opens(mode) for mode in Mode]
    return canonical(modes, opens, family.reading.model_dump(exclude={"turns"}))
