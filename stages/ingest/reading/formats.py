"""What a file of rows is: told by its content, and by its name where the content leaves it open."""

import io
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from hipo_data.stages.ingest.reading.compression import SUFFIXES, Ahead, compression_of, decompressed
from hipo_data.stages.ingest.reading.encodings import in_utf8, wide_encoding
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError

BY_NAME = (*SUFFIXES, ".csv", ".tsv", ".tab")
"""Ends of names that say more than Parquet or JSON Lines."""
FORMATS_VERSION = "2"
"""What rows of such files are read as; ingest's own version is that of the others."""
_HEAD = 4_096
_BLANK = b" \t\r\n"
_QUOTED = re.compile(rb'"[^"]*"')
_MARK = b"\xef\xbb\xbf"


class Format(Enum):
    """How rows stand in a file."""

    PARQUET = "Parquet"
    JSON_LINES = "JSON Lines"
    JSON_ARRAY = "JSON array"
    CSV = "CSV"
    TSV = "TSV"


@dataclass(frozen=True)
class Content:
    """A file's rows, decompressed and in UTF-8."""

    format: Format
    file: BinaryIO
    delimiter: str = ","
    """Of CSV, what stands between cells."""


_NEEDS_ANOTHER_STEP = {
    b"PK\x03\x04": "is a zip archive (or a spreadsheet); unpack it, or save it as CSV",
    b"7z\xbc\xaf\x27\x1c": "is a 7z archive; unpack it",
    b"Rar!\x1a\x07": "is a rar archive; unpack it",
    b"\x04\x22\x4d\x18": "is compressed with lz4; decompress it, or use zstd",
    b"\xff\x06\x00\x00sNaPpY": "is compressed with snappy; decompress it, or use zstd",
    b"\x1f\x9d": "is compressed with compress (.Z); decompress it, or use gzip",
    b"ARROW1\x00\x00": "is an Arrow file; write it as Parquet",
    b"Obj\x01": "is an Avro file; write it as Parquet",
    b"SQLite format 3": "is an SQLite database; write the table as Parquet or JSON Lines",
    b"%PDF-": "is a PDF, which has no rows",
    b"\x80\x04\x95": "is a Python pickle; write it as Parquet or JSON Lines",
    b"version https://git-lfs": "is the pointer of a Git LFS file and not the file; `git lfs pull` fetches that",
    b"<!DOCTYPE": "is a web page and not the file that was asked for; fetch it again",
    b"<html": "is a web page and not the file that was asked for; fetch it again",
}


def content_of(file: BinaryIO, name: str) -> Content:
    """The rows of a seekable file.

    Raises `UnreadableFileError` where it is cut off, damaged, or of a kind that another program has to change first.
    """
    path = PurePosixPath(name)
    if path.suffix == ".parquet":
        return Content(Format.PARQUET, file)
    head = _begin(file)
    compression = compression_of(head)
    if compression is None:
        if not head and path.suffix in SUFFIXES:
            raise UnreadableFileError(
                f"is empty, where a {SUFFIXES[path.suffix]} file has at least a head; fetch it again"
            )
        if head.startswith(b"PAR1"):
            return Content(Format.PARQUET, file)
    else:
        file = decompressed(file, compression)
        head = file.read(_HEAD)
        file = cast(BinaryIO, io.BufferedReader(Ahead(head, file), 2**20))
        if head.startswith(b"PAR1"):
            raise UnreadableFileError(
                f"is Parquet inside {compression}; decompress it, Parquet is compressed by itself"
            )
    for magic, what in _NEEDS_ANOTHER_STEP.items():
        if head.startswith(magic):
            raise UnreadableFileError(what)
    if head[257:262] == b"ustar":
        raise UnreadableFileError("is a tar archive; unpack it")
    encoding = wide_encoding(head)
    if encoding == "utf-32":
        raise UnreadableFileError("is text in UTF-32; save it in UTF-8")
    if encoding is not None:
        file = in_utf8(file, encoding)
        head = head.decode(encoding, "ignore").removeprefix("\ufeff").encode("utf-8", "ignore")
    while path.suffix in SUFFIXES:
        path = path.with_suffix("")
    head = head.removeprefix(_MARK)
    found = _of_text(head, path.suffix.lower())
    return Content(found, file, "\t" if found is Format.TSV else _delimiter(head))


def _begin(file: BinaryIO) -> bytes:
    head = file.read(_HEAD)
    file.seek(0)
    return head


def _delimiter(head: bytes) -> str:
    """A comma, or what the line of names has instead: spreadsheets write semicolons where numbers have a comma."""
    names = _QUOTED.sub(b"", head.lstrip(_BLANK)).partition(b"\n")[0]
    others = [sign for sign in (b";", b"\t", b"|") if sign in names]
    return "," if b"," in names or not others else max(others, key=names.count).decode()


def _of_text(head: bytes, suffix: str) -> Format:
    if suffix in (".csv", ".tsv", ".tab"):
        return Format.CSV if suffix == ".csv" else Format.TSV
    line = head.lstrip(_BLANK).partition(b"\n")[0].rstrip()
    by_name = suffix in (".jsonl", ".ndjson")
    one_line = suffix == ".json" and b"\n" not in head.strip(_BLANK)
    begins = line[:1] == b"[" and (one_line or line[1:].lstrip(_BLANK)[:1] in (b"{", b"]"))
    if line == b"[" or (begins and not by_name):
        return Format.JSON_ARRAY
    if line == b"{" and not by_name:
        raise UnreadableFileError(
            "is one JSON object over several lines; rows are objects of one line each, or a list of objects"
        )
    return Format.JSON_LINES
