"""A memory limit for a whole sandbox, where this process may make control groups below its own."""

import contextlib
import os
import time
from itertools import count
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_NAME = "hipo-data"
_TRIES, _PAUSE_S = 20, 0.05
_numbers = count()


def make(limit: int) -> Path | None:
    """A new group of at most `limit` bytes, for processes whose ids are written to its `cgroup.procs`.

    None where no memory controller is delegated to this process.
    """
    for parent, names in _places():
        with contextlib.suppress(OSError):
            if "memory.max" in names and "memory" not in (parent / "cgroup.subtree_control").read_text().split():
                (parent / "cgroup.subtree_control").write_text("+memory")
            _remove_left(parent)
            group = parent / f"{_NAME}-{os.getpid()}-{next(_numbers)}"
            group.mkdir()
            try:
                for name in names:
                    (group / name).write_text(str(0 if "swap.max" in name else limit))
            except OSError:
                group.rmdir()
                raise
            return group
    return None


def remove(group: Path) -> None:
    """Removes a group whose processes have been ended; what has not quite gone after a second is left to `make`."""
    for _ in range(_TRIES):
        try:
            return group.rmdir()
        except FileNotFoundError:
            return None
        except OSError:
            time.sleep(_PAUSE_S)


def _remove_left(parent: Path) -> None:
    """Removes groups of processes that ended without doing so."""
    for group in parent.glob(f"{_NAME}-*-*"):
        if not Path(f"/proc/{group.name.split('-')[-2]}").exists():
            with contextlib.suppress(OSError):
                group.rmdir()


def _places() -> list[tuple[Path, list[str]]]:
    """Where groups could be made, and the files that limit them: version 2 of control groups, then version 1."""
    found: list[tuple[Path, list[str]]] = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        for base in (_ROOT, _ROOT / "unified") if number == "0" else ():
            if "memory" in _words(base / path.lstrip("/") / "cgroup.controllers"):
                found.insert(0, (base / path.lstrip("/"), ["memory.max", "memory.swap.max"]))
        if "memory" in controllers.split(","):
            found.append((_ROOT / "memory" / path.lstrip("/"), ["memory.limit_in_bytes"]))
    return found


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
