"""Text in UTF-16 as UTF-8."""

import codecs
import io
import re
from typing import BinaryIO

_WITHOUT_MARK = {
    "utf-16-le": re.compile(rb"(?:[^\x00]\x00){4}", re.DOTALL),
    "utf-16-be": re.compile(rb"(?:\x00[^\x00]){4}", re.DOTALL),
}
"""Letters of ASCII, of which there are some at the start of any row."""
_MARKS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}


def wide_encoding(head: bytes) -> str | None:
    """`utf-16-le`, `utf-16-be`, or `utf-32` by its mark, as the first bytes of a file say; null for all others."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    return next(
        (name for name, mark in _MARKS.items() if head.startswith(mark) or _WITHOUT_MARK[name].match(head)), None
    )


def in_utf8(file: BinaryIO, encoding: str) -> BinaryIO:
    """A stream of `utf-16-le` or `utf-16-be` as UTF-8. Halves of pairs become bytes that cost their own row only."""
    return io.BufferedReader(_InUtf8(file, encoding), 2**20)


class _InUtf8(io.RawIOBase):
    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._first = True
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        while not self._waiting and (data := self._file.read(2**20)):
            text = self._decoder.decode(data)
            if self._first and text:
                text, self._first = text.removeprefix("\ufeff"), False
            self._waiting = text.encode("utf-8", "surrogatepass")
        if not self._waiting and self._decoder.getstate()[0]:
            self._decoder.reset()
            self._waiting = b"\xff"  # the last character was cut, and with it the last row
        given, self._waiting = self._waiting[: len(buffer)], self._waiting[len(buffer) :]
        buffer[: len(given)] = given
        return len(given)
