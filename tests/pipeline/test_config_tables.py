"""Every config that makes no sense is refused with the key and the fix, and every other one is accepted.

Each row of `config_tables` is tried twice: written into the recipe's file, and as `--set`.
"""

import re
from pathlib import Path

import pytest
import yaml

from hipo_data.pipeline.config_file import load_config
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import recipes
from hipo_data.schemas.yaml_tree import yaml_tree
from tests.pipeline.config_tables import OWN, RIGHT, WRONG

TEMPLATES = {
    "good.j2": "Q: {{ question }} {# no more #}\n",
    "loops.j2": "{% for word in question.split() %}{{ word }} {% endfor %}{% set x = kind %}{{ x }}",
    "no_question.j2": "Solve it.\n{# {{ question }} #}",
    "typo.j2": "{{ question }}\n{{ questoin }}\n",
    "broken.j2": "{{ question }}\n\n{% if %}\n",
    "fails.j2": "{{ question }}\n{{ 1 / 0 }}\n",
    "fails_for_code.j2": "{{ question }}\n{% if kind == 'code' %}{{ kind.nothing.more }}{% endif %}\n",
    "fails_off.j2": "{{ question }}{{ 1 / (0 if mode == 'think_off' else 1) }}\n",
}


@pytest.fixture(autouse=True)
def at_root(repo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in recipes start at the root of the checkout."""
    monkeypatch.chdir(repo_root)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the templates of the tables lie, and the recipe of their own."""
    made = tmp_path_factory.mktemp("tables")
    for name, text in TEMPLATES.items():
        (made / name).write_text(text)
    (made / "latin.j2").write_bytes("{{ question }} größer".encode("latin-1"))
    (made / "own.yaml").write_text(OWN)
    return made


def recipe(name: str, folder: Path) -> Path:
    return folder / "own.yaml" if name == "own" else recipes()[name]


def written(recipe: Path, setting: str, folder: Path) -> Path:
    """A copy of a recipe in whose file the setting stands, its value letter for letter."""
    key, _, value = setting.partition("=")
    tree = at = yaml_tree(recipe.read_text())  # in which no alias shares what is changed
    *steps, last = key.split(".")
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    at[last] = "PLACE_OF_THE_VALUE"
    path = folder / "changed.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).replace("PLACE_OF_THE_VALUE", value))
    return path


def refusals(name: str, setting: str, folder: Path) -> list[str]:
    """What is said about the setting in the file, and as `--set`."""
    setting, of = setting.replace("{tmp}", str(folder)), recipe(name, folder)
    said = []
    for path, overrides in ((written(of, setting, folder), []), (of, [setting])):
        try:
            load_config(path, overrides)
            said.append("")
        except UserError as error:
            assert error.exit_code == 2
            said.append(str(error).removeprefix(f"{path}: "))
    return said


@pytest.mark.parametrize(("name", "setting", "expected"), WRONG, ids=[f"{row[0]}-{row[1]}"[:70] for row in WRONG])
def test_what_makes_no_sense_is_refused_with_its_key(name: str, setting: str, expected: str, folder: Path) -> None:
    found = re.fullmatch(r"(.*?) ?(?:\[([^\]]+)\])?", expected)
    assert found
    in_file, as_set = refusals(name, setting, folder)
    assert (found[2] or setting.partition("=")[0]) in in_file
    assert found[1] in in_file
    assert "\n" not in in_file
    assert as_set.removeprefix("--set: ") == in_file


@pytest.mark.parametrize(("name", "setting"), RIGHT, ids=[f"{row[0]}-{row[1]}"[:70] for row in RIGHT])
def test_what_is_unusual_and_right_is_accepted(name: str, setting: str, folder: Path) -> None:
    assert refusals(name, setting, folder) == ["", ""]
