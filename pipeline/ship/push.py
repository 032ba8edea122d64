"""A published dataset on its way to the Hugging Face Hub: in one commit, or not at all.

Every attempt starts from what the Hub holds now, and what was uploaded stays there until a commit names it. So an
attempt after a cut connection, an overloaded server or a commit whose answer was lost does what is still to be done.
"""

import hashlib
import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import httpx2
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    constants,
    is_offline_mode,
    set_client_factory,
)
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError
from huggingface_hub.hf_api import DatasetInfo, RepoFile
from huggingface_hub.utils import disable_progress_bars, validate_repo_id  # type: ignore[attr-defined]  # loaded lazily
from huggingface_hub.utils._http import default_client_factory
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from hipo_data.pipeline.ship.published import FILE_NAME, Published, published_folder
from hipo_data.pipeline.ship.validate import validate_dataset
from hipo_data.pipeline.store.files import file_digest
from hipo_data.pipeline.store.run_dir import held
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.schemas.errors import RunFailedError, UserError
from hipo_data.stages.ingest.reading.hub_requests import USUAL, Patience, may_pass

_LOG = logging.getLogger(__name__)
_BRANCH = "main"
_MOVED = (httpx2.codes.CONFLICT, httpx2.codes.PRECONDITION_FAILED)
_FAILURES = (httpx2.HTTPError, OSError, ValueError, RuntimeError)
"""What huggingface_hub, hf_xet and the system raise for an upload that fails."""
Remote = dict[str, str]
"""Content by path: SHA-256 of a large file, Git's hash of another one."""
Done = TypeVar("Done")


@dataclass(frozen=True)
class Rehearsal:
    """What a push would do, without having done any of it."""

    address: str
    commit: str | None
    """The newest one there; null where there is no such dataset yet."""
    private: bool
    """Whether it is, or would be made so."""
    new: dict[str, int]
    """Bytes by path, of files that the Hub does not have under it."""
    changed: dict[str, int]
    """Those that it has with another content."""
    same: dict[str, int]
    removed: list[str]
    """Files of an earlier push that the dataset no longer has."""

    @property
    def uploaded(self) -> int:
        """Bytes that would go up, at most: what the Hub keeps elsewhere is not sent again."""
        return sum(self.new.values()) + sum(self.changed.values())


def rehearse(
    where: RunPath, repo: str, private: bool = False, patience: Patience = USUAL, timeout_s: float = 300
) -> Rehearsal:
    """What `push` would do, found out by reading alone: nothing is made, uploaded or removed.

    Arguments and errors as `push` has them.
    """
    return _prepared(where, repo, private, patience, timeout_s, _Push.rehearse)


def push(where: RunPath, repo: str, private: bool = False, patience: Patience = USUAL, timeout_s: float = 300) -> str:
    """Uploads the dataset of a run, or a published folder, and says what was done. The token comes from HF_TOKEN.

    Files of an earlier push that the dataset no longer has are removed; other files there are left alone. `timeout_s`
    is how long the Hub may be silent. Raises `UserError` where it may not or need not be tried, `RunFailedError` where
    it failed.
    """
    return _prepared(where, repo, private, patience, timeout_s, _Push.attempt)


def _prepared(
    where: RunPath, repo: str, private: bool, patience: Patience, timeout_s: float, what: "Callable[[_Push], Done]"
) -> Done:
    token = os.environ.get("HF_TOKEN", "").strip()
    _refuse_early(repo, token)
    dataset = published_folder(where)
    held_run = held(dataset.run_dir) if dataset.run_dir else nullcontext()
    with held_run, _quiet_client(timeout_s), _on_disk(dataset) as folder:
        failures = validate_dataset(dataset).failures
        if failures:
            raise RunFailedError(
                f"{dataset.name} is not pushed: it fails validation in {len(failures)} places, such as: {failures[0]}"
            )
        files = [path for path in dataset.files if not any(step.startswith(".") for step in Path(path).parts)]
        return _retried(_Push(HfApi(token=token), repo, private, folder, files), what, patience, token)


@contextmanager
def _on_disk(dataset: Published) -> Iterator[Path]:
    """The dataset's folder; of one in storage a copy, while the context lasts."""
    if dataset.is_local:
        yield Path(dataset.name)
        return
    with TemporaryDirectory(prefix="hipo-data-push-") as name:
        for path in dataset.files:
            copy = Path(name, path)
            copy.parent.mkdir(parents=True, exist_ok=True)
            with dataset.open(path) as file, copy.open("wb") as to:
                shutil.copyfileobj(file, to)
        yield Path(name)


