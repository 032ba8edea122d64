"""The package holds what it should, can be imported from anywhere, and every dependency is pinned."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

NAME = re.compile(r"[A-Za-z0-9._-]+")


@pytest.fixture(scope="module")
def pyproject(repo_root: Path) -> dict[str, Any]:
    return tomllib.loads((repo_root / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def rooms(repo_root: Path) -> list[str]:
    return sorted(path.name for path in (repo_root / "src" / "hipo_data").iterdir() if path.is_dir())


def test_every_dependency_is_pinned_without_addresses(repo_root: Path, pyproject: dict[str, Any]) -> None:
    lines = [line for line in (repo_root / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[A-Za-z0-9.!]+", line) for line in lines)
    pinned = {line.partition("==")[0] for line in lines}
    extras = pyproject["project"]["optional-dependencies"]
    wanted = [*pyproject["project"]["dependencies"], *(d for name in extras if name != "gpu" for d in extras[name])]
    names = {re.sub(r"[-_.]+", "-", NAME.match(line)[0]).lower() for line in wanted}
    assert names <= pinned, f"`make constraints` is due: {sorted(names - pinned)}"


def test_rooms_are_imported_from_this_checkout_in_any_folder(repo_root: Path, rooms: list[str], tmp_path: Path) -> None:
    for name in rooms:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')")
    code = (
        f"from hipo_data import {', '.join(rooms)}; print(*({', '.join(f'{r}.__file__' for r in rooms)},), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(repo_root / "src/hipo_data" / room / "__init__.py") for room in rooms]


def test_console_script_is_installed() -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="hipo-data")
    assert callable(script.load())


@pytest.mark.slow
def test_wheel_holds_all_rooms_and_their_data_and_nothing_else(
    repo_root: Path, rooms: list[str], tmp_path: Path
) -> None:
    uv = Path(sys.executable).parent / "uv"
    build = [str(uv), "build", "--offline", "--wheel", "--no-build-isolation", "--python", sys.executable]
    done = subprocess.run(
        [*build, "--out-dir", str(tmp_path), str(repo_root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    wanted = {"hipo_data/__init__.py", "hipo_data/py.typed"} | {
        f"hipo_data/{path.relative_to(repo_root).as_posix()}"
        for room in [*rooms, "recipes"]
        for path in (repo_root / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == wanted
    assert any(name.endswith(".j2") for name in held)
