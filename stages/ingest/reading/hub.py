"""A dataset on the Hugging Face Hub at one commit: which files it has, and their bytes."""

import io
import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import httpx2
from huggingface_hub import (
    HfApi,
    cached_assets_path,
    constants,
    get_cached_repo_tree,
    get_hf_file_metadata,
    get_session,
    hf_hub_download,
    hf_hub_url,
    hf_raise_for_status,
    is_offline_mode,
)
from huggingface_hub.errors import CachedRepoTreeNotFoundError, HFValidationError
from huggingface_hub.utils import build_hf_headers, validate_repo_id  # type: ignore[attr-defined]  # loaded lazily

from hipo_data.schemas.errors import SourceError
from hipo_data.stages.ingest.reading.hub_requests import USUAL, Patience, Subject, ask, is_commit, left_by_downloader

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_PIECE = 8 * 2**20
"""Bytes of the largest range that is asked for at once, and so the most that a broken connection costs."""


@dataclass(frozen=True)
class HubDataset:
    """A dataset on the Hub at a revision. Every method raises `SourceError`."""

    repo: str
    revision: str
    patience: Patience = USUAL
    endpoint: str = field(default_factory=lambda: constants.ENDPOINT)

    def __post_init__(self) -> None:
        try:
            validate_repo_id(self.repo)
            valid = "/" in self.repo
        except HFValidationError:
            valid = False
        if not valid:
            raise SourceError(
                f"'{self.repo}' is not a dataset's name on the Hub, such as 'nvidia/AceReason-Math'; correct 'name', "
                "or set 'path' for local files"
            )

    def commit(self) -> str:
        """The commit that the revision names. A branch or tag is looked up once a process, a commit never."""
        return self.revision if is_commit(self.revision) else _looked_up(self)

    def files(self, keep: bool = True) -> list[str]:
        """Paths of all files, sorted. `keep` puts the list into the cache, so that it can be had offline."""
        try:
            tree = get_cached_repo_tree(self.repo, repo_type="dataset", revision=self.commit())
        except CachedRepoTreeNotFoundError:
            return self._kept_list() if keep else self._listed_now()
        return sorted(file.path for file in tree)

    def open(self, path: str, stream: bool = False) -> BinaryIO:
        """A file, seekable: from the cache, into which it is downloaded first, or by ranges over the network."""
        return self._remote(path) if stream else self._downloaded(path).open("rb")

    def _downloaded(self, path: str) -> Path:
        request = partial(
            hf_hub_download,
            *(self.repo, path),
            repo_type="dataset",
            revision=self.commit(),
            endpoint=self.endpoint,
        )
        return Path(ask(request, self._subject(path), self.patience, again=left_by_downloader))

    def _remote(self, path: str) -> BinaryIO:
        subject = self._subject(path)
        _refuse_offline(subject)
        url = hf_hub_url(self.repo, path, repo_type="dataset", revision=self.commit(), endpoint=self.endpoint)
        about = partial(get_hf_file_metadata, url, timeout=constants.HF_HUB_ETAG_TIMEOUT, endpoint=self.endpoint)
        size = ask(about, subject, self.patience).size
        if size is None:
            raise SourceError(f"{subject} cannot be streamed, as the server does not say its size; set 'stream: false'")
        file = _RemoteFile(lambda start, end: ask(partial(_range, url, start, end), subject, self.patience), size)
        return io.BufferedReader(file, _PIECE)

    def _kept_list(self) -> list[str]:
        try:
            folder = cached_assets_path("hipo-data", self.repo, "files", assets_dir=constants.HF_ASSETS_CACHE)
            kept = folder / f"{self.commit()}.json"
            if not kept.is_file():
                aside = kept.with_name(f".{kept.name}.{uuid.uuid4().hex[:8]}.tmp")
                aside.write_text(json.dumps(_listed(self)))
                aside.replace(kept)
            found: list[str] = json.loads(kept.read_bytes())
        except (OSError, ValueError) as error:  # a ValueError is how huggingface_hub says that a folder is a file
            raise SourceError(
                f"the list of files of {self._subject()} cannot be kept in {constants.HF_ASSETS_CACHE}, so set HF_HOME "
                f"to a folder that can be written: {error}"
            ) from error
        return found

    def _listed_now(self) -> list[str]:
        _refuse_offline(self._subject())
        return list(_listed(self))

    def _subject(self, file: str | None = None) -> Subject:
        return Subject(self.endpoint, self.repo, self.revision, file)


class _RemoteFile(io.RawIOBase):
    """Bytes that are fetched by range, at most `_PIECE` at once."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a byte, without a request."""
        to = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if to < 0:
            raise ValueError(f"byte {to} is before the start of the file")
        self._at = to
        return to

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """The next bytes; 0 at the end."""
        room = memoryview(buffer).cast("B")
        end = min(self._at + min(len(room), _PIECE), self._size)
        if end <= self._at:
            return 0
        data = self._fetch(self._at, end)
        room[: len(data)] = data
        self._at = end
        return len(data)


@cache
def _looked_up(dataset: HubDataset) -> str:
    info = HfApi(endpoint=dataset.endpoint).dataset_info
    about = partial(info, dataset.repo, revision=dataset.revision, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    commit = ask(about, dataset._subject(), dataset.patience).sha
    if commit is None:
        raise SourceError(f"{dataset.endpoint} does not say the commit of {dataset._subject()}; give it as 'revision'")
    return commit


@cache
def _listed(dataset: HubDataset) -> tuple[str, ...]:
    found: list[str] = []
    url: str | None = f"{dataset.endpoint}/api/datasets/{dataset.repo}/tree/{dataset.commit()}?recursive=true"
    while url:
        paths, url = ask(partial(_page, url), dataset._subject(), dataset.patience)
        found += paths
    return tuple(sorted(found))


def _refuse_offline(subject: Subject) -> None:
    if is_offline_mode():
        raise SourceError(f"{subject} cannot be streamed while HF_HUB_OFFLINE is set; set 'stream: false'")


def _page(url: str) -> tuple[list[str], str | None]:
    """A page of the list of files, and the address of the next; unlike `HfApi.list_repo_tree`, with a timeout."""
    reply = get_session().get(url, headers=build_hf_headers(), timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT)
    hf_raise_for_status(reply)
    paths = [entry["path"] for entry in reply.json() if entry["type"] == "file"]
    return paths, reply.links.get("next", {}).get("url")


def _range(url: str, start: int, end: int) -> bytes:
    """Bytes `start` to `end` of a file, checked: a server that compresses or ignores ranges sends others.

    (`HfFileSystem` takes those for the bytes that it asked for, and repeats requests without jitter.)
    """
    headers = {**build_hf_headers(), "Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
    with get_session().stream("GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT) as reply:
        hf_raise_for_status(reply)
        data = reply.read() if reply.status_code == httpx2.codes.PARTIAL_CONTENT else b""
    if len(data) != end - start:
        raise ValueError("the server does not send the range that it was asked for; set 'stream: false'")
    return data
