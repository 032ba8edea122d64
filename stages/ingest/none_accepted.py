"""Sources that give no problem at all, and why in one sentence: a wrong column is in every row the same."""

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from hipo_data.figures.plural import counted
from hipo_data.stages.ingest.origins import Origin
from hipo_data.stages.ingest.reading.blocks import blocks, columns_of
from hipo_data.stages.ingest.reading.columns import DETAIL, REFUSED
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError
from hipo_data.stages.ingest.rows import read_rows

_ENOUGH_ROWS = 20_000
_SHOWN = 12


@dataclass
class Taken:
    """What became of the rows of one source as they were read, before those of all sources are merged."""

    rows: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Rows by reason code."""
    words: dict[str, str] = field(default_factory=dict)
    """Why the first of them was, by reason code."""

    def add(self, rows: int, accepted: int, refused: pl.DataFrame) -> None:
        """Counts rows, of which those in `refused` have the columns refused and refused_detail."""
        self.rows += rows
        self.accepted += accepted
        for reason, detail in refused.select(REFUSED, DETAIL).iter_rows():
            self.refused[reason] += 1
            self.words.setdefault(reason, detail)


@dataclass(frozen=True)
class FirstLook:
    """What the first rows of a source say."""

    why_none: str | None
    """Why no row of them is accepted, where none is."""
    whole: bool
    """Whether those are all its rows."""
    rows: int = 0
    accepted: int = 0
    """Of those rows."""


def first_look(origin: Origin) -> FirstLook:
    """Reads until a row is accepted, or some thousand are not. Raises `SourceError`."""
    taken = Taken()
    for file in origin.files:
        try:
            for block in blocks(file, origin.reader.columns):
                read = read_rows(block, origin.reader)
                taken.add(read.rows, len(read.accepted), read.refused)
                if taken.accepted:
                    return FirstLook(None, False, taken.rows, taken.accepted)
                if taken.rows >= _ENOUGH_ROWS:
                    return FirstLook(why_none(origin, taken, "the first "), False, taken.rows)
        except UnreadableFileError as error:
            taken.add(1, 0, refused_file(file.label, error))
    return FirstLook(why_none(origin, taken), True, taken.rows)


def refused_file(label: str, error: UnreadableFileError) -> pl.DataFrame:
    """The refusal that stands for the rest of a file."""
    return pl.DataFrame({REFUSED: ["unreadable_file"], DETAIL: [f"{label} {error}"]})


def why_none(origin: Origin, taken: Taken, of: str = "") -> str:
    """The sentence for a source of which no row is accepted: which column is missing and which there are, or else the
    reasons.
    """
    where = _names([file.label for file in origin.files], 3)
    if not taken.rows:
        return f"{where} of source {origin.dataset}: there is no row in it"
    said = f"0 of {of}{counted(taken.rows, 'row')} of {where} kept"
    for file in origin.files:
        columns = columns_of(file)
        missing = [path for path in origin.reader.required if not _has(columns, path)]
        if columns and missing:
            names = " and ".join(f"'{path}'" for path in missing)
            which = "columns" if len(missing) > 1 else "column"
            hint = "; say which it is under the source's 'columns'" if hasattr(origin.reader.config, "columns") else ""
            are = "are" if len(missing) > 1 else "is"
            return f"{said}: {which} {names} {are} missing; the file has {_names(columns, _SHOWN)}{hint}"
    reasons = [f"{reason} {rows:,} ({taken.words[reason]})" for reason, rows in taken.refused.most_common(3)]
    return f"{said}: {', '.join(reasons)}"


def _has(columns: list[str], path: str) -> bool:
    return path in columns or ("." in path and path.partition(".")[0] in columns)


def _names(names: list[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
