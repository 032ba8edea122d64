"""Where a run lives: a folder of this machine, or a prefix in S3-compatible storage.

Code beneath takes either as it comes: both know `path / "name"`, `read_bytes`, `exists`, `glob`. What differs, writing
above all, is in `pipeline.store.files`; what needs a disk all the same lies in a `scratch` folder.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from hipo_data.schemas.errors import UserError

if TYPE_CHECKING:
    from upath import UPath

    RunPath: TypeAlias = Path | UPath
else:
    # Of those in storage only the annotations speak: importing their library takes a fifth of a second.
    RunPath = Path

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://.*", re.DOTALL)
_IN_S3 = re.compile(r"s3://([\w.-]+(?:/+[\w.=,@+:-]+)+)/*", re.ASCII)
"""Of the signs that keys may hold, those that mean nothing else to a listing or in an address."""
_SHOWN = 8


def run_path(where: Any) -> RunPath:
    """The path of a name such as `runs/x` or `s3://bucket/runs/x`; a path comes back as it is.

    Raises `UserError` for an address of another kind, and where the packages for storage are missing; `StorageError`
    where that cannot be reached, or refuses.
    """
    if not isinstance(where, str):
        path: RunPath = where
        return path
    if not _URL.fullmatch(where):
        return Path(where)
    url = _IN_S3.fullmatch(where)
    if url is None:
        raise UserError(
            f"'{where}' is no place for a run; give a folder, or s3://BUCKET/PREFIX in storage that speaks S3, of "
            "letters, digits and . _ - = , @ + : (AWS_ENDPOINT_URL says where, if it is not Amazon's)"
        )
    try:
        from hipo_data.pipeline.store import remote
    except ImportError as error:
        raise UserError(f"{where} needs the packages for S3: install hipo-data[s3] ({error})") from error
    found = remote.remote_path("s3://" + re.sub("/+", "/", url[1]))
    remote.reach(found)
    return found


def name_within(path: RunPath, folder: RunPath) -> str:
    """The path of a file relative to a folder that it is below."""
    return str(path).removeprefix(f"{folder}/")


def scratch(path: RunPath) -> Path:
    """Where what needs a local disk lies: the path itself, or for one in storage a folder of its own on this machine.

    The latter is below the folder for temporary files (`TMPDIR`), in one that is this user's alone. Raises `UserError`
    where that belongs to somebody else.
    """
    if isinstance(path, Path):
        return path
    own = Path(tempfile.gettempdir()) / f"hipo-data-{os.getuid()}"
    own.mkdir(mode=0o700, exist_ok=True)
    if own.stat().st_uid != os.getuid():
        raise UserError(f"{own} belongs to another user; remove it, or set TMPDIR to a folder of your own")
    url = str(path)
    name = re.sub(r"[^\w.-]", "_", path.name)
    return own / f"{name}-{sha256(url.encode()).hexdigest()[:_SHOWN]}"


@contextmanager
def storage_errors(path: RunPath) -> Iterator[None]:
    """Errors of the storage that `path` is in leave as a `StorageError`, which comes from a worker as it is."""
    try:
        yield
    except Exception as error:
        if isinstance(path, Path):
            raise
        from hipo_data.pipeline.store.remote import in_words

        if (found := in_words(error)) is not None:
            raise found from error
        raise
