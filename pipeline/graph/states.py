"""Which nodes are up to date: what their manifests say they depended on, against what they would depend on today.

The files are the truth: nothing else remembers what is done.
"""

import gc
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hipo_data.pipeline.graph.nodes import ACCOUNTS, INGEST, PAIR, PRIOR, PUBLISH, Node, shard_nodes
from hipo_data.pipeline.graph.stages import STAGES
from hipo_data.pipeline.store.files import read_many, remove_files
from hipo_data.pipeline.store.manifest import Manifest, Output, parse_manifest
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.whole import objection
from hipo_data.schemas.errors import DamagedError
from hipo_data.schemas.records import Mode

_INPUT = "input "
"""Before the label of an input, among the parts of a manifest."""
_MANIFEST = re.compile(r"(all|\d\d-[0-9a-f]{4,})\.json")
"""Of the files of a stage's folder, those that are manifests; others are what a stage says of the whole run."""


@dataclass(frozen=True)
class State:
    """Whether a node is done, and if not, why it has to run."""

    done: bool
    reason: str
    damaged: DamagedError | None = None
    """A file of it that is there and not as it was written."""


def state_of(
    node: Node,
    manifest: Manifest | None,
    parts: dict[str, str],
    run_dir: RunPath,
    sizes: Mapping[str, int] | None = None,
    suspects: Collection[str] = (),
    *,
    asking: str = "",
    retry_failed: bool = False,
) -> State:
    """Compares what a node left behind with what it would depend on today.

    A file is compared by its size, and by its checksum where it was changed on this disk after its manifest was written
    or is among the `suspects` (paths within the run directory). `sizes` are those of files as a listing had them; of a
    file that is not among them the file itself is asked.

    Failed requests that may pass are a reason to run; all are where the engine is asked in another way now (`asking`,
    its digest) and with `retry_failed`.
    """
    if manifest is None:
        return State(False, "not done yet")
    changed = sorted(key for key in parts.keys() | manifest.parts.keys() if parts.get(key) != manifest.parts.get(key))
    if changed:
        inputs = [key for key in changed if key.startswith(_INPUT)]
        own = [key for key in changed if key not in inputs] or ["what it reads"]
        return State(False, f"{', '.join(own)} changed")
    written = _changed_at(node.path(run_dir, ".json"))
    for output in (*manifest.outputs.values(), *manifest.beside.values()):
        suspected = output.path in suspects
        if not suspected and sizes and sizes.get(output.path) == output.bytes:
            continue
        path = run_dir / output.path
        if not suspected and _as_left(path, output, written):
            continue
        said = objection(path, output)
        if said is not None:
            damaged = None if said == "is missing" else DamagedError(path, said)
            return State(False, f"{output.path} {said}", damaged)
    if manifest.retry:
        return State(False, f"{manifest.retry} failed requests are tried again")
    failed = manifest.counts.get("failed", 0)
    if failed and retry_failed:
        return State(False, f"{failed} failed requests are tried again")
    if failed and manifest.asking and asking != manifest.asking:
        return State(False, f"{failed} failed requests are tried again, since the engine's config changed")
    return State(True, "done")


def _as_left(path: RunPath, output: Output, written: int | None) -> bool:
    """Whether a folder is there, or a file has its size and, on a disk, was not changed since `written`, in ns."""
    if isinstance(path, Path):  # one question, not three: a large run has hundreds of thousands of files
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        if stat.S_ISDIR(found.st_mode):
            return True
        return found.st_size == output.bytes and written is not None and found.st_mtime_ns <= written
    return path.exists() and (not path.is_file() or path.stat().st_size == output.bytes)


def _changed_at(path: RunPath) -> int | None:
    try:
        return path.stat().st_mtime_ns if isinstance(path, Path) else None
    except FileNotFoundError:
        return None