@dataclass
class _Push:
    api: HfApi
    repo: str
    private: bool
    folder: Path
    files: list[str]
    before: Remote | None = None
    """What the Hub held at the first attempt."""
    contents: dict[str, frozenset[str]] = field(default_factory=dict)
    """Both hashes by which the Hub may know a file."""

    def rehearse(self) -> Rehearsal:
        """What is to be done. Raises what huggingface_hub raises."""
        info = self._info()
        remote = self._remote(_commit(info)) if info else {}
        changed, stale = self._to_do(remote)
        sizes = {path: (self.folder / path).stat().st_size for path in self.files}
        return Rehearsal(
            address=self._address,
            commit=info.sha if info else None,
            private=bool(info.private) if info else self.private,
            new={path: sizes[path] for path in changed if path not in remote},
            changed={path: sizes[path] for path in changed if path in remote},
            same={path: sizes[path] for path in self.files if path not in changed},
            removed=stale,
        )

    def attempt(self) -> str:
        """Whatever is still to be done, and what was. Raises what huggingface_hub raises."""
        head = self._head()
        remote = self._remote(head)
        changed, stale = self._to_do(remote)
        at = self._address
        if not changed and not stale:
            if self.before not in (None, remote):
                return f"pushed {len(self.files)} files to {at} (commit {head[:12]})"  # only the answer was lost
            return f"nothing to push: {at} holds the same {len(self.files)} files (commit {head[:12]})"
        self._refuse_overwriting(remote, [*changed, *stale])
        made = self.api.create_commit(
            self.repo,
            [
                *(CommitOperationAdd(path, str(self.folder / path)) for path in changed),
                *(CommitOperationDelete(path) for path in stale),
            ],
            commit_message="Publish with hipo-data",
            repo_type="dataset",
            revision=_BRANCH,
            parent_commit=head,
        )
        size = sum((self.folder / path).stat().st_size for path in changed) / 1e6
        kept = len(self.files) - len(changed)
        besides = [f"{kept} were there already"] * bool(kept) + [f"{len(stale)} old ones removed"] * bool(stale)
        said = ", ".join([f"pushed {len(changed)} files ({size:.1f} MB)", *besides])
        return f"{said}: {at} (commit {made.oid[:12]})"

    @property
    def _address(self) -> str:
        return f"{self.api.endpoint}/datasets/{self.repo}"

    def _head(self) -> str:
        """The newest commit of the dataset, which is made where there is none."""
        info = self._info()
        if info is None:
            self.api.create_repo(self.repo, repo_type="dataset", private=self.private, exist_ok=True)
            info = self._checked(self.api.dataset_info(self.repo, revision=_BRANCH))
        return _commit(info)

    def _info(self) -> DatasetInfo | None:
        """What the Hub says of the dataset; null where there is none."""
        try:
            return self._checked(self.api.dataset_info(self.repo, revision=_BRANCH))
        except RepositoryNotFoundError:
            return None

    def _checked(self, info: DatasetInfo) -> DatasetInfo:
        if self.private and not info.private:
            raise UserError(f"the dataset {self.repo} is public; make it private on the Hub, or leave --private out")
        return info

    def _to_do(self, remote: Remote) -> tuple[list[str], list[str]]:
        """Files to upload, and those of an earlier push to remove."""
        changed = [path for path in self.files if not self._same(path, remote.get(path))]
        return changed, [path for path in remote if FILE_NAME.fullmatch(path) and path not in self.files]

    def _remote(self, head: str) -> Remote:
        entries = self.api.list_repo_tree(self.repo, repo_type="dataset", revision=head, recursive=True)
        files = (entry for entry in entries if isinstance(entry, RepoFile))
        return {file.path: file.lfs.sha256 if file.lfs else file.blob_id for file in files}

    def _same(self, path: str, content: str | None) -> bool:
        if path not in self.contents:
            self.contents[path] = frozenset((file_digest(self.folder / path), _git_hash(self.folder / path)))
        return content in self.contents[path]

    def _refuse_overwriting(self, remote: Remote, paths: list[str]) -> None:
        if self.before is None:
            self.before = remote
        others = [path for path in paths if remote.get(path) != self.before.get(path)]
        if others:
            raise UserError(
                f"somebody else changed {others[0]} of the dataset {self.repo} while it was being pushed; "
                "look at what they did, and push again to replace it"
            )


