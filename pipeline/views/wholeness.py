"""`hipo-data verify`: every file of a run, read in full and held against its checksum and its counts of rows."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hipo_data.pipeline.graph.nodes import INGEST, PUBLISH, Node
from hipo_data.pipeline.graph.states import load_manifests, lost_manifests, shards_of
from hipo_data.pipeline.store.journal import whole_batches
from hipo_data.pipeline.store.ledger import read_spent
from hipo_data.pipeline.store.manifest import Manifest, Output
from hipo_data.pipeline.store.run_dir import read_run
from hipo_data.pipeline.store.run_path import RunPath, name_within, run_path
from hipo_data.pipeline.store.suspects import note_suspects, read_suspects
from hipo_data.pipeline.store.whole import objection
from hipo_data.pipeline.watch.event_log import damaged_lines, read_events
from hipo_data.schemas.errors import DamagedError
from hipo_data.schemas.records import Mode

_DATASET = "dataset"
"""Of what is published, within a run directory."""
_AT_ONCE = 8
_AGAIN = {
    "ingest": "reads the sources again; problems that come out alike keep their rollouts",
    "sample": "asks again for the rollouts that are in no journal",
    "verify": "grades the rollouts again",
    "select": "decides again",
    "justify": "makes the examples again, and asks again for attempts that are lost",
    "publish": "publishes again",
}


@dataclass
class Damage:
    """A file that is not as it was written."""

    path: str
    """Within the run directory."""
    what: str
    next: str
    """What the next run does about it."""


@dataclass
class Stage:
    """What was read of a stage, in both modes apart."""

    name: str
    pieces: int = 0
    files: int = 0
    bytes: int = 0
    rows_in: int = 0
    rows_out: int = 0
    rows_rejected: int = 0
    rows_left_out: int = 0
    damaged: int = 0


@dataclass
class Wholeness:
    """A run, looked at in full."""

    stages: list[Stage]
    batches: int
    """Of the journal."""
    damaged: list[Damage] = field(default_factory=list)
    noted: bool = True
    """Whether the damaged files could be noted for the next run."""

    def as_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {"whole": not self.damaged, **asdict(self)}


def look(run_dir: RunPath) -> Wholeness:
    """Reads every file of a run that something is made from or told from. What is damaged is noted for the next run."""
    damages: dict[str, Damage] = {}

    def take(name: str, what: str, then: str) -> None:
        damages.setdefault(name, Damage(name, what, then))

    broken: list[DamagedError] = []
    manifests = load_manifests(run_dir, unlisted=True, damaged=broken)
    for error in _raised(run_dir, manifests):
        take(name_within(run_path(error.path), run_dir), error.what, _own_next(error.path))
    for error in (*broken, *lost_manifests(run_dir, manifests)):
        name = name_within(run_path(error.path), run_dir)
        take(name, error.what, _again(name))
    files = [(name, output) for name, manifest in sorted(manifests.items()) for output in _files(manifest)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        said = pool.map(lambda file: _said(run_dir / file[1].path, file[1]), files)
        for (name, output), what in zip(files, said, strict=True):
            if what is not None:
                take(output.path, what, _again(name))
    for name, what in _counts(manifests):
        take(name, what, _again(name))
    broken, batches = [], 0
    for _ in whole_batches(run_dir / "journal", broken):
        batches += 1
    for error in broken:
        take(name_within(run_path(error.path), run_dir), error.what, "makes the requests of this batch again")
    if lost := damaged_lines(run_dir):
        take("logs/events.jsonl", f"has {lost} damaged lines", "leaves them out; nothing is made from them")
    elif manifests and next(read_events(run_dir), None) is None:
        take("logs/events.jsonl", "is missing or empty", "begins a new one; nothing is made from it")
    found = Wholeness(_stages(manifests, damages), batches, list(damages.values()))
    found.noted = _note(run_dir, damages)
    return found


def _tokens(manifest: Manifest) -> int:
    """Tokens of responses that were asked for; of those that came with the source rows, nothing was spent."""
    return manifest.counts.get("completion_tokens", 0) if manifest.counts.get("sampled") else 0


def _raised(run_dir: RunPath, manifests: dict[str, Manifest]) -> Iterator[DamagedError]:
    if not (run_dir / "spent.json").exists() and any(_tokens(manifest) for manifest in manifests.values()):
        yield DamagedError(run_dir / "spent.json", "is missing")
    for read in (read_run, read_spent):
        try:
            read(run_dir)
        except DamagedError as error:
            yield error


def _own_next(path: str) -> str:
    recorded = path.endswith("run.json")
    return "writes it anew from the recipe" if recorded else "counts again from the rollouts that are left"


def _files(manifest: Manifest) -> list[Output]:
    return [*manifest.outputs.values(), *manifest.beside.values()]


def _said(path: RunPath, output: Output) -> str | None:
    """What is wrong with a file, with its rows as well."""
    if not isinstance(path, Path) or not path.is_dir():
        found = objection(path, output)
        if found is None and path.name.endswith(".parquet"):
            try:
                with path.open("rb") as file:
                    rows = pq.ParquetFile(file).metadata.num_rows
            except (pa.ArrowInvalid, OSError) as error:
                return f"is no Parquet: {' '.join(str(error).split())[:100]}"
            return None if rows == output.rows else f"has {rows} rows and not {output.rows}"
        return found
    return None


def _counts(manifests: dict[str, Manifest]) -> Iterator[tuple[str, str]]:
    """Manifests whose rows are not those of what they were made from, where that is as it was then."""
    ingest = manifests.get(INGEST.name)
    for shard in shards_of(ingest):
        assert ingest is not None
        went_in = {f"select/{shard}": (f"problems/{shard}", ingest.outputs[shard])}
        for mode in Mode:
            if sampled := manifests.get(f"sample.{mode}/{shard}"):
                went_in[f"verify.{mode}/{shard}"] = (sampled.node, sampled.outputs["rows"])
        for name, (label, output) in went_in.items():
            made = manifests.get(name)
            same = made is not None and made.parts.get(f"input {label}") == output.sha256
            if made is not None and same and made.rows_in != output.rows:
                yield f"{name}.json", f"counts {made.rows_in} rows of the {output.rows} that went in"


def _again(name: str) -> str:
    return _AGAIN[name.partition("/")[0].partition(".")[0]]


def _stages(manifests: dict[str, Manifest], damages: dict[str, Damage]) -> list[Stage]:
    found: dict[str, Stage] = {}
    folders = [INGEST.folder, *(Node(s, "", mode).folder for mode in Mode for s in ("sample", "verify"))]
    for folder in [*folders, "select", "justify", PUBLISH.folder]:
        found[folder] = Stage(folder)
    for name, manifest in manifests.items():
        stage = found.setdefault(folder := name.partition("/")[0], Stage(folder))
        stage.pieces += 1
        stage.files += 1 + len(_files(manifest))
        stage.bytes += sum(output.bytes for output in _files(manifest))
        stage.rows_in += manifest.rows_in
        stage.rows_out += manifest.rows_out
        stage.rows_rejected += manifest.rows_rejected
        stage.rows_left_out += manifest.rows_left_out
    for name in damages:
        folder = PUBLISH.folder if name.startswith(f"{_DATASET}/") or name == "report.html" else name.partition("/")[0]
        if folder in found:
            found[folder].damaged += 1
    return list(found.values())


def _note(run_dir: RunPath, damages: dict[str, Damage]) -> bool:
    if damages.keys() == read_suspects(run_dir):
        return True
    try:
        note_suspects(run_dir, damages.keys())
    except OSError:  # a run that may only be read
        return False
    return True
