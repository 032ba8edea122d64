"""A published dataset, wherever it lies: a run's `dataset/`, a folder like it, or a dataset on the Hub."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from hipo_data.pipeline.store.files import digest_of, sizes_in_storage
from hipo_data.pipeline.store.manifest import Manifest, Output, read_manifest
from hipo_data.pipeline.store.run_path import RunPath, name_within, run_path
from hipo_data.schemas.errors import DamagedError, UserError
from hipo_data.schemas.parquet_batches import bounded_batches
from hipo_data.stages.publish.exports.libraries import PARTS

FOLDER = "dataset"
"""Of a run's directory."""
CARD = "README.md"
SPLITS = ("train", "validation")
FILE_NAME = re.compile(rf"({'|'.join(PARTS)})/({'|'.join(SPLITS)})-(\d{{5}})-of-(\d{{5}})\.parquet")
"""Part, split, number, and how many there are."""
_HUB_NAME = re.compile(r"\w[\w.-]*/[\w.-]+(@[\w./-]+)?")
_ROWS = 2048  # at a time, so that memory is small however long the files


@dataclass(frozen=True)
class Published:
    """The files of a dataset by their paths within it, sorted, and how to open one."""

    name: str
    files: tuple[str, ...]
    open: Callable[[str], BinaryIO]
    run_dir: RunPath | None = None
    """The run that the folder belongs to, where that was given."""
    is_local: bool = False
    """Whether it is a folder of this machine, whose path is its name."""

    def of(self, part: str, split: str) -> list[str]:
        """Paths of a part's files of a split, in their order."""
        return [
            path for path in self.files if (name := FILE_NAME.fullmatch(path)) and name.group(1, 2) == (part, split)
        ]

    def digest(self, path: str) -> str:
        """SHA-256 of a file's content."""
        with self.open(path) as file:
            return digest_of(file)

    def check(self, paths: Iterable[str]) -> None:
        """Raises `DamagedError` where one of the files is not as the run wrote it; of no other folder that is known."""
        manifest = read_manifest(self.run_dir / "publish" / "all.json") if self.run_dir is not None else None
        for path in sorted(paths):
            output = manifest.outputs.get(f"{FOLDER}/{path}") if manifest else None
            if output is not None and self.digest(path) != output.sha256:
                raise DamagedError(f"{self.name}/{path}", "does not fit its checksum")

    def tables(self, path: str) -> Iterator[pa.Table]:
        """A file's rows, some thousand at a time, with the metadata of its schema. Raises `UserError`."""
        with self.open(path) as file:
            try:
                parquet = pq.ParquetFile(file)
                schema = parquet.schema_arrow
                for batch in bounded_batches(parquet, _ROWS):
                    yield pa.Table.from_batches([batch]).replace_schema_metadata(schema.metadata)
            except (pa.ArrowInvalid, OSError) as error:
                raise UserError(f"{self.name}: {path} cannot be read as Parquet: {error}") from error

    def schema(self, path: str) -> pa.Schema:
        """A file's schema. Raises `UserError`."""
        with self.open(path) as file:
            try:
                return pq.read_schema(file)
            except (pa.ArrowInvalid, OSError) as error:
                raise UserError(f"{self.name}: {path} cannot be read as Parquet: {error}") from error


def published(where: str) -> Published:
    """The dataset of a run, of a folder, or of the Hub (`org/name`, or `org/name@revision`). Raises `UserError`."""
    path = run_path(where)
    if path.is_dir():
        return published_folder(path)
    if path.exists() or not _HUB_NAME.fullmatch(where):
        raise UserError(f"there is no run, folder or Hub dataset '{where}'; give the directory that a run published in")
    if "@" not in where and isinstance(path, Path) and path.parent.is_dir():
        raise UserError(
            f"there is no folder '{path.name}' in {path.parent}; give the directory that a run published in, or "
            f"'{where}@main' for the dataset of that name on the Hub"
        )
    return _on_the_hub(where)


def published_folder(path: RunPath) -> Published:
    """The dataset of a run's directory, or the folder itself. Raises `UserError`."""
    is_run = (path / "run.json").is_file()
    folder = path / FOLDER if is_run else path
    files = tuple(sorted(_files(path, folder)))
    if not any(FILE_NAME.fullmatch(file) for file in files):
        raise UserError(f"{folder} holds no published dataset; run 'hipo-data run' until publish is done")
    return Published(
        str(folder), files, lambda file: (folder / file).open("rb"), path if is_run else None, isinstance(folder, Path)
    )


def dataset_outputs(manifest: Manifest | None) -> dict[str, Output]:
    """Those outputs of publish that are files of the dataset, by their names within it."""
    outputs = manifest.outputs.values() if manifest else ()
    return {
        output.path.removeprefix(f"{FOLDER}/"): output for output in outputs if output.path.startswith(f"{FOLDER}/")
    }


def _files(path: RunPath, folder: RunPath) -> set[str]:
    if isinstance(folder, Path):
        return {name_within(file, folder) for file in folder.rglob("*") if file.is_file()}
    listed = set(sizes_in_storage(folder))
    manifest = read_manifest(path / "publish" / "all.json")
    named = dataset_outputs(manifest).keys()
    return listed | {name for name in named - listed if (folder / name).exists()}  # a listing may lag


def _on_the_hub(where: str) -> Published:
    from hipo_data.schemas.errors import SourceError
    from hipo_data.stages.ingest.reading.hub import HubDataset

    repo, _, revision = where.partition("@")
    try:
        dataset = HubDataset(repo, revision or "main")
        files = tuple(dataset.files(keep=False))
    except SourceError as error:
        raise UserError(f"'{where}' is no folder here, and on the Hub: {error}") from error

    def opened(file: str) -> BinaryIO:
        try:
            return dataset.open(file)
        except SourceError as error:
            raise UserError(str(error)) from error

    return Published(where, files, opened)
