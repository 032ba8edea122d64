"""Files of a run in S3-compatible storage.

An object appears whole, in one request, or it is not there: no write needs a rename. Credentials come from where the
AWS tools take them (`AWS_ACCESS_KEY_ID` and others, a profile, the machine's role), in each process for itself, and
never travel with a path.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
from fsspec.asyn import sync
from upath import UPath

from hipo_data.schemas.errors import StorageError

_TRIES = 10
"""Of a request. The library waits up to 1, 2, 4 … 256 s in between, four minutes on average: storage that is away for
a minute is not noticed."""
_SCAN_RETRIES = 9
_AT_ONCE = 64
_REFUSED = (401, 403)
_FAILS = 500
_OF_POLARS = "object-store error"


def remote_path(url: str) -> UPath:
    """The path of `s3://bucket/prefix`."""
    return _path(url, _TRIES)


def impatient(path: UPath) -> UPath:
    """The same path for requests that are better repeated by the caller."""
    once = _path(str(path), 1)
    once.fs.retries = 1
    return once


def reach(path: UPath) -> None:
    """Raises `StorageError` at once where a later request could only fail after minutes: no such host, wrong keys."""
    once = impatient(path)
    bucket, key, _ = once.fs.split_path(once.path)
    for wait_s in (1, 2, None):
        try:
            once.fs.call_s3("list_objects_v2", Bucket=bucket, Prefix=f"{key}/", MaxKeys=1)
            return
        except (OSError, BotoCoreError) as error:
            found, cause = in_words(error), error.__cause__
            if isinstance(cause, ClientError) and _status(cause) >= _FAILS:
                return  # may pass; the requests that follow are patient
            if found is None:
                raise
            if isinstance(cause, ClientError) or wait_s is None:
                raise found from error
            time.sleep(wait_s)


def _path(url: str, tries: int) -> UPath:
    # Where a standard quota of retries is shared by all requests of a process, a short outage uses it up.
    own: Any = {} if "AWS_MAX_ATTEMPTS" in os.environ else {"retries": {"mode": "legacy", "total_max_attempts": tries}}
    waits = {"connect_timeout": 10, "read_timeout": 10 if tries == 1 else 60}
    config = {**own, **waits, "max_pool_connections": _AT_ONCE}
    return UPath(url, protocol="s3", use_listings_cache=False, config_kwargs=config)


def put(path: UPath, data: bytes) -> None:
    """Makes the object hold `data`. Beyond 100 MB in several requests, of which the last makes it appear."""
    path.fs.pipe_file(path.path, data)


def upload(path: UPath, file: Path) -> None:
    """Makes the object hold a file's content, like `put`."""
    path.fs.put_file(str(file), path.path)


def download(path: UPath, file: Path) -> None:
    """Makes a local file hold an object's content."""
    path.fs.get_file(path.path, str(file))


def read_many(paths: Sequence[UPath]) -> Iterator[tuple[UPath, bytes]]:
    """The objects that are there, in order, fetched some dozens at a time."""
    for start in range(0, len(paths), _AT_ONCE):
        batch = paths[start : start + _AT_ONCE]
        found = batch[0].fs.cat([path.path for path in batch], on_error="return")
        for path in batch:
            data = found.get(path.path)
            if isinstance(data, bytes):
                yield path, data
            elif not isinstance(data, FileNotFoundError):
                raise data or FileNotFoundError(str(path))


def sizes(folder: UPath) -> dict[str, int]:
    """Bytes of all objects below, by their paths within it."""
    start = len(folder.path) + 1
    return {name[start:]: int(info["size"]) for name, info in folder.fs.find(folder.path, detail=True).items()}


def remove(paths: Sequence[UPath]) -> None:
    """Deletes objects; those that are gone are none the worse."""
    if len(paths) == 1:
        paths[0].fs.rm_file(paths[0].path)
    elif paths:
        paths[0].fs.rm([path.path for path in paths])


def scan(paths: Sequence[UPath], **options: Any) -> pl.LazyFrame:
    """Parquet files as one table; only the columns and row groups that are asked for are fetched."""
    fs = paths[0].fs
    fs.connect()
    client = fs.s3.meta
    storage: Any = {
        "aws_endpoint_url": client.endpoint_url,
        "aws_region": client.region_name or "us-east-1",
        "aws_allow_http": "true",
        "max_retries": _SCAN_RETRIES,
    }
    return pl.scan_parquet(
        [str(path) for path in paths], storage_options=storage, credential_provider=_keys(fs), **options
    )


def _keys(fs: Any) -> Callable[[], Any]:
    """What Polars asks for keys: those of the file system, so that both have the same."""

    def provide() -> tuple[dict[str, str], None]:
        found = sync(fs.loop, fs.session.get_credentials)
        if found is None:
            raise NoCredentialsError()
        keys = sync(fs.loop, found.get_frozen_credentials)
        named = {"aws_access_key_id": keys.access_key, "aws_secret_access_key": keys.secret_key}
        return named | ({"aws_session_token": keys.token} if keys.token else {}), None

    return provide


def in_words(error: BaseException) -> StorageError | None:
    """An error of the storage as a sentence; null for any other error."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return StorageError(
            "there are no credentials for the storage: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE "
            "for hipo-data and its workers; finished work is kept"
        )
    cause = error if isinstance(error, ClientError | BotoCoreError) else error.__cause__
    if isinstance(error, FileNotFoundError) and code_of(cause) != "NoSuchBucket":
        return None
    if _OF_POLARS in str(error):
        return StorageError(
            f"the storage fails a read: {' '.join(str(error).split())[:300]}; finished work is kept, run again to go on"
        )
    if isinstance(cause, ClientError):
        return StorageError(_refusal(cause))
    if isinstance(cause, BotoCoreError):
        return StorageError(f"the storage does not answer: {_plain(cause)}; finished work is kept, run again to go on")
    return None


def code_of(error: BaseException | None) -> str:
    """The name that S3 gives an error; empty for any other error."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _refusal(error: ClientError) -> str:
    said = error.response.get("Error", {})
    code, message, status = code_of(error), str(said.get("Message", "")), _status(error)
    reason = f"{code}: {' '.join(message.split())[:200]}".strip(": ")
    if code == "RequestTimeTooSkewed":
        return "the storage refuses requests from a machine whose clock is wrong; set it, and run again"
    if status in _REFUSED or "Token" in code:
        return (
            f"the storage refuses these credentials ({reason}); give valid ones that may list, read, write and delete "
            "there (AWS_ACCESS_KEY_ID and others), and run again, finished work is kept"
        )
    if code == "NoSuchBucket":
        return "there is no such bucket; make it, or correct the address of the run"
    return f"the storage fails ({reason or status}); finished work is kept, run again to go on"


def _plain(error: BotoCoreError) -> str:
    return " ".join(str(error).split())[:300]
