"""The import direction between rooms and inside them holds, and the check that says so can fail."""

import itertools
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ALLOWED: dict[str, set[str]] = {
    "figures": {"schemas"},
    "schemas": set(),
    "prompts": {"figures", "schemas"},
    "engines": {"figures", "schemas", "prompts"},
    "graders": {"figures", "schemas"},
    "stages": {"figures", "schemas", "prompts", "engines", "graders"},
    "trainer": {"figures", "schemas", "prompts", "graders"},
    "evaluation": {"figures", "schemas", "prompts", "engines", "graders"},
    "models": {"figures", "schemas", "prompts"},
    "pipeline": {"figures", "schemas", "prompts", "engines", "graders", "stages"},
    "reproduce": {
        "figures", "schemas", "prompts", "engines", "graders", "stages", "trainer", "evaluation", "pipeline", "models",
    },
}  # fmt: skip
ROOMS = tuple(ALLOWED)
FORBIDDEN = [(room, other) for room in ROOMS for other in ROOMS if other != room and other not in ALLOWED[room]]


def lint_imports(folder: Path, config: Path) -> subprocess.CompletedProcess[str]:
    """Runs import-linter over the package in `folder`, and over nothing else of ours."""
    script = (
        "import sys; sys.path.insert(0, sys.argv.pop(1));"
        "from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    return subprocess.run(
        [sys.executable, "-P", "-c", script, str(folder), "--config", str(config), "--no-cache"],
        cwd=folder,
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def contracts(repo_root: Path) -> list[dict[str, Any]]:
    """All contracts."""
    found = tomllib.loads((repo_root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert isinstance(found, list)
    return found


@pytest.fixture
def empty_house(tmp_path: Path, contracts: list[dict[str, Any]]) -> Path:
    """A folder with every room and sub-room that a contract names, each an empty package."""
    (tmp_path / "hipo_data").mkdir()
    (tmp_path / "hipo_data" / "__init__.py").touch()
    for contract in contracts:
        if contract["type"] == "layers":
            for room in layers(contract):
                folder = tmp_path / contract["containers"][0].replace(".", "/") / room
                folder.mkdir(exist_ok=True)
                (folder / "__init__.py").touch()
    return tmp_path


def layers(contract: dict[str, Any]) -> list[str]:
    """The rooms of a contract, those above first."""
    return [room.strip() for layer in contract["layers"] for room in layer.split("|")]


def test_rooms_keep_the_import_direction(repo_root: Path) -> None:
    done = lint_imports(repo_root, repo_root / "pyproject.toml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_is_checked_packed_and_typed(repo_root: Path, contracts: list[dict[str, Any]]) -> None:
    config = tomllib.loads((repo_root / "pyproject.toml").read_text())
    linked = sorted(path.name for path in (repo_root / "src" / "hipo_data").iterdir() if path.is_symlink())
    assert linked == sorted(ROOMS)
    assert sorted(layers(contracts[0])) == sorted(ROOMS)
    packed = config["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert {name for name in packed if not name.startswith("src/")} == {*ROOMS, "recipes"}
    assert config["tool"]["mypy"]["packages"] == ["hipo_data"]


def test_all_allowed_imports_together_pass(repo_root: Path, empty_house: Path) -> None:
    for room, others in ALLOWED.items():
        inside = "cli" if room in ("pipeline", "trainer") else "publish" if room == "stages" else "."
        text = "".join(f"import hipo_data.{other}\n" for other in sorted(others))
        (empty_house / "hipo_data" / room / inside / "user.py").write_text(text)
    done = lint_imports(empty_house, repo_root / "pyproject.toml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_import_against_the_direction_is_caught(repo_root: Path, empty_house: Path) -> None:
    for room, other in FORBIDDEN:
        inside = "cli" if room in ("pipeline", "trainer") else "publish" if room == "stages" else ""
        folder = empty_house / "hipo_data" / room / inside
        (folder / f"uses_{other}.py").write_text(f"def late() -> None:\n    import hipo_data.{other}\n")
    done = lint_imports(empty_house, repo_root / "pyproject.toml")
    assert done.returncode == 1, done.stdout + done.stderr
    missed = [pair for pair in FORBIDDEN if f".uses_{pair[1]} -> hipo_data.{pair[1]}" not in done.stdout]
    assert not missed, done.stdout


def test_every_import_against_the_way_inside_a_room_is_caught(
    repo_root: Path, empty_house: Path, contracts: list[dict[str, Any]]
) -> None:
    wrong = []
    for contract in contracts:
        if contract["type"] == "layers" and contract["containers"] != ["hipo_data"]:
            room = contract["containers"][0]
            order = layers(contract)
            for above, below in itertools.pairwise(order):
                wrong.append(f"{room}.{below}.uses_{above} -> {room}.{above}")
                folder = empty_house / room.replace(".", "/") / below
                (folder / f"uses_{above}.py").write_text(f"import {room}.{above}\n")
    done = lint_imports(empty_house, repo_root / "pyproject.toml")
    assert wrong and done.returncode == 1, done.stdout + done.stderr
    said = " ".join(done.stdout.split())  # without its line breaks
    assert not [arrow for arrow in wrong if arrow not in said], done.stdout


def test_names_without_the_package_are_refused(repo_root: Path, tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text('"""A user."""\n\nimport schemas\nfrom pipeline.cli import main\n')
    ruff = Path(sys.executable).with_name("ruff")
    command = [str(ruff), "check", "--config", str(repo_root / "pyproject.toml"), "--output-format", "concise"]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout.count("TID251") == 2, done.stdout + done.stderr
