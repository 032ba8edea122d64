"""The problems of a run that people have flagged, in a file that `select.exclude` names."""

from pathlib import Path

from filelock import FileLock

from hipo_data.pipeline.store.files import put_bytes
from hipo_data.pipeline.store.run_path import RunPath, run_path
from hipo_data.schemas.errors import UserError
from hipo_data.stages.select.exclusion import flags_text, parse_flags

FLAGS = "flagged.jsonl"
"""Its name in a run directory."""


def excluded(named: str | None) -> dict[str, str]:
    """Remarks by the id of each problem that `select.exclude` leaves out.

    Raises `UserError` where the file is not there or holds something else.
    """
    if named is None:
        return {}
    try:
        return read_flags(run_path(named))
    except FileNotFoundError as error:
        raise UserError(
            f"select.exclude names {named}, which is not there; flag a problem in `hipo-data view`, or drop the key out"
        ) from error
    except OSError as error:
        raise UserError(f"select.exclude names {named}, which cannot be read ({error.strerror or error})") from error


def read_flags(path: RunPath) -> dict[str, str]:
    """Remarks by problem id. Raises `FileNotFoundError`, and `UserError` where the file holds something else."""
    try:
        return parse_flags(path.read_bytes().decode())
    except ValueError as error:
        said = "is no UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise UserError(f"{path}: {said}; mend it, or move it away") from error


def put_flag(path: RunPath, problem_id: str, remark: str | None) -> None:
    """Adds a flag or changes its remark; without a remark, takes it away. Raises `UserError` like `read_flags`.

    On a disk one writer waits for another; in storage, whoever writes last wins.
    """
    if isinstance(path, Path):
        with FileLock(path.with_name(f".{path.name}.lock")):
            _put(path, problem_id, remark)
    else:
        _put(path, problem_id, remark)


def _put(path: RunPath, problem_id: str, remark: str | None) -> None:
    try:
        flags = read_flags(path)
    except FileNotFoundError:
        flags = {}
    if remark is None:
        flags.pop(problem_id, None)
    else:
        flags[problem_id] = remark
    put_bytes(path, flags_text(flags).encode())
