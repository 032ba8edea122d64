"""The import direction between rooms holds, and the check that says so can fail."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOMS = ("schemas", "prompts", "engines", "graders", "stages", "pipeline", "trainer", "models")
ALLOWED = {
    "schemas": set(),
    "prompts": {"schemas"},
    "engines": {"schemas", "prompts"},
    "graders": {"schemas"},
    "stages": {"schemas", "prompts", "engines", "graders"},
    "pipeline": {"schemas", "prompts", "engines", "graders", "stages"},
    "trainer": {"schemas", "prompts", "graders"},
    "models": {"schemas", "prompts"},
}
FORBIDDEN = [(room, other) for room in ROOMS for other in ROOMS if other != room and other not in ALLOWED[room]]


def lint_imports(folder: Path, config: Path) -> subprocess.CompletedProcess[str]:
    """Runs import-linter over the packages in `folder`, and over nothing else of ours."""
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
def empty_rooms(tmp_path: Path) -> Path:
    """A folder with every room, each an empty package."""
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    return tmp_path


def test_rooms_keep_the_import_direction(repo_root: Path) -> None:
    done = lint_imports(repo_root, repo_root / "pyproject.toml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_is_checked(repo_root: Path) -> None:
    config = tomllib.loads((repo_root / "pyproject.toml").read_text())
    assert sorted(config["tool"]["importlinter"]["root_packages"]) == sorted(ROOMS)
    assert sorted(config["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == sorted(ROOMS)
    assert sorted(config["tool"]["mypy"]["packages"]) == sorted(ROOMS)


def test_all_allowed_imports_together_pass(repo_root: Path, empty_rooms: Path) -> None:
    for room, others in ALLOWED.items():
        (empty_rooms / room / "user.py").write_text("".join(f"import {other}\n" for other in sorted(others)))
    done = lint_imports(empty_rooms, repo_root / "pyproject.toml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_import_against_the_direction_is_caught(repo_root: Path, empty_rooms: Path) -> None:
    for room, other in FORBIDDEN:
        (empty_rooms / room / f"uses_{other}.py").write_text(f"def late() -> None:\n    import {other}\n")
    done = lint_imports(empty_rooms, repo_root / "pyproject.toml")
    assert done.returncode == 1, done.stdout + done.stderr
    missed = [pair for pair in FORBIDDEN if f"{pair[0]}.uses_{pair[1]} -> {pair[1]}" not in done.stdout]
    assert not missed, done.stdout
