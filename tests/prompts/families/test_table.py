"""The page of families shows what the data hold."""

import re
from pathlib import Path

import yaml
from rich.console import Console

from hipo_data.pipeline.views.family_list import print_families, print_family
from hipo_data.prompts.families.loading import families, read_family
from hipo_data.prompts.families.table import rows
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "families.md"


def test_example_of_a_family_of_ones_own_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"```text\n(title: Mine.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "mine.yaml").write_text(text)
    assert read_family(tmp_path / "mine.yaml").think_on.kwargs == {"deep": True}


def test_every_family_is_listed_and_shown() -> None:
    console = Console(width=300, record=True)
    print_families(console)
    listed = console.export_text()
    assert all(name in listed for name in families())
    assert len(list(rows())) == len(families())


def test_family_is_shown_as_the_yaml_that_describes_it() -> None:
    for name, family in families().items():
        console = Console(width=300, record=True)
        print_family(console, name)
        assert type(family).model_validate(yaml.safe_load(console.export_text())) == family
