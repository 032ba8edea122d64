"""Versions of a run's dataset: what each publish changed, for the card and for whoever trained on an earlier one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from hipo_data.pipeline.store.files import scan_tables
from hipo_data.pipeline.store.manifest import Output, put_named, read_manifest
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.whole import check_all
from hipo_data.schemas.config_file import differences
from hipo_data.schemas.errors import DamagedError, UserError
from hipo_data.schemas.keys import digest
from hipo_data.schemas.without_secrets import shown_config

_NO_CONTENT = ("watch", "ray", "budget", "run_dir", "check")
"""Parts of a config that say how a run goes, not what it makes."""
_SFT = "/sft/"
_PATH = "publish/versions.json"
_KEPT = ["problem_id", "mode", "rollout_index"]


class Version(BaseModel):
    """A dataset as it was published once. Rows of preference and groups are not compared, only those of sft."""

    # A key beyond these may be a damaged one.
    model_config = ConfigDict(extra="forbid")
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
    check: str | None = None
    """Checksum of all the rest; null in what earlier versions of this program wrote."""


_VERSIONS = TypeAdapter(list[Version])


def read_versions(run_dir: RunPath) -> list[Version]:
    """All so far, the first one first. Raises `DamagedError` where one is not as it was written."""
    path = run_dir / _PATH
    try:
        found = _VERSIONS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return []
    except ValidationError as error:
        raise DamagedError(path, "holds no versions") from error
    for version in found:
        if version.check is not None and version.check != _checksum(version):
            raise DamagedError(path, f"holds a version {version.number} that does not fit its checksum")
    return found


def write_versions(run_dir: RunPath, versions: Sequence[Version]) -> Output:
    """Keeps them with the run; returns what the manifest says of the file."""
    checked = [version.model_copy(update={"check": _checksum(version)}) for version in versions]
    return put_named(run_dir, _PATH, _VERSIONS.dump_json(checked, indent=1))


def _checksum(version: Version) -> str:
    return digest(version.model_dump(mode="json", exclude={"check"}))


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
    changes: list[str] = []
    if last is not None:
        manifest = read_manifest(run_dir / "publish" / "all.json")
        named = [output for name, output in manifest.outputs.items() if _SFT in name] if manifest else []
        try:
            check_all((run_dir / output.path, output) for output in named)
        except UserError:
            changes = ["which problems changed is not known: the files of the version before were damaged"]
        else:
            old = [run_dir / output.path for output in named]
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
        changes=changes + (differences(last.config, content) if last else []),
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