def _commit(info: DatasetInfo) -> str:
    if info.sha is None:
        raise ValueError(f"the Hub does not say the commit of {info.id}")
    return info.sha


def _retried(upload: _Push, what: Callable[[_Push], Done], patience: Patience, token: str) -> Done:
    tries = Retrying(
        stop=stop_after_attempt(patience.tries),
        wait=patience.between,
        retry=retry_if_exception(_may_pass),
        before_sleep=lambda state: _log(upload.repo, state, token),
        sleep=patience.sleep,
        reraise=True,
    )
    try:
        return tries(what, upload)
    except _FAILURES as error:
        count = tries.statistics["attempt_number"]
        # Without the cause, whose text holds signed addresses: whoever reads those can write the files.
        raise RunFailedError(_sentence(upload.repo, _cause(error), count, token)) from None


def _may_pass(error: BaseException) -> bool:
    cause = _cause(error)
    moved = isinstance(cause, HfHubHTTPError) and cause.response.status_code in _MOVED
    if isinstance(cause, ConnectionError | TimeoutError):  # hf_xet's, which tell 4xx in their text alone
        return "client error" not in str(cause)
    return moved or may_pass(cause) or isinstance(cause, json.JSONDecodeError)  # the last: an error page of a proxy


def _cause(error: BaseException) -> BaseException:
    """What made the upload of one of several files fail; huggingface_hub wraps it."""
    return error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error


def _sentence(repo: str, error: BaseException, tries: int, token: str) -> str:
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    reason = _reason(error, token)
    if status in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN):
        return f"the Hub refuses a push to {repo}: {reason}; set HF_TOKEN to a token that may write there"
    if status in _MOVED:
        return f"others kept changing the dataset {repo}, also after {tries} tries: {reason}; push again later"
    if _may_pass(error):
        return (
            f"the push to {repo} was not finished after {tries} tries: {reason}; push again to go on, "
            "what was uploaded is not uploaded again"
        )
    return f"the push to {repo} failed: {reason}; where it cannot take Xet uploads, set HF_HUB_DISABLE_XET=1"


def _reason(error: BaseException, token: str) -> str:
    if isinstance(error, HfHubHTTPError):
        said = f" ({error.server_message})" if error.server_message else ""
        text = f"HTTP {error.response.status_code} {error.response.reason_phrase}{said}"
    else:
        text = f"{type(error).__name__}: {error}"
    return " ".join(text.replace(token, "<token>").split())[:300]


def _log(repo: str, state: RetryCallState, token: str) -> None:
    error = state.outcome.exception() if state.outcome else None
    if error is not None and state.next_action is not None:
        _LOG.warning("push to %s: %s; next try in %.0f s", repo, _reason(_cause(error), token), state.next_action.sleep)


def _refuse_early(repo: str, token: str) -> None:
    try:
        validate_repo_id(repo)
        named = "/" in repo
    except HFValidationError:
        named = False
    if not named:
        raise UserError(f"'{repo}' is not a dataset's name on the Hub, such as 'my-name/my-data'")
    if is_offline_mode():
        raise UserError("nothing can be pushed while HF_HUB_OFFLINE is set; unset it")
    if not token:
        raise UserError("HF_TOKEN is not set; set it to a token of the Hub that may write to the dataset")


def _git_hash(path: Path) -> str:
    hashed = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(2**20):
            hashed.update(piece)
    return hashed.hexdigest()


@contextmanager
def _quiet_client(timeout_s: float) -> Iterator[None]:
    """The client does not wait for ever, and logs no addresses, which are signed; retries are logged here."""

    def patient() -> httpx2.Client:
        client = default_client_factory()
        client.timeout = httpx2.Timeout(timeout_s, connect=min(timeout_s, constants.HF_HUB_DOWNLOAD_TIMEOUT))
        return client

    log = logging.getLogger("huggingface_hub")
    level = log.level
    if not sys.stderr.isatty():
        disable_progress_bars()
    set_client_factory(patient)
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        set_client_factory(default_client_factory)
        log.setLevel(level)
