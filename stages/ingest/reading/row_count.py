"""How many rows a file has: counted where it is small, else by its first part."""

from dataclasses import dataclass

from hipo_data.stages.ingest.reading import csv_rows, json_array, json_lines, parquet_rows
from hipo_data.stages.ingest.reading.files import SourceFile
from hipo_data.stages.ingest.reading.formats import Format, content_of
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError

_COUNTED = 32 * 2**20
"""Bytes of a file that are read."""
_PIECE = 2**20


@dataclass(frozen=True)
class RowCount:
    """Rows of a file, or about as many."""

    rows: int
    exact: bool


def count_rows(file: SourceFile) -> RowCount:
    """The rows of a file, blank lines and broken rows included; none where it cannot be read. Raises `SourceError`."""
    try:
        with file.open() as opened:
            size = opened.seek(0, 2)
            opened.seek(0)
            content = content_of(opened, file.format_name)
            rows = 0
            match content.format:
                case Format.PARQUET:
                    return RowCount(parquet_rows.rows_in(content.file), True)
                case Format.CSV | Format.TSV:
                    delimiter = "," if content.format is Format.CSV else "\t"
                    for records in csv_rows.record_blocks(content.file, delimiter, _PIECE):
                        rows += len(records.records)
                        if opened.tell() >= _COUNTED:
                            break
                case Format.JSON_ARRAY | Format.JSON_LINES:
                    array = content.format is Format.JSON_ARRAY
                    read = json_array.element_blocks if array else json_lines.line_blocks
                    for lines in read(content.file, _PIECE):
                        rows += len(lines.line_ends) + (not lines.data.endswith(b"\n"))
                        if opened.tell() >= _COUNTED:
                            break
            reached = opened.tell()
    except UnreadableFileError:
        return RowCount(0, False)
    if _COUNTED <= reached < size:
        return RowCount(round(rows * size / reached), False)
    return RowCount(rows, True)
