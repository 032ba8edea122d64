"""A model's identity: what changes it and what does not."""

import shutil
from pathlib import Path

import pytest

from hipo_data.engines.identity import model_identity, model_name
from hipo_data.schemas.config import OpenAIEngine, ReplayEngine, VllmEngine

MIB = 2**20


@pytest.fixture
def folder(repo_root: Path, tmp_path: Path) -> Path:
    """A copy of the embedded teacher, with the further files that other tokenizers bring."""
    copy = tmp_path / "teacher"
    shutil.copytree(repo_root / "models" / "tiny-hybrid", copy)
    (copy / "merges.txt").write_text("a b\n")
    (copy / "vocab.txt").write_text("a\n")
    return copy


def identity(folder: Path) -> str:
    return model_identity(VllmEngine(type="vllm", model=str(folder)))


def grow(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 1]))


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "merges.txt",
        "vocab.txt",
    ],
)
def test_any_file_of_the_model_changes_its_identity(folder: Path, name: str) -> None:
    before = identity(folder)
    path = folder / name
    flip(path, path.stat().st_size // 2)
    changed = identity(folder)
    path.unlink()
    assert len({before, changed, identity(folder)}) == 3


@pytest.mark.parametrize("name", ["README.md", "README", "LICENSE", "LICENSE.txt", "NOTICE.txt", ".gitattributes"])
def test_files_about_the_model_do_not(folder: Path, name: str) -> None:
    before = identity(folder)
    (folder / name).write_text("something else")
    assert identity(folder) == before


def test_same_model_elsewhere_is_the_same_model(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "deep" / "other-name"
    shutil.copytree(folder, elsewhere)
    linked = tmp_path / "linked"  # as the Hub's cache keeps a snapshot
    linked.mkdir()
    for path in folder.iterdir():
        (linked / path.name).symlink_to(path)
    assert identity(folder) == identity(elsewhere) == identity(linked)


def test_how_a_model_is_served_does_not_matter(folder: Path) -> None:
    other = VllmEngine(type="vllm", model=str(folder), tensor_parallel_size=2, replicas=3, args={"max_num_seqs": 8})
    assert model_identity(other) == identity(folder)


def test_renamed_file_changes_the_identity(folder: Path) -> None:
    before = identity(folder)
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    assert identity(folder) != before


@pytest.mark.parametrize("offset", [0, 16 * MIB + 5, 32 * MIB, 49 * MIB - 1])
def test_change_within_a_large_file_changes_the_identity(folder: Path, offset: int) -> None:
    """The size is no multiple of the stride, so that the end is looked at for itself."""
    weights = folder / "model.safetensors"
    grow(weights, 49 * MIB)
    before = identity(folder)
    flip(weights, offset)
    assert identity(folder) != before


def test_large_file_of_another_size_changes_the_identity(folder: Path) -> None:
    weights = folder / "model.safetensors"
    grow(weights, 49 * MIB)
    before = identity(folder)
    grow(weights, 50 * MIB)
    assert identity(folder) != before


def test_model_without_a_folder_is_known_by_name_and_revision() -> None:
    named = [
        VllmEngine(type="vllm", model="Qwen/Qwen3-8B"),
        VllmEngine(type="vllm", model="Qwen/Qwen3-8B", revision="abc"),
        VllmEngine(type="vllm", model="Qwen/Qwen3-4B"),
    ]
    assert len({model_identity(config) for config in named}) == 3
    assert model_name(named[0]) == "Qwen/Qwen3-8B"


def test_endpoint_is_known_by_its_model_even_where_a_folder_has_that_name(folder: Path) -> None:
    """The server's files are not ours to read, so a folder that happens to be here says nothing."""
    config = OpenAIEngine(type="openai", model=str(folder), base_url="http://localhost:1/v1")
    before = model_identity(config)
    flip(folder / "model.safetensors", 1000)
    assert model_identity(config) == before
    elsewhere = config.model_copy(update={"base_url": "http://localhost:2/v1"})
    assert model_identity(elsewhere) == before


def test_recorded_responses_are_known_by_their_content_and_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"question": "q", "responses": ["a"]}\n')
    config = ReplayEngine(type="replay", path=str(path))
    before = model_identity(config)
    assert model_identity(config.model_copy(update={"responses": ["other"]})) != before
    path.write_text('{"question": "q", "responses": ["b"]}\n')
    assert model_identity(config) != before
    path.unlink()
    assert model_identity(config)  # the engine is the one to say that the file is missing
