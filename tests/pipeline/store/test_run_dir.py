"""Which commit a run says that it was made with."""

import subprocess
from pathlib import Path

import pytest

from hipo_data.pipeline.store import run_dir
from hipo_data.pipeline.store.run_dir import git_commit_of
from tests.conftest import ROOT


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"]
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Somebody's repository with one commit, of code.py."""
    git(tmp_path, "init")
    (tmp_path / "code.py").write_text("1\n")
    git(tmp_path, "add", "code.py")
    git(tmp_path, "commit", "-m", "code")
    return tmp_path


def test_tracked_code_has_the_commit_of_its_checkout_and_says_where_files_differ(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "HEAD")
    assert git_commit_of(checkout / "code.py") == head
    (checkout / "code.py").write_text("2\n")
    assert git_commit_of(checkout / "code.py") == f"{head}-dirty"


@pytest.mark.parametrize("ignored", [True, False])
def test_a_package_installed_within_somebody_s_checkout_does_not_have_their_commit(
    checkout: Path, ignored: bool
) -> None:
    if ignored:
        (checkout / ".gitignore").write_text(".venv/\n")
    installed = checkout / ".venv/lib/hipo_data/pipeline/store/run_dir.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("1\n")
    assert git_commit_of(installed) is None


def test_code_that_is_reached_through_a_link_has_the_commit_of_what_it_points_to(checkout: Path) -> None:
    """As rooms of an editable install are."""
    (checkout / "room").mkdir()
    (checkout / "room/code.py").write_text("1\n")
    (checkout / "package").mkdir()
    (checkout / "package/room").symlink_to("../room")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-m", "room")
    assert git_commit_of(checkout / "package/room/code.py") == git(checkout, "rev-parse", "HEAD")


def test_code_outside_of_any_checkout_has_none(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("1\n")
    assert git_commit_of(tmp_path / "code.py") is None


def test_this_checkout_is_known() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("the project is not a git checkout here")
    assert (git_commit_of(Path(run_dir.__file__)) or "").removesuffix("-dirty") == git(ROOT, "rev-parse", "HEAD")
