"""What is known of all problems of a run at once: narrow columns in memory; the texts stay in their files.

A file is taken as a run takes it: by its size, and by its checksum where it was changed after its manifest was written.
Whoever opens a problem has its shard's files held against their checksums (`pipeline.viewer.problem`).
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from hipo_data.pipeline.graph.nodes import INGEST, PUBLISH
from hipo_data.pipeline.store.files import scan_tables, sizes_in_storage
from hipo_data.pipeline.store.manifest import Output
from hipo_data.pipeline.store.run_path import RunPath, storage_errors
from hipo_data.pipeline.store.whole import objection
from hipo_data.pipeline.views.run_files import RunFiles
from hipo_data.pipeline.views.shown_priors import shown_priors
from hipo_data.schemas.errors import DamagedError, StorageError, UserError
from hipo_data.schemas.records import FinishReason, Mode, Status
from hipo_data.stages.select.prior import Priors

HEAD_CHARS = 600
"""Of a question, what is held for lists, which show less of it: formulas that begin there have to end there."""
DROPPED, UNDECIDED = "dropped", "undecided"
_TEXTS = ["mode", "rule", "drop_reason"]
_SIDES = ("on", "off")
_DECIDED: dict[str, pl.DataType | type[pl.DataType]] = {
    "problem_id": pl.String,
    **dict.fromkeys(_TEXTS, pl.String),
    **dict.fromkeys(["index", "chosen_tokens"], pl.Int64),
    **dict.fromkeys(["margin", "p_on", "p_off"], pl.Float64),
    **dict.fromkeys([f"{name}_{side}" for name in ("n", "right") for side in _SIDES], pl.Int64),
}
_ASKED: dict[str, pl.DataType | type[pl.DataType]] = {
    **dict.fromkeys(["problem_id", "kind", "source", "head"], pl.String),
    "difficulty": pl.Float64,
}
_ROLLOUT: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": pl.UInt32,
    "mode": pl.Enum([mode.value for mode in Mode]),
    "status": pl.Enum([status.value for status in Status]),
    "reason": pl.String,
    "finish": pl.Enum([reason.value for reason in FinishReason]),
    "tokens": pl.UInt32,
}
_PLACE: dict[str, pl.DataType | type[pl.DataType]] = {
    "place": pl.UInt32,
    **dict.fromkeys(["problem_id", "part", "file"], pl.String),
}
_KEY = ["problem_id", "index"]


class Index:
    """A run as it was when this was made. Frames are read when they are first asked for, by one thread.

    Raises `StorageError` where the storage that the run lives in fails.
    """

    def __init__(self, files: RunFiles, damaged: Iterable[DamagedError] = ()) -> None:
        self.files = files
        self.damaged = [str(error) for error in damaged]
        """A sentence for each file that is not as it was written; what it held is missing in the frames."""
        self._locks = {name: threading.Lock() for name in ("_problems", "_rollouts", "_places", "_priors")}

    @property
    def problems(self) -> pl.DataFrame:
        """A row a problem in the order of ids: `row`, `problem_id`, `kind`, `source` (the dataset of its first source
        row), `difficulty`, `head`; of its decision `mode` (null without one), `rule`, `drop_reason`, `index`,
        `chosen_tokens`, `margin`, `p_on`, `p_off`, `n_on` …; and `state`: the mode, `dropped` or `undecided`."""
        found: pl.DataFrame = self._once("_problems")
        return found

    @property
    def rollouts(self) -> pl.DataFrame:
        """A row a rollout: `row` of its problem, `mode`, `status` and `reason` (null before it is graded), `finish`,
        `tokens`."""
        found: pl.DataFrame = self._once("_rollouts")
        return found

    @property
    def places(self) -> pl.DataFrame:
        """Where problems stand in the dataset: `problem_id`, `part`, `file`, and `place`, the row of the file."""
        found: pl.DataFrame = self._once("_places")
        return found

    @property
    def priors(self) -> Priors | None:
        """What is said of how firm decisions are goes by these; null until `read`, since fitting them takes a while."""
        return self.__dict__.get("_priors")

    def read(self) -> None:
        """Reads all frames, so that nobody waits for one later."""
        for name in self._locks:
            self._once(name)

    def _once(self, name: str) -> Any:
        """A frame, read by the first who asks; others wait for it, and nobody for another frame."""
        if name not in self.__dict__:
            with self._locks[name]:
                return getattr(self, name)
        return getattr(self, name)

    @cached_property
    def _problems(self) -> pl.DataFrame:
        asked = self._read("ingest", _asked_of, _ASKED).with_row_index("row")
        decided = self._read("select", scan_tables, _DECIDED)
        state = pl.when(pl.col("rule").is_null()).then(pl.lit(UNDECIDED)).otherwise(pl.col("mode").fill_null(DROPPED))
        return asked.join(decided, on="problem_id", how="left", maintain_order="left").with_columns(state=state)

    @cached_property
    def _rollouts(self) -> pl.DataFrame:
        modes = self.files.config.roles.dear_first
        schema = _ROLLOUT | {"mode": pl.Enum([mode.value for mode in modes])}
        return pl.concat([self._read(f"sample.{mode}", partial(self._graded, mode), schema) for mode in modes])

    def _graded(self, mode: Mode, sampled: Sequence[RunPath]) -> pl.LazyFrame:
        rollouts = scan_tables(sampled).select(*_KEY, finish="finish_reason", tokens="completion_tokens")
        graded = self._whole(f"verify.{mode}", [path.name.partition(".")[0] for path in sampled])
        verdicts = [scan_tables(graded).select(*_KEY, "status", "reason")] if graded else []
        joined = _with_verdicts(*pl.collect_all([rollouts, *verdicts]))
        row = _rows_of(joined["problem_id"], self.problems)
        return joined.lazy().with_columns(row, mode=pl.lit(mode.value)).drop_nulls("row")

    @cached_property
    def _places(self) -> pl.DataFrame:
        manifest = self.files.manifests.get(PUBLISH.name)
        found = [pl.DataFrame(schema=_PLACE)]
        for name, output in sorted(manifest.outputs.items()) if manifest is not None else []:
            if name.startswith("dataset/") and name.endswith(".parquet") and self._is_whole(output, PUBLISH.name):
                found.append(self._collected(partial(_places_of, name), [self.files.run_dir / output.path], _PLACE))
        return pl.concat(found)

    @cached_property
    def _priors(self) -> Priors | None:
        try:
            with storage_errors(self.files.run_dir):
                return shown_priors(self.files)
        except StorageError:
            raise
        except UserError as error:
            self._tell(error)
            return None

    def _read(self, folder: str, make: "_Make", schema: "_Schema") -> pl.DataFrame:
        paths = self._whole(folder, self.files.shards)
        return self._collected(make, paths, schema) if paths else pl.DataFrame(schema=schema)

    def _collected(self, make: "_Make", paths: Sequence[RunPath], schema: "_Schema") -> pl.DataFrame:
        """What can be read of these; all in one go, and one by one to find the damaged one where that fails."""
        try:
            with storage_errors(self.files.run_dir):
                return make(paths).select(pl.col(name).cast(kind) for name, kind in schema.items()).collect()
        except (PolarsError, OSError):
            if len(paths) > 1:
                return pl.concat([self._collected(make, [path], schema) for path in paths])
            self._tell(DamagedError(paths[0], "cannot be read"))
            return pl.DataFrame(schema=schema)

    def _whole(self, folder: str, shards: Sequence[str]) -> list[RunPath]:
        """The tables of these shards that are there as they were written."""
        found = []
        for shard in shards:
            for output in self.files.outputs(folder, shards=[shard]):
                if self._is_whole(output, INGEST.name if folder == INGEST.stage else f"{folder}/{shard}"):
                    found.append(self.files.run_dir / output.path)
        return found

    def _is_whole(self, output: Output, node: str) -> bool:
        path = self.files.run_dir / output.path
        if isinstance(path, Path):
            manifest = self.files.run_dir / f"{node}.json"
            try:
                file, written = path.stat(), manifest.stat()
            except OSError:
                said: str | None = "is missing"
            else:
                left = file.st_size == output.bytes and file.st_mtime_ns <= written.st_mtime_ns
                said = None if left else objection(path, output)
        else:
            size = self._sizes.get(output.path)
            said = None if size == output.bytes else objection(path, output)
        if said is not None:
            self._tell(DamagedError(path, said))
        return said is None

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return sizes_in_storage(self.files.run_dir)

    def _tell(self, error: UserError) -> None:
        if str(error) not in self.damaged:
            self.damaged.append(str(error))


_Make = Callable[[Sequence[RunPath]], pl.LazyFrame]
_Schema = Mapping[str, pl.DataType | type[pl.DataType]]


def _asked_of(paths: Sequence[RunPath]) -> pl.LazyFrame:
    return scan_tables(paths).with_columns(
        source=pl.col("sources").list.first().struct.field("dataset"),
        head=pl.col("question").str.slice(0, HEAD_CHARS),
    )


def _places_of(name: str, paths: Sequence[RunPath]) -> pl.LazyFrame:
    rows = scan_tables(paths)
    named = "problem_id" in rows.collect_schema()
    key = pl.col("problem_id") if named else pl.col("extra_info").struct.field("problem_id")
    places = rows.select(key.alias("problem_id")).with_row_index("place")
    return places.with_columns(part=pl.lit(name.split("/")[1]), file=pl.lit(name))


def _with_verdicts(rollouts: pl.DataFrame, verdicts: pl.DataFrame | None = None) -> pl.DataFrame:
    """Rollouts with `status` and `reason`. Verdicts stand in the order of their rollouts, which is looked at: joining
    millions of keys would take longer than all else."""
    if verdicts is None:
        return rollouts.with_columns(pl.lit(None, pl.String).alias(name) for name in ("status", "reason"))
    if rollouts.height == verdicts.height and rollouts.select(_KEY).equals(verdicts.select(_KEY)):
        return rollouts.hstack(verdicts.select("status", "reason"))
    return rollouts.join(verdicts, on=_KEY, how="left")


def _rows_of(ids: pl.Series, problems: pl.DataFrame) -> pl.Series:
    """`row` of the problem of each id, null where there is none; ids of one problem stand together."""
    first = (ids != ids.shift()).fill_null(True)
    known = ids.filter(first).to_frame("problem_id").join(
        problems.select("problem_id", "row"), on="problem_id", how="left", maintain_order="left"
    )  # fmt: skip
    return known["row"].gather(first.cum_sum() - 1).alias("row")
