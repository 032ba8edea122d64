"""The tables of a run as they lie in its directory, for whoever looks into it."""

from collections.abc import Sequence

import polars as pl
from pydantic import ValidationError

from hipo_data.pipeline.graph.nodes import INGEST, PRIOR, PUBLISH
from hipo_data.pipeline.graph.states import load_present_manifests, lost_manifests, shards_of
from hipo_data.pipeline.store.files import scan_tables
from hipo_data.pipeline.store.manifest import Output, read_manifest
from hipo_data.pipeline.store.run_dir import read_run
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.whole import check_all, whole_bytes, whole_table
from hipo_data.schemas.arrow import from_table
from hipo_data.schemas.config import RECORDED, RunConfig
from hipo_data.schemas.errors import DamagedError, UserError
from hipo_data.schemas.records import Prior
from hipo_data.stages.publish.statistics import Statistics
from hipo_data.stages.select.prior import Priors

ROWS = "rows"
STATISTICS = "publish/statistics.json"
_TRAINED_ON = ("sft", "preference", "groups")


class RunFiles:
    """A run by its files, as they are when this is made; `unlisted` and `damaged` as `load_manifests` has them.

    What gives tables raises `DamagedError` where one is not as it was written.
    """

    def __init__(
        self,
        run_dir: RunPath,
        config: RunConfig,
        *,
        unlisted: bool = False,
        damaged: list[DamagedError] | None = None,
    ) -> None:
        self.run_dir = run_dir
        self.config = config
        self.manifests = load_present_manifests(run_dir, unlisted=unlisted, damaged=damaged, modes=config.roles.modes)
        self._checked: set[Output] = set()
        self.shards = shards_of(self.manifests.get(INGEST.name))

    def path(self, folder: str, shard: str, label: str = ROWS) -> RunPath | None:
        """A table of a finished piece of work, null before it is finished. Problems lie in the folder `ingest`."""
        output = self._output(folder, shard, label)
        return existing(self.run_dir / output.path) if output else None

    def _output(self, folder: str, shard: str, label: str) -> Output | None:
        ingest = folder == INGEST.stage
        manifest = self.manifests.get(INGEST.name if ingest else f"{folder}/{shard}")
        return manifest.outputs.get(shard if ingest else label) if manifest else None

    def paths(self, folder: str, label: str = ROWS, shards: Sequence[str] | None = None) -> list[RunPath]:
        """The tables of all finished shards, or of those among `shards`, in the order of problem ids."""
        found = [self.path(folder, shard, label) for shard in (self.shards if shards is None else shards)]
        return [path for path in found if path is not None]

    def scan(self, folder: str, label: str = ROWS, shards: Sequence[str] | None = None) -> pl.LazyFrame | None:
        """The tables of `paths` as one, null where there is none."""
        return self.scan_outputs(self.outputs(folder, label, shards))

    def outputs(self, folder: str, label: str = ROWS, shards: Sequence[str] | None = None) -> list[Output]:
        """What the manifests say of the same tables."""
        found = [self._output(folder, shard, label) for shard in (self.shards if shards is None else shards)]
        return [output for output in found if output is not None]

    def scan_outputs(self, outputs: Sequence[Output]) -> pl.LazyFrame | None:
        """Tables of one schema that manifests name, null where there is none; each is checked once."""
        check_all((self.run_dir / each.path, each) for each in outputs if each not in self._checked)
        self._checked.update(outputs)
        return scan_tables([self.run_dir / each.path for each in outputs]) if outputs else None


def open_run(run_dir: RunPath, damaged: list[DamagedError] | None = None) -> RunFiles:
    """A run with the config it had last. Raises `UserError` where it is none or has other keys, `DamagedError`.

    With a list `damaged`, what is wrong with manifests goes there, and the run is what the others say.
    """
    try:
        config = RunConfig.model_validate(read_run(run_dir)["config"], context=RECORDED)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(
            f"{run_dir}/run.json was written by another version of hipo-data ('{'.'.join(map(str, first['loc']))}': "
            f"{first['msg']}); run again with this version to look into it"
        ) from error
    files = RunFiles(run_dir, config, damaged=damaged)
    for lost in lost_manifests(run_dir, files.manifests):
        if damaged is None:
            raise lost
        damaged.append(lost)
    return files


def existing(path: RunPath) -> RunPath:
    """The path itself. Raises `UserError` where a file that a manifest names is gone."""
    if not path.exists():
        raise UserError(f"{path} is missing; run again to make it anew")
    return path


def read_priors(files: RunFiles) -> Priors | None:
    """What `select.rule: posterior` was decided under; null under any other rule, and before there is anything."""
    manifest = files.manifests.get(PRIOR.name) if files.config.select.by_posterior else None
    if manifest is None:
        return None
    output = manifest.outputs[ROWS]
    return Priors(tuple(from_table(whole_table(files.run_dir / output.path, output), Prior)))


def read_statistics(run_dir: RunPath) -> Statistics:
    """The figures of the last publish. Raises `FileNotFoundError` before there is one, `DamagedError`."""
    path, manifest = run_dir / STATISTICS, read_manifest(PUBLISH.path(run_dir, ".json"))
    written = manifest.beside.get(STATISTICS) if manifest else None
    try:
        return Statistics.model_validate_json(whole_bytes(path, written) if written else path.read_bytes())
    except ValidationError as error:
        raise DamagedError(path, "holds no figures") from error


def examples_in(run_dir: RunPath) -> int:
    """Rows that the last publish wrote to train on, of whatever kind; prompts for reinforcement learning are none."""
    manifest = read_manifest(run_dir / PUBLISH.stage / f"{PUBLISH.shard}.json")
    outputs = manifest.outputs.items() if manifest else ()
    return sum(output.rows for name, output in outputs if any(f"/{part}/" in name for part in _TRAINED_ON))