def load_manifests(
    run_dir: RunPath,
    *,
    unlisted: bool = False,
    damaged: list[DamagedError] | None = None,
    modes: Sequence[Mode] = PAIR,
) -> dict[str, Manifest]:
    """All manifests in a run directory by node name, those that an earlier count of shards left behind too.

    They are found by listing. In storage a listing may lag; with `unlisted`, those that it does not show are asked for
    by their names, which takes one request for each node of the last ingest's shards, in `modes`, that is not done.

    Damaged ones are left out and go to the list `damaged`; where there is none, the first one is raised.
    """
    found: dict[str, Manifest] = {}
    with _no_garbage():
        for folder in run_dir.iterdir() if run_dir.is_dir() else []:
            if folder.name.partition(".")[0] in STAGES:
                paths = [path for path in folder.glob("*.json") if _MANIFEST.fullmatch(path.name)]
                found |= _parsed(read_many(paths), damaged)
    if unlisted and not isinstance(run_dir, Path):
        found |= _by_name(run_dir, [node for node in (INGEST, PRIOR, PUBLISH) if node.name not in found], damaged)
        nodes = [node for shard in shards_of(found.get(INGEST.name)) for node in shard_nodes(shard, modes=modes)]
        found |= _by_name(run_dir, [node for node in nodes if node.name not in found], damaged)
    return found


@contextmanager
def _no_garbage() -> Iterator[None]:
    """What is made within stays: looking for garbage among it again and again took half the time of reading it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _by_name(run_dir: RunPath, nodes: list[Node], damaged: list[DamagedError] | None) -> dict[str, Manifest]:
    return _parsed(read_many([node.path(run_dir, ".json") for node in nodes]), damaged)


def _parsed(files: Iterable[tuple[RunPath, bytes]], damaged: list[DamagedError] | None) -> dict[str, Manifest]:
    found: dict[str, Manifest] = {}
    for path, data in files:
        try:
            manifest = parse_manifest(path, data)
        except DamagedError as error:
            if damaged is None:
                raise
            if all(error.path != known.path for known in damaged):
                damaged.append(error)
            continue
        found[manifest.node] = manifest
    return found


def load_present_manifests(
    run_dir: RunPath,
    *,
    unlisted: bool = False,
    damaged: list[DamagedError] | None = None,
    modes: Sequence[Mode] = PAIR,
) -> dict[str, Manifest]:
    """The manifests of the shards that the last ingest made and of the stages that see the whole run, by node name.

    `unlisted`, `damaged` and `modes` as `load_manifests` has them.
    """
    manifests = load_manifests(run_dir, unlisted=unlisted, damaged=damaged, modes=modes)
    present = {"all", *shards_of(manifests.get(INGEST.name))}
    return {name: manifest for name, manifest in manifests.items() if name.rpartition("/")[2] in present}


def lost_manifests(run_dir: RunPath, manifests: Mapping[str, Manifest]) -> list[DamagedError]:
    """What is to be said of manifests that are gone although others of the present shards were made from their outputs.

    Of publish, which nothing is made from, `dataset/` tells, where that is swapped in whole, on a disk.
    """
    needed = {INGEST.name} if manifests else set()
    shards = set(shards_of(manifests.get(INGEST.name)))
    for name, manifest in manifests.items():
        if name.rpartition("/")[2] in shards or name == PUBLISH.name:
            inputs = (label.removeprefix(_INPUT) for label in manifest.parts if label.startswith(_INPUT))
            needed.update(label for label in inputs if label.partition(".")[0].partition("/")[0] in STAGES)
    if isinstance(run_dir, Path) and (run_dir / "dataset").is_dir():
        needed.add(PUBLISH.name)
    paths = [run_dir / f"{name}.json" for name in sorted(needed - manifests.keys())]
    return [DamagedError(path, "is missing") for path in paths if not path.exists()]


def remove_other_shards(run_dir: RunPath, shards: Iterable[str]) -> None:
    """Deletes what an earlier count of shards left behind, once nothing can be taken from it any more."""
    present = set(shards)
    for folder in run_dir.iterdir():
        if folder.name.partition(".")[0] in STAGES:
            remove_files([path for path in folder.glob("??-????.*") if path.name.partition(".")[0] not in present])


def shards_of(manifest: Manifest | None) -> list[str]:
    """The shards that ingest made, in order."""
    others = {"rejected", ACCOUNTS}
    return sorted(label for label in manifest.outputs if label not in others and "/" not in label) if manifest else []
