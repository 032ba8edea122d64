"""The shards of a published dataset, as rows for training."""

import hashlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from hipo_data.schemas.errors import UserError

Row = dict[str, Any]

PHASE = "phase"
"""Column of sft/ where training rows come in phases."""

_SFT = ("problem_id", "messages", "format")
_RL = ("data_source", "prompt", "ability", "reward_model", "extra_info")


def phases_of(folder: Path) -> list[int]:
    """The phases that training rows come in, in order; none where they do not."""
    found: set[int] = set()
    for shard in sorted((folder / "sft").glob("train-*.parquet")):
        if PHASE in pq.read_schema(shard).names:
            found.update(pq.read_table(shard, columns=[PHASE])[PHASE].unique().to_pylist())
    return sorted(found)


def sft_rows(folder: Path, split: str, format_name: str, phase: int | None = None) -> list[Row]:
    """The examples of a split: `problem_id` and `messages`; of the train split with `phase` those of that one.

    Raises `UserError` where there are none, or where they are in another format.
    """
    if phase is not None and split == "train":
        rows = [row for row in _rows(folder, "sft", split, (*_SFT, PHASE)) if row[PHASE] == phase]
    else:
        rows = _rows(folder, "sft", split, _SFT)
    other = next((row for row in rows if row["format"] != format_name), None)
    if other is not None:
        raise UserError(
            f"{folder}/sft holds responses in the {other['format']} format, the recipe says {format_name}; publish the "
            f"dataset with publish.format: {format_name}, or set format: {other['format']}"
        )
    return rows


def rl_rows(folder: Path, split: str) -> list[Row]:
    """The problems of a split, in verl's columns. Raises `UserError` where there are none."""
    return _rows(folder, "rl", split, _RL)


def fingerprint(folder: Path, kind: str) -> str:
    """Which data it is: digest of the shards' names, row counts and sizes."""
    digest = hashlib.sha256()
    for path in sorted((folder / kind).glob("*.parquet")):
        digest.update(f"{path.name} {pq.read_metadata(path).num_rows} {path.stat().st_size}\n".encode())
    return digest.hexdigest()[:16]


def _rows(folder: Path, kind: str, split: str, columns: tuple[str, ...]) -> list[Row]:
    if not (folder / kind).is_dir():
        raise UserError(f"{folder} is no published dataset: it has no folder {kind}/; `hipo-data run` makes one")
    shards = sorted((folder / kind).glob(f"{split}-*.parquet"))
    rows: list[Row] = []
    for shard in shards:
        missing = set(columns) - set(pq.read_schema(shard).names)
        if missing:
            raise UserError(f"{shard} has no column {', '.join(sorted(missing))}; publish the dataset anew")
        rows += pq.read_table(shard, columns=list(columns)).to_pylist()
    if not rows and split == "validation":
        raise UserError(
            f"{folder}/{kind} has an empty validation split; set evaluate_every: null, or publish with a larger "
            "ingest.validation_fraction"
        )
    if not rows:
        raise UserError(f"{folder}/{kind} has no rows to train on")
    return rows
