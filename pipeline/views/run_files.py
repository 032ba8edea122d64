"""The tables of a run as they lie in its directory, for whoever looks into it."""

from collections.abc import Sequence

import polars as pl
from pydantic import ValidationError

from hipo_data.pipeline.graph.nodes import INGEST, PRIOR, PUBLISH
from hipo_data.pipeline.graph.states import load_present_manifests, shards_of
from hipo_data.pipeline.store.files import read_table, scan_tables
from hipo_data.pipeline.store.manifest import read_manifest
from hipo_data.pipeline.store.run_dir import read_run
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.schemas.arrow import from_table
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Prior
from hipo_data.stages.publish.statistics import Statistics
from hipo_data.stages.select.prior import Priors

ROWS = "rows"
_TRAINED_ON = ("sft", "preference", "groups")


class RunFiles:
    """A run by its files, as they are when this is made; `unlisted` as `load_manifests` has it."""

    def __init__(self, run_dir: RunPath, config: RunConfig, *, unlisted: bool = False) -> None:
        self.run_dir = run_dir
        self.config = config
        self.manifests = load_present_manifests(run_dir, unlisted=unlisted)
        self.shards = shards_of(self.manifests.get(INGEST.name))

    def path(self, folder: str, shard: str, label: str = ROWS) -> RunPath | None:
        """A table of a finished piece of work, null before it is finished. Problems lie in the folder `ingest`."""
        ingest = folder == INGEST.stage
        manifest = self.manifests.get(INGEST.name if ingest else f"{folder}/{shard}")
        output = manifest.outputs.get(shard if ingest else label) if manifest else None
        return existing(self.run_dir / output.path) if output else None

    def paths(self, folder: str, label: str = ROWS, shards: Sequence[str] | None = None) -> list[RunPath]:
        """The tables of all finished shards, or of those among `shards`, in the order of problem ids."""
        found = [self.path(folder, shard, label) for shard in (self.shards if shards is None else shards)]
        return [path for path in found if path is not None]

    def scan(self, folder: str, label: str = ROWS, shards: Sequence[str] | None = None) -> pl.LazyFrame | None:
        """The tables of `paths` as one, null where there is none."""
        paths = self.paths(folder, label, shards)
        return scan_tables(paths) if paths else None


def open_run(run_dir: RunPath) -> RunFiles:
    """A run with the config it was last run with. Raises `UserError` where there is none, or one of other keys."""
    try:
        config = RunConfig.model_validate(read_run(run_dir)["config"])
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(
            f"{run_dir}/run.json was written by another version of hipo-data ('{'.'.join(map(str, first['loc']))}': "
            f"{first['msg']}); run again with this version to look into it"
        ) from error
    return RunFiles(run_dir, config)


def existing(path: RunPath) -> RunPath:
    """The path itself. Raises `UserError` where a file that a manifest names is gone."""
    if not path.exists():
        raise UserError(f"{path} is missing; run again to make it anew")
    return path


def read_priors(files: RunFiles) -> Priors | None:
    """What `select.rule: posterior` was decided under; null under any other rule, and before there is anything."""
    path = files.path(PRIOR.folder, PRIOR.shard) if files.config.select.by_posterior else None
    return Priors(tuple(from_table(read_table(path), Prior))) if path is not None else None


def read_statistics(run_dir: RunPath) -> Statistics:
    """The figures of the last publish. Raises `FileNotFoundError` before there is one."""
    return Statistics.model_validate_json((run_dir / "publish" / "statistics.json").read_bytes())


def examples_in(run_dir: RunPath) -> int:
    """Rows that the last publish wrote to train on, of whatever kind; prompts for reinforcement learning are none."""
    manifest = read_manifest(run_dir / PUBLISH.stage / f"{PUBLISH.shard}.json")
    outputs = manifest.outputs.items() if manifest else ()
    return sum(output.rows for name, output in outputs if any(f"/{part}/" in name for part in _TRAINED_ON))
