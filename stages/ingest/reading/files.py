"""Which files a source has, on this machine or on the Hugging Face Hub, and how to open them."""

import difflib
import glob
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fsspec.utils import glob_translate
from yaml import YAMLError

from hipo_data.schemas.config import EvaluationSet, SourceConfig
from hipo_data.schemas.errors import SourceError
from hipo_data.schemas.packaged import embedded
from hipo_data.schemas.tables import source_files as local_files
from hipo_data.schemas.text import valid_unicode

if TYPE_CHECKING:  # every process of a run imports this module, and few sources are on the Hub
    from hipo_data.stages.ingest.reading.hub import HubDataset
    from hipo_data.stages.ingest.reading.hub_requests import Patience

_CARD = "README.md"


@dataclass(frozen=True)
class _OnHub:
    dataset: "HubDataset"
    path: str
    stream: bool


@dataclass(frozen=True)
class SourceFile:
    """A file of a source. It can be sent to another process."""

    label: str
    """What problems record: a local file's name, with the folders that a glob matched; on the Hub, the path."""
    place: Path | _OnHub

    def open(self) -> BinaryIO:
        """Its bytes, seekable; a context that closes. Raises `SourceError` for the Hub, also from later reads."""
        if isinstance(self.place, Path):
            return self.place.open("rb")
        return self.place.dataset.open(self.place.path, self.place.stream)

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, and not on the Hub."""
        return self.local is not None

    @property
    def local(self) -> Path | None:
        """Its path on this machine; null on the Hub."""
        return self.place if isinstance(self.place, Path) else None

    @property
    def format_name(self) -> str:
        """The name that tells the format of what `open` gives, where the content leaves it open."""
        return self.label

    def identity(self) -> str:
        """Changes when the content may have: SHA-256 of a local file's content; from the Hub, the commit and path."""
        if isinstance(self.place, Path):
            with self.place.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        return f"{self.place.dataset.commit()}/{self.place.path}"


def source_files(
    source: SourceConfig | EvaluationSet,
    default_repo: str | None,
    default_files: str | None,
    patience: "Patience | None" = None,
) -> list[SourceFile]:
    """The files of a source, sorted; those on the Hub are listed, not downloaded.

    Args:
        source: where they are.
        default_repo: the repository on the Hub where the source names none.
        default_files: globs of files in the repository, separated by spaces, where the source gives none. `*` stops at
            a slash, `**/` stands for any folders or none.
        patience: with requests to the Hub; by default `hub_requests.USUAL`.

    Raises:
        FileNotFoundError: where no local file matches.
        SourceError: where the Hub does not list the files, or none matches one of the globs.
    """
    if source.path is not None:
        return [SourceFile(_local_label(path, embedded(source.path)), path) for path in local_files(source.path)]
    dataset = _dataset(source, default_repo, patience)
    stream = not isinstance(source, EvaluationSet) and source.stream
    paths = _matching(dataset, (source.files or default_files or "").split(), dataset.files(keep=not stream))
    return [SourceFile(valid_unicode(path), _OnHub(dataset, path, stream)) for path in paths]


def resolved_revision(repo: str, revision: str, patience: "Patience | None" = None) -> str:
    """The commit that a revision of a dataset on the Hub names: 40 hexadecimal digits.

    A commit is returned as it is, without a request; a branch or tag is looked up once a process. Raises `SourceError`.
    """
    return _on_hub(repo, revision, patience).commit()


def declared_licence(
    repo: str,
    revision: str,
    stream: bool = False,
    patience: "Patience | None" = None,
) -> str | None:
    """The licence in the head of the dataset's card at a revision, several joined by commas; null where it has none.

    The card is read like any other file, so a run offline knows the licence too. What the Hub does not tell is an
    error and not an undeclared licence, which would make the rows that a policy keeps depend on the network.

    Raises:
        SourceError: where the card cannot be fetched or its head cannot be read.
    """
    from huggingface_hub import DatasetCard

    dataset = _on_hub(repo, revision, patience)
    if _CARD not in dataset.files(keep=not stream):
        return None
    with dataset.open(_CARD, stream) as file:
        text = file.read().decode("utf-8", "replace")
    try:
        about = DatasetCard(text, ignore_metadata_errors=True).data
    except (YAMLError, ValueError, TypeError) as error:
        problem = " ".join(str(error).split())
        raise SourceError(
            f"the head of {_CARD} of dataset {repo} at {revision} cannot be read, so set 'licence': {problem}"
        ) from error
    declared = about.get("license")
    if declared == "other":
        declared = about.get("license_name") or declared
    names = declared if isinstance(declared, list) else [declared]
    return ", ".join(str(name) for name in names if name) or None


def _dataset(
    source: SourceConfig | EvaluationSet, default_repo: str | None, patience: "Patience | None"
) -> "HubDataset":
    repo = source.name or default_repo
    if repo is None:
        raise SourceError("a source has neither 'path' nor 'name'; give local files, or a dataset on the Hub")
    if source.revision is None:
        raise SourceError(f"dataset {repo} has neither 'path' nor 'revision'; give local files, or a commit on the Hub")
    return _on_hub(repo, source.revision, patience)


def _on_hub(repo: str, revision: str, patience: "Patience | None") -> "HubDataset":
    from hipo_data.stages.ingest.reading.hub import HubDataset

    return HubDataset(repo, revision) if patience is None else HubDataset(repo, revision, patience)


def _matching(dataset: "HubDataset", patterns: list[str], paths: list[str]) -> list[str]:
    """Paths that match any of the patterns. One that matches nothing is an error even where others match."""
    where = f"dataset {dataset.repo} at {dataset.revision}"
    if not patterns:
        raise SourceError(f"'files' must say which files of {where} to read, such as '*.jsonl'; it has {_some(paths)}")
    found: set[str] = set()
    for pattern in patterns:
        try:
            matches = re.compile(glob_translate(pattern)).match
        except ValueError as error:
            raise SourceError(f"'{pattern}' is no glob of files of {where}: {error}") from error
        matching = {path for path in paths if matches(path)}
        if not matching:
            nearest = difflib.get_close_matches(pattern, paths, n=3, cutoff=0)
            raise SourceError(f"no file of {where} matches '{pattern}'; the nearest: {_some(nearest)}")
        found |= matching
    return sorted(found)


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
    return ", ".join(paths[:5]) + more if paths else "no files at all"


def _local_label(path: Path, pattern: str) -> str:
    """The file's name, with the folders that a glob matched: `data/*/train.jsonl` names many a `train.jsonl`."""
    steps = Path(pattern).parts
    fixed = next((at for at, step in enumerate(steps) if glob.has_magic(step)), len(steps))
    is_glob = str(path) != str(Path(pattern)) and fixed < len(steps)
    label = path.relative_to(Path(*steps[:fixed])).as_posix() if is_glob else path.name
    return valid_unicode(label)
