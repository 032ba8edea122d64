"""Versions of a run's dataset: what each publish changed, for the card and for whoever trained on an earlier one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, TypeAdapter

from hipo_data.pipeline.store.files import put_bytes, scan_tables
from hipo_data.pipeline.store.manifest import Output, read_manifest
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.schemas.config_file import differences
from hipo_data.schemas.keys import digest
from hipo_data.schemas.without_secrets import shown_config

_NO_CONTENT = ("watch", "ray", "budget", "run_dir", "check")
"""Parts of a config that say how a run goes, not what it makes."""
_SFT = "/sft/"
_KEPT = ["problem_id", "mode", "rollout_index"]


class Version(BaseModel):
    """A dataset as it was published once. Rows of preference and groups are not compared, only those of sft."""

    number: int
    date: str
    """Day of the publish, UTC."""
    digest: str
    """Of all data files."""
    examples: int
    new: int = 0
    """Problems with examples that the version before had none of."""
    gone: int = 0
    """The other way round."""
    other: int = 0
    """Problems in both, of which other responses are kept."""
    config: dict[str, Any]
    changes: list[str]
    """What differs from the config of the version before."""


_VERSIONS = TypeAdapter(list[Version])


def read_versions(run_dir: RunPath) -> list[Version]:
    """All so far, the first one first."""
    try:
        return _VERSIONS.validate_json((run_dir / "publish" / "versions.json").read_bytes())
    except FileNotFoundError:
        return []


def write_versions(run_dir: RunPath, versions: Sequence[Version]) -> None:
    """Keeps them with the run."""
    put_bytes(run_dir / "publish" / "versions.json", _VERSIONS.dump_json(list(versions), indent=1))


def with_next(
    before: Sequence[Version], run_dir: RunPath, aside: Path, outputs: dict[str, Output], config: dict[str, Any]
) -> list[Version]:
    """The versions so far and, where its data differ from the last one's, that of a dataset about to be published.

    Args:
        run_dir: where the last one's files lie still.
        aside: the folder with the new one's.
        outputs: data files of the new one.
        config: of the run, as JSON.
    """
    own = digest(sorted((name, output.sha256) for name, output in outputs.items()))
    last = before[-1] if before else None
    if last is not None and last.digest == own:
        return list(before)
    content = shown_config({key: value for key, value in config.items() if key not in _NO_CONTENT})
    new = gone = other = 0
    if last is not None:
        manifest = read_manifest(run_dir / "publish" / "all.json")
        old = [run_dir / name for name in manifest.outputs if _SFT in name] if manifest else []
        new, gone, other = _compared(_kept(old), _kept(sorted((aside / "sft").glob("*.parquet"))))
    made = Version(
        number=last.number + 1 if last else 1,
        date=datetime.now(UTC).date().isoformat(),
        digest=own,
        examples=sum(output.rows for name, output in outputs.items() if _SFT in name),
        new=new,
        gone=gone,
        other=other,
        config=content,
        changes=differences(last.config, content) if last else [],
    )
    return [*before, made]


def _kept(files: Sequence[RunPath]) -> pl.DataFrame:
    """A row a problem with what is kept of it, as one text."""
    rows = scan_tables(files).select(_KEPT) if files else pl.LazyFrame(schema=dict.fromkeys(_KEPT, pl.String))
    each = pl.concat_str(pl.col(_KEPT[1:]).cast(pl.String), separator=" ").sort()
    return rows.group_by("problem_id").agg(each.str.join(",").alias("kept")).collect()


def _compared(old: pl.DataFrame, new: pl.DataFrame) -> tuple[int, int, int]:
    both = old.join(new, on="problem_id", suffix="_now")
    other = both.filter(pl.col("kept") != pl.col("kept_now")).height
    return new.height - both.height, old.height - both.height, other
