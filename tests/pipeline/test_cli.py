"""What the command line has beside its commands: the version, completion of names in a shell."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hipo_data.pipeline.cli import app
from hipo_data.schemas.errors import UserError
from tests.support.commands import COMMAND, fail, hipo_data, succeed
from tests.support.made_up_run import make_run


def script_of(shell: str, cwd: Path) -> str:
    """What `--show-completion` prints in a shell; which one is told here, and found out elsewhere."""
    told = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [COMMAND, "--show-completion", shell]
    return subprocess.run(command, cwd=cwd, env=told, capture_output=True, text=True, check=True).stdout


def completed(shell: str, words: str, cwd: Path) -> str:
    """What a shell is offered for a line whose last word is not whole."""
    asked = {"bash": {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}}
    own = asked.get(shell, {"_TYPER_COMPLETE_ARGS": words}) | {"_HIPO_DATA_COMPLETE": f"complete_{shell}"}
    return subprocess.run([COMMAND], cwd=cwd, env=os.environ | own, capture_output=True, text=True, check=True).stdout


def test_version_is_one_line(tmp_path: Path) -> None:
    assert succeed("--version", cwd=tmp_path) == f"hipo-data {version('hipo-data')}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_gets_its_script_and_the_names_of_commands_and_recipes(shell: str, tmp_path: Path) -> None:
    script = script_of(shell, tmp_path)
    assert "hipo-data" in script and f"complete_{shell}" in script
    (tmp_path / "quiz.yaml").touch()
    (tmp_path / "quiz.txt").touch()
    names = completed(shell, "hipo-data e", tmp_path)
    assert all(name in names for name in ("explain", "export", "eval"))
    offered = completed(shell, "hipo-data run --config qui", tmp_path)
    assert "quickstart" in offered and "quiz.yaml" in offered and "quiz.txt" not in offered


def test_the_script_of_bash_completes_in_bash(tmp_path: Path) -> None:
    script = script_of("bash", tmp_path)
    asks = 'COMP_WORDS=(hipo-data pl); COMP_CWORD=1; _hipo_data_completion "$0" pl hipo-data; echo "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{asks.replace('$0', str(COMMAND))}"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "plan\n"


@pytest.mark.parametrize("command", ["check", "doctor", "plan", "run"])
def test_a_recipe_of_the_package_goes_by_its_name_and_a_near_one_is_offered(command: str) -> None:
    done = CliRunner().invoke(app, [command, "--config", "quikstart"])
    assert isinstance(done.exception, UserError)
    assert str(done.exception).startswith(
        "there is neither a file nor a recipe 'quikstart'; did you mean 'quickstart'?"
    )
    known = CliRunner().invoke(app, [command, "--config", "quickstart", "--set", "select.delta=2"])
    assert "recipes/quickstart.yaml: 'select.delta'" in str(known.exception)


def test_completion_needs_no_heavy_import(tmp_path: Path) -> None:
    code = (
        "import sys; from hipo_data.pipeline.commands.options import names_of_recipes;"
        "assert names_of_recipes('quick') == ['quickstart']; print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"ray", "polars", "pyarrow", "vllm", "torch", "datasets", "altair", "pydantic"} & set(loaded)


def test_a_run_with_nothing_to_do_does_not_import_ray(copy_of_finished_run: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "hipo_data.pipeline.cli"]
    command += ["run", "-c", "recipe.yaml", "--run-dir", "run"]
    done = subprocess.run(command, cwd=copy_of_finished_run, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Nothing to do: ")
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "polars" in imported
    assert not {each for each in imported if each == "ray" or each.startswith("ray.")}


def test_quiet_leaves_the_summary_alone_and_verbose_tells_of_each_piece(copy_of_finished_run: Path) -> None:
    again = ("run", "-c", "recipe.yaml", "--run-dir", "run")
    said = succeed(*again, cwd=copy_of_finished_run)
    quiet = hipo_data(*again, "-q", cwd=copy_of_finished_run)
    assert quiet.stdout.startswith("Nothing to do: ") and quiet.stderr == ""
    assert "Nothing to do: " in said and len(said.splitlines()) >= len(quiet.stdout.splitlines())
    verbose = hipo_data(*again, "-v", cwd=copy_of_finished_run)
    assert "debug pipeline.run.attempt: " in verbose.stderr and "Nothing to do: " in verbose.stdout
    assert "exclude each other" in fail(*again, "-q", "-v", cwd=copy_of_finished_run)


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_pieces_are_told_under_verbose_and_kept_back_under_quiet(copy_of_finished_run: Path) -> None:
    again = ("run", "-c", "recipe.yaml", "--run-dir", "run", "--stage", "select")
    quiet = hipo_data(*again, "--set", "select.delta=0.3", "-q", cwd=copy_of_finished_run)
    assert quiet.stdout.splitlines() == ["ran: select 4"] and quiet.stderr == ""
    verbose = hipo_data(*again, "--set", "select.delta=0.2", "-v", cwd=copy_of_finished_run)
    assert "changed since the last run: select.delta: 0.3 → 0.2" in verbose.stdout
    lines = verbose.stderr.splitlines()
    assert sum("debug pipeline.watch.progress: select/" in line and " began" in line for line in lines) == 4
    assert sum("debug pipeline.watch.progress: select/" in line and " ended: " in line for line in lines) == 4
    assert any("select/" in line and "is to be done: " in line for line in lines)
    assert any("debug pipeline.ray_session: Ray " in line for line in lines)


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    make_run(tmp_path / "run", 4, n=1, bits=0)
    (tmp_path / "file").touch()
    for within in ("/proc/pages", tmp_path / "file" / "pages"):
        done = hipo_data("view", tmp_path / "run", "--html", within, cwd=tmp_path)
        assert done.returncode == 1 and done.stderr.count("\n") == 1
        assert done.stderr.startswith(f"error: {within}") and ": No" in done.stderr


def test_a_folder_of_runs_names_them(tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "mine", 4, n=1, bits=0)
    assert "there are runs within it: runs/mine" in fail("status", "runs", cwd=tmp_path)


def test_doctor_overrides_nothing_without_a_recipe(tmp_path: Path) -> None:
    assert "give that with --config too" in fail("doctor", "--set", "select.delta=0.2", cwd=tmp_path)
