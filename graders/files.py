"""Grades a file of responses, a chunk at a time."""

import json
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from hipo_data.graders.golds import GoldError, parse_gold
from hipo_data.graders.grader import Grader
from hipo_data.schemas.grading import GradeRequest, GradingConfig
from hipo_data.schemas.records import Grade, Kind, Status

CHUNK = 256
MAX_LINE = 64 << 20
GRADED = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("extracted", pa.string()),
        pa.field("tests_passed", pa.int64()),
        pa.field("tests_total", pa.int64()),
        pa.field("cpu_ms", pa.float64(), nullable=False),
        pa.field("wall_ms", pa.float64(), nullable=False),
    ]
)

_Row = tuple[str, dict[str, Any] | str]
"""An id (or place in the file) and a row, or the reason why there is none."""


def grade_file(in_path: str | Path, out_path: str | Path, config: GradingConfig) -> dict[str, int]:
    """Grades rows of id, kind, question, gold, response into rows of `GRADED`; returns how many got each status.

    JSON Lines or Parquet by the names' endings. `gold` is in any shape that `parse_gold` reads. A row that cannot be
    read or used comes out as `unknown` with its reason, under its id, or as `line N` where it has none. The output
    appears when it is complete. Raises `SandboxUnavailable`, `OSError`, and `ValueError` for an unknown ending.
    """
    source, target = Path(in_path), Path(out_path)
    rows = _read(source)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    counts = dict.fromkeys((status.value for status in Status), 0)
    try:
        with Grader(config) as grader, _writer(target.suffix, partial) as write:
            while chunk := list(islice(rows, CHUNK)):
                graded = [_line(name, grade) for name, grade in _grade(grader, chunk)]
                for row in graded:
                    counts[row["status"]] += 1
                write(graded)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return counts


def _grade(grader: Grader, chunk: list[_Row]) -> Iterator[tuple[str, Grade]]:
    prepared = [(name, _request(name, row)) for name, row in chunk]
    grades = iter(grader.grade([item for _, item in prepared if isinstance(item, GradeRequest)]))
    for name, item in prepared:
        yield name, next(grades) if isinstance(item, GradeRequest) else item


def _request(name: str, row: dict[str, Any] | str) -> GradeRequest | Grade:
    if isinstance(row, str):
        return _refused(row)
    missing = [field for field in ("kind", "gold", "response") if row.get(field) is None]
    if missing:
        return _refused(f"missing_{missing[0]}")
    if row["kind"] not in tuple(Kind):
        return _refused("unknown_kind")
    if not isinstance(row["response"], str):
        return _refused("bad_response")
    try:
        gold = parse_gold(row["kind"], row["gold"])
        return GradeRequest(
            id=name, kind=row["kind"], question=str(row.get("question") or ""), gold=gold, response=row["response"]
        )
    except GoldError as error:
        return _refused(error.reason)
    except ValidationError:
        return _refused("bad_row")


def _refused(reason: str) -> Grade:
    return Grade(status=Status.UNKNOWN, reason=reason, grader="file/1")


def _line(name: str, grade: Grade) -> dict[str, Any]:
    return {"id": name} | {field: value for field, value in grade.model_dump(mode="json").items() if field != "grader"}


def _read(path: Path) -> Iterator[_Row]:
    if path.suffix == ".parquet":
        return _named(row for batch in pq.ParquetFile(path).iter_batches(CHUNK) for row in batch.to_pylist())
    if path.suffix in (".jsonl", ".json", ".ndjson"):
        return _named(_lines(path))
    raise ValueError(f"{path}: expected a name that ends in .jsonl or .parquet")


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE):
            if len(line) >= MAX_LINE and not line.endswith(b"\n"):
                while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                    pass
                yield "line_too_long"
            elif line.strip():
                try:
                    yield json.loads(line.decode("utf-8", "replace"))
                except (ValueError, RecursionError):
                    yield "bad_json"


def _named(rows: Iterable[Any]) -> Iterator[_Row]:
    for number, row in enumerate(rows, start=1):
        if isinstance(row, dict) and row.get("id") is not None:
            yield str(row["id"]), row
        elif isinstance(row, dict):
            yield f"line {number}", "missing_id"
        else:
            yield f"line {number}", row if isinstance(row, str) and row in ("bad_json", "line_too_long") else "bad_row"


class _writer:
    """Appends rows to a Parquet or JSON Lines file."""

    def __init__(self, suffix: str, path: Path) -> None:
        if suffix not in (".parquet", ".jsonl", ".json", ".ndjson"):
            raise ValueError(f"{path}: expected a name that ends in .jsonl or .parquet")
        self._parquet = pq.ParquetWriter(path, GRADED) if suffix == ".parquet" else None
        self._text = None if self._parquet else path.open("w", encoding="utf-8")

    def __enter__(self) -> Any:
        return self._write

    def __exit__(self, *_: object) -> None:
        if self._parquet:
            self._parquet.close()
        if self._text:
            self._text.flush()
            os.fsync(self._text.fileno())
            self._text.close()

    def _write(self, rows: list[dict[str, Any]]) -> None:
        if self._parquet:
            self._parquet.write_table(pa.Table.from_pylist(rows, schema=GRADED))
        if self._text:
            self._text.writelines(json.dumps(row) + "\n" for row in rows)
