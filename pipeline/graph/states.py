"""Which nodes are up to date: what their manifests say they depended on, against what they would depend on today.

The files are the truth: nothing else remembers what is done.
"""

import gc
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hipo_data.pipeline.graph.nodes import ACCOUNTS, INGEST, PRIOR, PUBLISH, Node, shard_nodes
from hipo_data.pipeline.graph.stages import STAGES
from hipo_data.pipeline.store.files import read_many, remove_files
from hipo_data.pipeline.store.manifest import Manifest, parse_manifest
from hipo_data.pipeline.store.run_path import RunPath


@dataclass(frozen=True)
class State:
    """Whether a node is done, and if not, why it has to run."""

    done: bool
    reason: str


def state_of(
    node: Node,
    manifest: Manifest | None,
    parts: dict[str, str],
    run_dir: RunPath,
    sizes: Mapping[str, int] | None = None,
) -> State:
    """Compares what a node left behind with what it would depend on today.

    `sizes` are those of files as a listing had them; of a file that is not among them the file itself is asked.
    """
    if manifest is None:
        return State(False, "not done yet")
    changed = sorted(key for key in parts.keys() | manifest.parts.keys() if parts.get(key) != manifest.parts.get(key))
    if changed:
        inputs = [key for key in changed if key.startswith("input ")]
        own = [key for key in changed if key not in inputs] or ["what it reads"]
        return State(False, f"{', '.join(own)} changed")
    for output in manifest.outputs.values():
        if sizes and sizes.get(output.path) == output.bytes:
            continue
        if not _as_left(run_dir / output.path, output.bytes):
            return State(False, f"{output.path} is missing or was altered")
    if manifest.retry:
        return State(False, f"{manifest.retry} failed requests are tried again")
    return State(True, "done")


def _as_left(path: RunPath, size: int) -> bool:
    """Whether a folder is there, or a file of that size."""
    if isinstance(path, Path):  # one question, not three: a large run has hundreds of thousands of files
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return stat.S_ISDIR(found.st_mode) or found.st_size == size
    return path.exists() and (not path.is_file() or path.stat().st_size == size)


def load_manifests(run_dir: RunPath, *, unlisted: bool = False) -> dict[str, Manifest]:
    """All manifests in a run directory by node name, those that an earlier count of shards left behind too.

    They are found by listing. In storage a listing may lag; with `unlisted`, those that it does not show are asked for
    by their names, which takes one request for each node of the last ingest's shards that is not done.
    """
    found: dict[str, Manifest] = {}
    with _no_garbage():
        for folder in run_dir.iterdir() if run_dir.is_dir() else []:
            if folder.name.partition(".")[0] in STAGES:
                for _, data in read_many(list(folder.glob("*.json"))):
                    manifest = parse_manifest(data)
                    if manifest is not None:
                        found[manifest.node] = manifest
    if unlisted and not isinstance(run_dir, Path):
        found |= _by_name(run_dir, [node for node in (INGEST, PRIOR, PUBLISH) if node.name not in found])
        nodes = [node for shard in shards_of(found.get(INGEST.name)) for node in shard_nodes(shard)]
        found |= _by_name(run_dir, [node for node in nodes if node.name not in found])
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


def _by_name(run_dir: RunPath, nodes: list[Node]) -> dict[str, Manifest]:
    read = [parse_manifest(data) for _, data in read_many([node.path(run_dir, ".json") for node in nodes])]
    return {manifest.node: manifest for manifest in read if manifest is not None}


def load_present_manifests(run_dir: RunPath, *, unlisted: bool = False) -> dict[str, Manifest]:
    """The manifests of the shards that the last ingest made and of the stages that see the whole run, by node name.

    `unlisted` as `load_manifests` has it.
    """
    manifests = load_manifests(run_dir, unlisted=unlisted)
    present = {"all", *shards_of(manifests.get(INGEST.name))}
    return {name: manifest for name, manifest in manifests.items() if name.rpartition("/")[2] in present}


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
