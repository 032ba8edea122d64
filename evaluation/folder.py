"""The folder of an evaluation: what decides its rows, and which of them are still missing."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hipo_data.evaluation.result import Settings
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import embedded
from hipo_data.schemas.records import FinishReason, Mode
from hipo_data.schemas.without_secrets import shown_config

SETTINGS_FILE = "settings.json"
_BLOCKS, _BLOCK = 64, 1 << 16


def claim(out: Path, settings: Settings) -> None:
    """Makes `out` the folder of these settings. Raises `UserError` where it holds rows of others, and names them."""
    if not any((out / "rows").glob("*.parquet")):  # such as after a model that could not be loaded
        write_text(out / SETTINGS_FILE, settings.model_dump_json(indent=2))
        return
    before = read_settings(out)
    if before is None:
        raise UserError(f"{out} holds rows, but no {SETTINGS_FILE} that says of what; choose another folder")
    now, then = _deciding(settings), _deciding(before)
    other = [name for name in now if now[name] != then[name]]
    if other:
        said = ", ".join(f"{name} {then[name]!r} and not {now[name]!r}" for name in other)
        raise UserError(f"{out} holds another evaluation, with {said}; choose another folder")


def read_settings(out: Path) -> Settings | None:
    """The settings of a folder, null where there are none. Raises `UserError` where another version wrote them."""
    path = out / SETTINGS_FILE
    if not path.is_file():
        return None
    try:
        return Settings.model_validate_json(path.read_bytes())
    except ValueError as error:
        raise UserError(f"{path} was written by another version; choose another folder") from error


def piece_path(out: Path, seed: int, forced: Mode | None) -> Path:
    """Where the rows of one seed and way of asking lie."""
    return out / "rows" / f"{forced.value if forced else 'free'}-seed{seed}.parquet"


def done_rows(path: Path) -> pl.DataFrame | None:
    """The rows of a piece whose requests did not fail; null where the piece is missing."""
    if not path.is_file():
        return None
    rows = pl.read_parquet(path).filter(pl.col("finish_reason") != FinishReason.ERROR.value)
    return rows if "options" in rows.columns else rows.with_columns(options=pl.lit(None, pl.Int64))


def write_rows(rows: pl.DataFrame, path: Path) -> None:
    """Writes a file that is there or is not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    rows.write_parquet(aside, compression="zstd")
    _into_place(aside, path)


def write_text(path: Path, text: str) -> None:
    """Writes a file that is there or is not."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file that is there or is not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    aside.write_bytes(content)
    _into_place(aside, path)


def model_hash(model: str) -> str | None:
    """Tells one set of weights in a folder from another: SHA-256 of sizes and of blocks spread over each file.

    Null for what is no folder here.
    """
    folder = Path(embedded(model))
    if not folder.is_dir():
        return None
    hashed = hashlib.sha256()
    for path in sorted(folder.glob("*")):
        if path.suffix not in (".safetensors", ".bin", ".json", ".jinja") or not path.is_file():
            continue
        size = path.stat().st_size
        hashed.update(f"{path.name}:{size};".encode())
        with path.open("rb") as file:
            for start in np.unique(np.linspace(0, max(size - _BLOCK, 0), _BLOCKS, dtype=np.int64)):
                file.seek(int(start))
                hashed.update(file.read(_BLOCK))
    return hashed.hexdigest()


def _deciding(settings: Settings) -> dict[str, Any]:
    """All but names of places: problems may move to another file, and a model to another address."""
    said = settings.model_dump(exclude={"problems", "repeated"})
    said["backend_details"] = shown_config(said["backend_details"])
    said["backend_details"].pop("base_url", None)
    return said


def _into_place(aside: Path, path: Path) -> None:
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(aside, path)
