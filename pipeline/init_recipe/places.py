"""Where somebody's data are: a file, a glob, a folder, or a dataset on the Hugging Face Hub."""

import glob
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import is_offline_mode

from hipo_data.schemas.config_texts import repository_objection
from hipo_data.schemas.errors import SourceError, UserError
from hipo_data.schemas.source_config import SourceConfig
from hipo_data.schemas.tables import source_files
from hipo_data.stages.ingest.reading.hub import HubDataset
from hipo_data.stages.ingest.sources import adapter_names, adapter_of

_ENDS = (".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".tab")
_COMPRESSED = (".gz", ".zst", ".xz", ".bz2")
_PARTS = re.compile(r"[-_.]?\d{3,}(?:[-_]of[-_]\d+)?")
_TRAINING = "train"
_HELD_OUT = re.compile("(?<![a-z])(test|val|validation|valid|dev|eval|evaluation|heldout)(?![a-z])")
"""In names of files that are of other splits than training."""
_SHOWN = 4
_BRANCH = "main"


@dataclass(frozen=True)
class Place:
    """Keys of a source that say where it is, and sentences about what was chosen."""

    keys: dict[str, str]
    name: str
    """For the run, in small letters."""
    adapter: str | None = None
    """Of a dataset that has one."""
    said: list[str] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """In messages."""
        return self.keys.get("path") or self.keys["name"]


def find_place(given: str) -> Place:
    """What `given` means.

    Raises `UserError` where there is no such file, and `SourceError` where the Hub has no such dataset or none with
    files of rows.
    """
    if adapter := _known(given):
        dataset = adapter_of(SourceConfig(type=adapter, path="-")).DATASET
        return Place({"name": dataset, "revision": _BRANCH}, _slug(adapter), adapter)
    if not given.strip():
        raise UserError("--from is empty; name a file, a glob, a folder, or a dataset on the Hub")
    path = Path(given)
    if path.is_dir():
        return _of_folder(path)
    named_as_file = has_end(given) or any(sign in given for sign in "*?[")
    if path.exists() or named_as_file or given.count("/") != 1 or repository_objection(given):
        try:
            source_files(given)
        except FileNotFoundError as error:
            hub = "" if named_as_file else "; a dataset on the Hub is named ORGANISATION/NAME"
            raise UserError(f"{error}{hub}") from error
        return Place({"path": given}, _slug(path.name))
    return _on_hub(given)


def _known(given: str) -> str | None:
    """The adapter of a dataset by its name on the Hub, or a short one."""
    for adapter in adapter_names():
        found = adapter_of(SourceConfig(type=adapter, path="-"))
        if found.FILES:  # the others are for files of any name
            dataset = found.DATASET
            if _plain(given) in {_plain(name) for name in (adapter, dataset, dataset.partition("/")[2])}:
                return adapter
    return None


def _of_folder(folder: Path) -> Place:
    """The files of the most frequent ending, those within folders too; of several splits, those for training."""
    found = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    files = [path for path in found if _end(path.name) and not any(part.startswith(".") for part in path.parts)]
    if not files:
        raise UserError(f"{folder} is a folder without files of rows, which end in {', '.join(_ENDS)}; name a file")
    end = Counter(_end(path.name) for path in files).most_common(1)[0][0] or ""
    fitting = [path for path in files if _end(path.name) == end]
    training = [path for path in fitting if _TRAINING in path.name.lower()]
    split = bool(training) and any(_HELD_OUT.search(path.name.lower()) for path in fitting)
    chosen = training if split else fitting
    case = "".join(f"[{sign.upper()}{sign}]" for sign in _TRAINING) if split else ""
    within = "**/" if any(len(path.parts) > 1 for path in chosen) else ""
    pattern = f"{within}*{case}*{end}" if split else f"{within}*{end}"
    others = sorted(set(files) - set(chosen))
    said = f"files: {len(chosen)} that end in {end}"
    if split:
        said += " and have train in their names"
    if others:
        names = ", ".join(path.as_posix() for path in others[:_SHOWN])
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        said += f", and not {names}{more}"
    return Place({"path": f"{glob.escape(str(folder))}/{pattern}"}, _slug(folder.resolve().name), said=[said])


def _on_hub(repository: str) -> Place:
    dataset = HubDataset(repository, _BRANCH)
    commit = dataset.commit()
    files = [path for path in dataset.files(keep=is_offline_mode()) if has_end(path)]
    if not files:
        raise SourceError(f"dataset {repository} has no files of rows, which end in {', '.join(_ENDS)}")
    chosen, pattern = _training_files(files)
    said = [f"files: {pattern} of dataset {repository}, {len(chosen)} of its {len(files)} files of rows"]
    said.append(f"revision: {commit}, which {_BRANCH} is now")
    keys = {"name": repository, "revision": commit, "files": pattern}
    return Place(keys, _slug(repository.partition("/")[2]), said=said)


def _training_files(paths: list[str]) -> tuple[list[str], str]:
    """The files of the training split of the first configuration, and a glob for them."""
    train = [path for path in paths if "train" in path.rpartition("/")[2].lower()]
    train = train or [path for path in paths if "train" in path.lower()] or paths
    end = min({_end(path) or "" for path in train}, key=_rank)
    fitting = [path for path in train if _end(path) == end]
    folders = dict.fromkeys(path.rpartition("/")[0] for path in fitting)
    folder = next((name for name in folders if name.rpartition("/")[2] in ("main", "default", "data", "")), None)
    folder = next(iter(folders)) if folder is None else folder
    chosen = [path for path in fitting if path.rpartition("/")[0] == folder]
    stems = {_PARTS.sub("", path.removesuffix(end)) for path in chosen}
    if len(chosen) == 1:
        return chosen, chosen[0]
    stem = next(iter(stems)) if len(stems) == 1 else f"{folder}/" if folder else ""
    return chosen, f"{stem}*{end}"


def _rank(end: str) -> int:
    return next((place for place, known in enumerate(_ENDS) if end.startswith(known)), len(_ENDS))


def _end(name: str) -> str | None:
    packed = next((end for end in _COMPRESSED if name.lower().endswith(end)), "")
    bare = name[: len(name) - len(packed)]
    end = next((end for end in _ENDS if bare.lower().endswith(end)), None)
    return None if end is None else name[len(bare) - len(end) :]


def has_end(name: str) -> bool:
    """Whether it is the name of a file of rows."""
    return _end(name) is not None or name.lower().endswith(_COMPRESSED)


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


def _slug(name: str) -> str:
    end = _end(name)
    bare = name.removesuffix(end) if end else name
    return re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")[:60] or "my-run"
