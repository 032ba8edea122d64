"""The recipe that init writes without data shows every key there is, with the default in force."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from hipo_data.pipeline.config_file import load_config
from hipo_data.pipeline.init_recipe.every_key import recipe
from hipo_data.schemas.config import OpenAIEngine, ReplayEngine, RoleConfig, RunConfig, VllmEngine
from hipo_data.schemas.errors import UserError
from hipo_data.stages.ingest.sources.table import TableSource

ENGINES = {"vllm": VllmEngine, "openai": OpenAIEngine, "embedded": VllmEngine, "replay": ReplayEngine}
KEY = re.compile(r"^( *)# ( *\w+:(?: .*)?)$", re.MULTILINE)
"""A key that is commented out."""


def models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in get_args(annotation) for model in models_in(part)]


def missing(model: type[BaseModel], tree: dict[str, Any], text: str, where: str = "") -> Iterator[str]:
    """Keys of a model that neither stand in the tree nor, for what is empty there, in the line of their key."""
    for name, field in model.model_fields.items():
        path = f"{where}{name}"
        if name not in tree:
            yield path
            continue
        for inner in models_in(field.annotation):
            if isinstance(tree[name], dict) and tree[name]:
                yield from missing(inner, tree[name], text, f"{path}.")
            else:
                line = next(line for line in text.splitlines() if line.strip("# ").startswith(f"{name}:"))
                yield from (f"{path}.{key}" for key in inner.model_fields if key not in line)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_key_of_the_schema_is_in_it(engine: str) -> None:
    text = KEY.sub(r"\1\2", recipe(engine))
    tree = yaml.safe_load(text)
    source, teacher, roles = tree["sources"][0], tree["engines"]["teacher"], tree["roles"]
    left = {name for name in RunConfig.model_fields if name not in tree}
    assert not left
    sections = {
        name: field for name, field in RunConfig.model_fields.items() if name not in ("sources", "engines", "roles")
    }
    found = [
        path
        for name, field in sections.items()
        for model in models_in(field.annotation)
        for path in missing(model, tree[name], text, f"{name}.")
    ]
    found += missing(TableSource, source, text, "sources.0.")
    found += missing(ENGINES[engine], teacher, text, "engines.teacher.")
    found += missing(RoleConfig, roles["think_on"], text, "roles.think_on.")
    assert found == []


@pytest.mark.parametrize("engine", ENGINES)
def test_it_is_valid_and_its_comments_are_the_defaults_in_force(
    engine: str, tmp_path: Path, repo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo_root)
    (tmp_path / "as_it_is.yaml").write_text(recipe(engine))
    (tmp_path / "all.yaml").write_text(KEY.sub(r"\1\2", recipe(engine)))
    config = load_config(tmp_path / "as_it_is.yaml", [])
    assert config.engines["teacher"].type == yaml.safe_load(recipe(engine))["engines"]["teacher"]["type"]
    assert load_config(tmp_path / "all.yaml", []) == config


def test_a_key_that_the_schema_gains_is_missed() -> None:
    class More(VllmEngine):
        speed: int = 1

    tree = yaml.safe_load(KEY.sub(r"\1\2", recipe("vllm")))["engines"]["teacher"]
    assert list(missing(More, tree, "")) == ["speed"]


@pytest.mark.parametrize(
    ("engine", "model", "url", "said"),
    [
        ("vlm", None, None, "--engine is one of embedded, vllm, openai, replay, not 'vlm'; did you mean vllm?"),
        ("vllm", None, "http://h/v1", "--url is the address of an endpoint, and --engine is vllm"),
        ("embedded", "m", None, "--model names a teacher, and --engine embedded takes none"),
        ("openai", "m", "localhost", "--url is no address"),
    ],
)
def test_an_engine_that_cannot_be_is_refused(engine: str, model: str | None, url: str | None, said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        recipe(engine, model, url)
