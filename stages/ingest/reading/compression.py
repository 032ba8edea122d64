"""Compressed files, told by their first bytes and read as streams, after a look whether they are whole."""

import bz2
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable
from typing import BinaryIO, cast

import pyarrow as pa

from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError

SUFFIXES = {".gz": "gzip", ".zst": "zstd", ".xz": "xz", ".bz2": "bzip2"}
"""What a name says of a file; its content has the last word."""
_MAGIC = {
    "gzip": re.compile(rb"\x1f\x8b\x08"),
    "zstd": re.compile(rb"(?:\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)", re.DOTALL),
    "xz": re.compile(rb"\xfd7zXZ\x00"),
    "bzip2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"),
}
_PIECE = 2**20


def compression_of(head: bytes) -> str | None:
    """What the first bytes of a file say that it is compressed by."""
    return next((name for name, magic in _MAGIC.items() if magic.match(head)), None)


def decompressed(file: BinaryIO, compression: str) -> BinaryIO:
    """What is in a compressed file, read once to its end before the first byte is given.

    Checksums stand at the end of what they are of, and a damaged file may well give wrong text before it; so no row is
    taken from one. Memory is that of a window of the compression.

    Raises:
        UnreadableFileError: where the file is cut off or damaged.
    """
    stream, size = _STREAMS[compression](file), 0
    try:
        while piece := stream.read(_PIECE):
            size += len(piece)
    except (EOFError, OSError, zlib.error, lzma.LZMAError, pa.ArrowException) as error:
        said = " ".join(str(error).split())
        raise UnreadableFileError(
            f"is cut off or damaged: its {compression} data cannot be read beyond {size:,} bytes of content, so none "
            f"of it is taken; fetch it again ({said})"
        ) from error
    file.seek(0)
    return _STREAMS[compression](file)


class _KeptOpen(io.RawIOBase):
    """A file that is read again after Arrow, which closes what it was given, has read it."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read  # type: ignore[method-assign]

    def readable(self) -> bool:
        return True


def _zstd(file: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, pa.CompressedInputStream(pa.PythonFile(_KeptOpen(file), mode="r"), "zstd"))


_STREAMS: dict[str, Callable[[BinaryIO], BinaryIO]] = {
    "gzip": lambda file: cast(BinaryIO, gzip.GzipFile(fileobj=file)),
    "zstd": _zstd,
    "xz": lambda file: cast(BinaryIO, lzma.LZMAFile(file)),  # noqa: SIM115 (whoever opened the file closes it)
    "bzip2": lambda file: cast(BinaryIO, bz2.BZ2File(file)),
}


class Ahead(io.RawIOBase):
    """A stream with some of its bytes read already, which come first again."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        """Fills `buffer` as far as there is something."""
        given = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(given) :] if self._head else b""
        buffer[: len(given)] = given
        return len(given)
