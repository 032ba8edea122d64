"""What comes with the package is found by name in any folder, and a file of one's own of that name comes first."""

from pathlib import Path

import pytest

from hipo_data.engines.identity import model_identity, model_name
from hipo_data.pipeline.config_file import load_config
from hipo_data.pipeline.graph.fingerprints import Fingerprints
from hipo_data.pipeline.graph.nodes import INGEST, PUBLISH, shard_nodes
from hipo_data.schemas.config import VllmEngine
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import embedded, purpose, recipe_file, recipes
from hipo_data.schemas.tables import source_files
from tests.support.commands import fail, succeed

TEACHER = VllmEngine(type="vllm", model="models/tiny-hybrid")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that holds nothing of the project."""
    monkeypatch.chdir(tmp_path)


def test_every_recipe_of_the_folder_is_found_by_name_and_says_what_it_is_for(repo_root: Path) -> None:
    assert {path.stem: path for path in (repo_root / "recipes").iterdir()} == recipes()
    assert all(recipe_file(Path(name)) == path for name, path in recipes().items())
    assert all(20 < len(purpose(path)) < 200 for path in recipes().values())
    assert purpose(recipes()["reproduce"]).endswith("at equal budgets: `make reproduce`")


def test_a_recipe_by_name_is_the_recipe_by_path_in_a_checkout(repo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [INGEST, *shard_nodes("00-0000"), PUBLISH]
    by_name = load_config(Path("quickstart"), [])
    elsewhere = Fingerprints(by_name)
    parts = [elsewhere.parts(node, {}) for node in nodes]
    monkeypatch.chdir(repo_root)
    by_path = load_config(Path("recipes/quickstart.yaml"), [])
    assert by_name == by_path
    here = Fingerprints(by_path)
    assert [here.parts(node, {}) for node in nodes] == parts


def test_the_embedded_teacher_and_its_problems_are_found_in_any_folder(
    repo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = source_files("models/problems/*.train.jsonl")
    assert [path.name for path in files] == ["acereason_math.train.jsonl", "skywork_code.train.jsonl"]
    assert source_files("models/problems/skywork_code.train.jsonl") == files[1:]
    identity = model_identity(TEACHER)
    assert model_name(TEACHER) == "tiny-hybrid"
    monkeypatch.chdir(repo_root)
    assert model_identity(TEACHER) == identity
    assert embedded("models/tiny-hybrid") == "models/tiny-hybrid"


def test_what_lies_in_the_working_directory_comes_first(tmp_path: Path) -> None:
    own = tmp_path / "models" / "problems" / "own.jsonl"
    own.parent.mkdir(parents=True)
    own.touch()
    assert source_files("models/problems/*.jsonl") == [Path("models/problems/own.jsonl")]
    (tmp_path / "quickstart").write_text("name: mine")
    assert recipe_file(Path("quickstart")) == Path("quickstart")


@pytest.mark.parametrize(
    "path",
    ["models", "models/tiny", "models/tiny-hybrid-2", "models/problems/../make", "org/model", "/models/tiny-hybrid"],
)
def test_any_other_path_is_left_alone(path: str) -> None:
    assert embedded(path) == path


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="neither a file nor a recipe 'quikstart'; did you mean 'quickstart'"):
        recipe_file(Path("quikstart"))
    with pytest.raises(UserError, match=r"recipe 'zzz'; `hipo-data recipes` lists them"):
        recipe_file(Path("zzz"))


def test_the_command_lists_them_and_takes_their_names(tmp_path: Path) -> None:
    listed = succeed("recipes", cwd=tmp_path).splitlines()[1:]
    assert [line.split()[0] for line in listed] == list(recipes())
    assert "8 think-on and 8 think-off" in succeed("plan", "--config", "quickstart", cwd=tmp_path)
    assert "did you mean 'qwen3-server'" in fail("run", "--config", "qwen3-sever", cwd=tmp_path)
