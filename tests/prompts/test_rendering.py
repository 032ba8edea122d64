"""Templates: all of ours render, hostile questions stay text, and mistakes in a user's own template are named."""

from pathlib import Path
from typing import Any

import jinja2
import pytest

from hipo_data import prompts
from hipo_data.prompts.rendering import PromptTemplate, template_hash, template_text
from hipo_data.schemas.records import Kind, Mode

NAMES = sorted(path.stem for path in (Path(prompts.__file__).parent / "templates").glob("*.j2"))
QUESTION = "What is {{ 6 * 7 }}?\r\n{% if %} <b> & \U0001f9ee {# no #}"
COUNTS = {"n_on": 8, "right_on": 7, "n_off": 6, "right_off": 5}
LEVELS = {"level": "low", "levels": [{"name": "low", "n": 8, "right": 7}, {"name": "high", "n": 0, "right": 0}]}
"""What a justification of arms is asked with as well."""
STEPS = {"steps": ["First.", "Then."]}
"""What a controller is shown."""


def render(name: str, **variables: Any) -> str:
    return PromptTemplate(name).render(**variables)


@pytest.mark.parametrize("tokens", [(120.4, 30.6), (None, None), (None, 3.0)])
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("name", NAMES)
def test_every_template_renders_for_every_kind_and_mode_with_the_question_as_it_is(
    name: str, kind: Kind, mode: Mode, tokens: tuple[float | None, float | None]
) -> None:
    on, off = tokens
    known = {"question": QUESTION, "kind": kind, "mode": mode, "tokens_on": on, "tokens_off": off}
    text = render(name, **known, **COUNTS, **LEVELS, **STEPS)
    assert QUESTION in text
    assert text == text.strip()
    assert "None" not in text


def test_solving_prompts_need_no_more_than_question_and_kind() -> None:
    assert render("plain", question="q", kind=Kind.MATH) == "q"
    assert render("solve", question="q", kind=Kind.MATH) == "q\n\nGive the final answer in \\boxed{}."
    assert "```python" in render("solve", question="q", kind=Kind.CODE)


def test_the_justifier_sees_mode_rates_and_lengths() -> None:
    shared = {"question": "q", "kind": Kind.MATH, **COUNTS}
    on = render("justify", mode=Mode.THINK_ON, tokens_on=120.4, tokens_off=30.6, **shared)
    off = render("justify", mode=Mode.THINK_OFF, tokens_on=None, tokens_off=30.6, **shared)
    assert "Of 8 attempts with thinking, 7 were right; of 6 attempts without, 5 were right." in on
    assert "120 and 31 tokens" in on
    assert "tokens" not in off
    assert "thinking first suits" in on
    assert "answering at once suits" in off
    compact = [render("justify_compact", mode=mode, tokens_on=None, tokens_off=None, **shared) for mode in Mode]
    assert compact[0] == "Why think first?\nq\nthink 7/8 direct 5/6"
    assert compact[1] == "Why answer at once?\nq\nthink 7/8 direct 5/6"


def test_an_unknown_template_names_those_there_are() -> None:
    with pytest.raises(FileNotFoundError) as missing:
        render("slove", question="q")
    assert str(missing.value) == f"no prompt template 'slove': it is neither a file nor one of {', '.join(NAMES)}"


def test_a_template_of_the_user_is_read_from_its_path(tmp_path: Path) -> None:
    own = tmp_path / "own.j2"
    own.write_text("Löse: {{ question }}\n\n", encoding="utf-8")
    assert render(str(own), question="q") == "Löse: q"
    before = template_hash(str(own))
    own.write_text("Solve: {{ question }}", encoding="utf-8")
    assert render(str(own), question="q") == "Solve: q"
    assert template_hash(str(own)) != before


def test_a_misspelt_variable_is_named_with_the_template_and_the_variables_there_are(tmp_path: Path) -> None:
    own = tmp_path / "own.j2"
    own.write_text("{{ qestion }}")
    with pytest.raises(
        jinja2.UndefinedError, match=r"own\.j2': 'qestion' is undefined; its variables are kind, question"
    ):
        render(str(own), question="q", kind="math")


def test_a_template_that_does_not_compile_is_named_with_the_line(tmp_path: Path) -> None:
    own = tmp_path / "own.j2"
    own.write_text("{{ question }}\n{% if kind %}")
    with pytest.raises(jinja2.TemplateSyntaxError, match=r"own\.j2'") as broken:
        render(str(own), question="q", kind="math")
    assert broken.value.lineno == 2


def test_a_hash_is_that_of_the_source() -> None:
    assert template_text("plain") == "{{ question }}\n"
    assert template_hash("plain") == "41fc23ad1100c15be2df3d8ae42e02885fa1c1bc88376e61a721d4d99efe4d2d"
