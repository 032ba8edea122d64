"""The objects in a file of another tool, whatever wraps them: lines, an array, one document, Parquet, or a zip."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from hipo_data.schemas.parquet_batches import bounded_batches
from hipo_data.stages.ingest.elsewhere import inspect_logs
from hipo_data.stages.ingest.elsewhere.rollout import Json, NotARolloutError
from hipo_data.stages.ingest.reading.formats import Format, content_of
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError

_ZIP = b"PK\x03\x04"
_BY_LINES = "rollouts.jsonl"
"""A name that leaves everything to the content."""
_ZSTD = 93
"""How zip calls it; Python's own `zipfile` knows it from 3.14 on."""
_LOCAL_HEADER = 30


def objects(file: BinaryIO) -> Iterator[Json | NotARolloutError]:
    """Every object of a seekable file; in the place of one that is none, what is wrong with it.

    Raises `UnreadableFileError` where the file is damaged, or a log of a version that is not known here.
    """
    head = file.read(4)
    file.seek(0)
    if head == _ZIP:
        yield from _zipped(file)
    elif head == b"PAR1":
        yield from _parquet(file)
    else:
        content = content_of(file, _BY_LINES)
        if content.format is Format.PARQUET:
            yield from _parquet(content.file)
        else:
            yield from _text(content.file)


def _text(file: BinaryIO) -> Iterator[Json | NotARolloutError]:
    first = file.readline()
    while first and not first.strip():
        first = file.readline()
    if first.strip() and not isinstance(_parsed(first), dict):  # a document over several lines, or an array
        document = _parsed(first + file.read())
        if isinstance(document, list):
            yield from (_object(each) for each in document)
            return
        if isinstance(document, dict):
            yield from _document(document)
            return
        raise UnreadableFileError("is neither JSON Lines nor one JSON document")
    if first.strip():
        yield from _document(_parsed(first))
    for line in file:
        if line.strip():
            yield _object(_parsed(line))


def _document(document: Any) -> Iterator[Json | NotARolloutError]:
    """An object, or the samples of a log that is one."""
    if not inspect_logs.is_log(document):
        yield document
        return
    _check_version(document)
    for sample in inspect_logs.samples(document):
        yield _object(sample)


def _check_version(log: Json) -> None:
    if log.get("version") not in inspect_logs.VERSIONS:
        known = " and ".join(map(str, inspect_logs.VERSIONS))
        raise UnreadableFileError(
            f"is an inspect log of version {log.get('version')}; versions {known} can be read: convert it by "
            "`inspect log convert` of an inspect_ai that writes one of those"
        )


def _parsed(text: bytes) -> Any:
    """What JSON says; an error in its place."""
    try:
        return json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return error


def _object(value: Any) -> Json | NotARolloutError:
    if isinstance(value, dict):
        return value
    if isinstance(value, Exception):
        return NotARolloutError("unreadable", f"{type(value).__name__}: {value}")
    return NotARolloutError("unreadable", f"a JSON object is expected, this is {type(value).__name__}")


def _parquet(file: BinaryIO) -> Iterator[Json]:
    try:
        for batch in bounded_batches(pq.ParquetFile(file), 1024):
            yield from batch.to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise UnreadableFileError(f"cannot be read as Parquet: {error}") from error


def _zipped(file: BinaryIO) -> Iterator[Json | NotARolloutError]:
    """The samples of an inspect log. One whose evaluation was cut short has no header at its end."""
    try:
        with zipfile.ZipFile(file) as log:
            there = {info.filename: info for info in log.infolist()}
            head = there.get("header.json") or there.get("_journal/start.json")
            if head is None:
                raise UnreadableFileError("is a zip archive and no log of inspect; unpack it")
            _check_version(json.loads(_member(file, log, head)))
            for name, info in there.items():
                if name.startswith("samples/"):
                    yield _object(_parsed(_member(file, log, info)))
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        if isinstance(error, UnreadableFileError):
            raise
        raise UnreadableFileError(f"is a damaged log of inspect: {error}") from error


def _member(file: BinaryIO, log: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.compress_type != _ZSTD:
        return log.read(info)
    file.seek(info.header_offset)
    header = file.read(_LOCAL_HEADER)
    file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), io.SEEK_CUR)
    data = file.read(info.compress_size)
    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
        return bytes(stream.read())
