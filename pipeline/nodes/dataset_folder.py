"""The folder of a run's dataset: what lies in it, and how a new one takes its place."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.ship.published import FOLDER, dataset_outputs
from hipo_data.pipeline.store.files import file_digest, put_file, read_table, remove_files, sizes_in_storage
from hipo_data.pipeline.store.manifest import Output, read_manifest


def place(aside: Path, task: Task, outputs: dict[str, Output]) -> None:
    """Puts a finished folder in place of the run's dataset: swapped in whole where the run is on a disk.

    In storage, where files cannot be swapped all at once, the old manifest goes first and the new one comes last:
    while there is none, `dataset/` is being replaced.
    """
    final = task.run_dir / FOLDER
    if isinstance(final, Path):
        _swap(aside, final)
        return
    before = task.run_dir / task.folder / f"{task.shard}.json"
    manifest = read_manifest(before)
    remove_files([before])
    old = {f"{FOLDER}/{name}" for name in {*sizes_in_storage(final), *dataset_outputs(manifest)}}
    remove_files([task.run_dir / name for name in sorted(old - outputs.keys())])
    for name in outputs:
        put_file(task.run_dir / name, aside / Path(name).relative_to(FOLDER))
    shutil.rmtree(aside)


def _swap(aside: Path, final: Path) -> None:
    old = final.with_name(f".{final.name}.old.tmp")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    aside.rename(final)
    shutil.rmtree(old, ignore_errors=True)


def outputs_of(folder: Path, paths: Iterable[Path]) -> dict[str, Output]:
    """What the manifest says of files in a folder that becomes the dataset."""
    found = {}
    for path in sorted(paths):
        name = f"{FOLDER}/{path.relative_to(folder)}"
        rows = read_table(path, []).num_rows if path.suffix == ".parquet" else 0
        found[name] = Output(path=name, rows=rows, bytes=path.stat().st_size, sha256=file_digest(path))
    return found
