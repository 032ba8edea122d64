"""What is installed holds what it should, runs anywhere and beside anything, and every dependency is pinned."""

import importlib.metadata
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import recorded_recipe

NAME = re.compile(r"[A-Za-z0-9._-]+")
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def pyproject(repo_root: Path) -> dict[str, Any]:
    return tomllib.loads((repo_root / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def rooms(repo_root: Path) -> list[str]:
    return sorted(path.name for path in (repo_root / "src" / "hipo_data").iterdir() if path.is_symlink())


@pytest.fixture(scope="module")
def tracked(repo_root: Path) -> list[str]:
    """Every file and link of the repository, also those that are not committed yet."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=repo_root, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in listed.split("\0") if name and os.path.lexists(repo_root / name))


def without_pythonpath() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "RAY_ADDRESS")}


def succeed(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=without_pythonpath(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_room_is_named_wherever_rooms_are(repo_root: Path, pyproject: dict[str, Any], rooms: list[str]) -> None:
    targets = pyproject["tool"]["hatch"]["build"]["targets"]
    data = ["recipes"]
    for target in ("wheel", "sdist"):
        named = set(targets[target]["only-include"])
        assert {"src/hipo_data/__init__.py", "src/hipo_data/py.typed", *rooms, *data} <= named, target
    moved = {name: f"hipo_data/{name}" for name in (*rooms, *data)}
    assert targets["wheel"]["sources"] == {"src": "", **moved}
    (makefile,) = re.findall(r"^ROOMS +:= (.*)$", (repo_root / "Makefile").read_text(), re.M)
    copied = re.findall(r"^COPY (\w+) \1/$", (repo_root / "deploy/Containerfile").read_text(), re.M)
    assert sorted(makefile.split()) == rooms
    assert sorted(copied) == sorted([*rooms, *data, "src", "scripts"])
    banned = pyproject["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
    assert sorted(banned) == rooms
    for room in rooms:
        assert (repo_root / "src/hipo_data" / room).readlink() == Path("../..", room)


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


@pytest.mark.parametrize(
    ("imports", "said"),
    [
        ("import hipo_data.schemas.keys, tests.support.commands", []),
        ("import schemas", ["schemas/__init__.py was loaded as schemas"]),
        (
            "import prompts.rendering, hipo_data.prompts.rendering",
            [
                "prompts/__init__.py was loaded as hipo_data.prompts and as prompts",
                "prompts/rendering.py was loaded as hipo_data.prompts.rendering and as prompts.rendering",
            ],
        ),
    ],
)
def test_a_file_that_is_loaded_under_a_wrong_name_is_noticed(repo_root: Path, imports: str, said: list[str]) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(repo_root)!r}); {imports}; from pathlib import Path;"
        f"from tests.support.modules import wrongly_loaded; print(*wrongly_loaded(Path({str(repo_root)!r})), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[:-1] == (said or [""]), done.stderr


def test_console_script_is_installed() -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="hipo-data")
    assert callable(script.load())


def checkout(folder: Path, repo_root: Path, tracked: list[str]) -> Path:
    """A copy of the checkout as it looks after a day's work: a run, caches, things that git ignores."""
    for name in tracked:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(repo_root / name, folder / name, follow_symlinks=False)
    for name in ("runs/mine/run.json", ".hypothesis/examples", ".mypy_cache/a", "notes.txt", "dist/old.whl"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    for room in ("schemas", "tests"):
        (folder / room / "__pycache__").mkdir()
        (folder / room / "__pycache__" / "a.cpython-311.pyc").touch()
    return folder


def build(folder: Path, out: Path, *targets: str) -> None:
    succeed(sys.executable, "-m", "hatchling", "build", "-d", out, *targets, cwd=folder)


def files_of_wheel(folder: Path) -> dict[str, bytes]:
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


def files_of_sdist(folder: Path) -> dict[str, bytes | None]:
    """Without the folder that holds them all; null for what is no file."""
    (path,) = folder.glob("*.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as sdist:
        return {
            member.name.partition("/")[2]: found.read() if (found := sdist.extractfile(member)) else None
            for member in sdist.getmembers()
        }


@pytest.fixture(scope="module")
def built(repo_root: Path, tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist and the wheel, built in a checkout that lies below no folder that its .gitignore names."""
    folder = checkout(tmp_path_factory.mktemp("checkout"), repo_root, tracked)
    (folder / ".gitignore").write_text((folder / ".gitignore").read_text().replace("/tmp/", ""))
    out = tmp_path_factory.mktemp("built")
    build(folder, out)
    return out


@pytest.mark.slow
def test_the_wheel_holds_all_rooms_the_recipes_and_the_teacher_and_no_other_name(
    built: Path, rooms: list[str], tracked: list[str]
) -> None:
    held = {name for name in files_of_wheel(built) if ".dist-info/" not in name}
    inside = [name for name in tracked if name.split("/")[0] in (*rooms, "recipes")]
    assert held == {f"hipo_data/{name}" for name in inside} | {"hipo_data/__init__.py", "hipo_data/py.typed"}
    assert {f"hipo_data/{room}/__init__.py" for room in rooms} <= held
    assert {"hipo_data/models/tiny-hybrid/model.safetensors", "hipo_data/recipes/quickstart.yaml"} <= held


@pytest.mark.slow
def test_the_sdist_holds_the_repository_and_nothing_else(built: Path, tracked: list[str]) -> None:
    left_out = (".ci/", ".pre-commit-config.yaml", "src/hipo_data/")
    wanted = {name for name in tracked if not name.startswith(left_out)}
    assert set(files_of_sdist(built)) == wanted | {"PKG-INFO", "src/hipo_data/__init__.py", "src/hipo_data/py.typed"}


@pytest.mark.slow
def test_the_wheel_of_the_sdist_is_the_wheel_of_the_checkout(built: Path, tmp_path: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    shutil.unpack_archive(sdist, tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    build(unpacked, tmp_path / "out", "-t", "wheel")
    assert files_of_wheel(tmp_path / "out") == files_of_wheel(built)


@pytest.mark.slow
def test_a_checkout_below_a_folder_that_gitignore_names_builds_the_same(
    built: Path, repo_root: Path, tracked: list[str], tmp_path: Path
) -> None:
    folder = checkout(tmp_path / "checkout", repo_root, tracked)
    with (folder / ".gitignore").open("a") as ignored:
        ignored.write(f"\n/{tmp_path.parts[1]}/\n")
    build(folder, tmp_path / "out")
    assert files_of_wheel(tmp_path / "out") == files_of_wheel(built)
    there, here = files_of_sdist(tmp_path / "out"), files_of_sdist(built)
    assert there.pop(".gitignore") != here.pop(".gitignore")
    assert there == here


def environment(folder: Path) -> Path:
    """An environment with this one's libraries and without its hipo-data, whose `.pth` file is read here alone."""
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    code = "import importlib.util as i, ray; print(i.find_spec('hipo_data'))"
    assert succeed(folder / "bin/python", "-P", "-c", code, cwd=folder) == "None\n"
    return folder / "bin"


def install(bin_folder: Path, *what: object) -> None:
    options = ["--quiet", "--offline", "--no-deps", "--no-build-isolation", "--no-cache"]
    succeed(UV, "pip", "install", *options, "--python", bin_folder / "python", *what, cwd=bin_folder)


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """Somebody's folder, with files of the rooms' names that are nobody's but theirs, and a recipe."""
    folder = tmp_path / "work"
    for name in ("pipeline.py", "schemas.py", "stages.py", "engines.py", "models/__init__.py", "prompts/__init__.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("raise SystemExit('the wrong module')")
    recorded_recipe(folder, problems=8)
    return folder


@pytest.mark.slow
def test_an_installed_wheel_runs_on_ray_in_a_folder_with_modules_of_the_rooms_names(
    built: Path, crowded: Path, tmp_path: Path
) -> None:
    commands = environment(tmp_path / "environment")
    install(commands, *built.glob("*.whl"))
    said = succeed(commands / "hipo-data", "run", "--config", "recipe.yaml", "--run-dir", "run", cwd=crowded)
    assert "8 → 7 examples" in said
    code = (
        "import hipo_data, hipo_data.pipeline.cli as cli; from hipo_data.schemas.packaged import embedded;"
        "print(hipo_data.__file__, cli.__file__, embedded('models/tiny-hybrid'))"
    )
    places = succeed(commands / "python", "-c", code, cwd=crowded).split()
    (package,) = (tmp_path / "environment").glob("lib/python*/site-packages/hipo_data")
    assert places == [str(package / name) for name in ("__init__.py", "pipeline/cli.py", "models/tiny-hybrid")]
    assert (package / "models/tiny-hybrid/model.safetensors").is_file()
    assert "quickstart" in succeed(commands / "hipo-data", "recipes", cwd=crowded)
    planned = succeed(commands / "hipo-data", "plan", "--config", "quickstart", cwd=crowded)
    assert "8 think-on and 8 think-off" in planned
    assert "eval" in succeed(commands / "hipo-data", "--help", cwd=crowded)


@pytest.mark.long
def test_an_editable_install_runs_there_too_and_is_the_checkout(
    crowded: Path, repo_root: Path, tracked: list[str], tmp_path: Path
) -> None:
    folder = checkout(tmp_path / "checkout", repo_root, tracked)
    commands = environment(tmp_path / "environment")
    install(commands, "--editable", folder)
    said = succeed(commands / "hipo-data", "run", "--config", "recipe.yaml", "--run-dir", "run", cwd=crowded)
    assert "8 → 7 examples" in said
    code = "import hipo_data.stages as stages; print(stages.__file__)"
    (place,) = succeed(commands / "python", "-c", code, cwd=crowded).split()
    assert place == str(folder / "src/hipo_data/stages/__init__.py")
    assert "quickstart" in succeed(commands / "hipo-data", "recipes", cwd=crowded)


@pytest.mark.long
def test_what_pages_tell_to_install_with_pip_is_installed(repo_root: Path, tracked: list[str], tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout", repo_root, tracked)
    pages = [folder / "README.md", *(folder / "docs").glob("*.md")]
    asked = {line for page in pages for line in re.findall(r"^pip install (\S+)", page.read_text(), re.M)}
    assert asked
    for number, what in enumerate(sorted(asked)):
        commands = environment(tmp_path / f"environment-{number}")
        pip = [sys.executable, "-m", "pip", "--python", commands / "python", "install", "--quiet"]
        succeed(*pip, "--no-deps", "--no-build-isolation", "--no-index", what.strip("'"), cwd=folder)
        assert succeed(commands / "hipo-data", "--version", cwd=tmp_path).startswith("hipo-data ")
