"""One JSON array of objects as the lines of a JSON Lines file, in bounded memory.

Where elements end is told by quotes and brackets alone; whether an element can be read is for the reader of lines to
say, element by element.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from hipo_data.stages.ingest.reading.json_lines import LONGEST_LINE, LineBlock
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+("|\\?\Z)|[][{},]', re.DOTALL)
"""A string, with the quote that closes it, or a sign that stands between values."""
_BLANK = b" \t\r\n"


def element_blocks(file: BinaryIO, size: int) -> Iterator[LineBlock]:
    """The elements of the array that a file begins with, a line each, in blocks of about `size` bytes.

    The numbers of lines are those of elements. Raises `UnreadableFileError` where the array is not closed, or something
    follows it.
    """
    first = 0
    lines: list[bytes] = []
    held = 0
    for line in _elements(file, size):
        if isinstance(line, UnreadableFileError):
            if lines:
                yield LineBlock(first, b"".join(lines))
            raise line
        lines.append(line)
        held += len(line)
        if held >= size:
            yield LineBlock(first, b"".join(lines))
            first, lines, held = first + len(lines), [], 0
    if lines:
        yield LineBlock(first, b"".join(lines))


def _elements(file: BinaryIO, size: int) -> Iterator[bytes | UnreadableFileError]:
    """Elements as lines, and last why the file ends otherwise than an array does."""
    buffer = b""
    while b"[" not in buffer and (part := file.read(size)):
        buffer += part
    buffer = buffer.partition(b"[")[2]
    start, at, depth, found = 0, 0, 0, 0
    while True:
        token = _TOKEN.search(buffer, at)
        if token is None or token[1] not in (None, b'"'):
            at = len(buffer) - start if token is None else token.start() - start
            part = file.read(max(size, len(buffer) - start))
            if not part:
                yield UnreadableFileError(
                    f"is cut off after {found:,} elements of its JSON array; fetch it again", found
                )
                return
            buffer, start = buffer[start:] + part, 0
            if len(buffer) > LONGEST_LINE:
                yield UnreadableFileError(
                    f"has an element of over {LONGEST_LINE} bytes in its JSON array, or quotes that do not close", found
                )
                return
            continue
        at = token.end()
        sign = token[0]
        if depth == 0 and sign in (b",", b"]"):
            element = buffer[start : token.start()].strip(_BLANK)
            if element or sign == b"," or found:
                # A line feed outside of strings is as good as a carriage return, and within one as wrong.
                yield (element or b",").replace(b"\n", b"\r") + b"\n"
                found += 1
            start = at
            if sign == b"]":
                if any(part.strip(_BLANK) for part in (buffer[at:], *iter(lambda: file.read(size), b""))):
                    yield UnreadableFileError("has more text after the end of its JSON array", found)
                return
        elif sign in (b"[", b"{"):
            depth += 1
        elif sign in (b"]", b"}"):
            depth = max(0, depth - 1)
