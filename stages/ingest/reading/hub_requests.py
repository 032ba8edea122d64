"""Requests to the Hugging Face Hub: which failures may pass, how long to wait, and what to tell when patience ends.

Each request is repeated by one party only. `ask` repeats single requests; of a download it repeats only what
`hf_hub_download`, which repeats most failures by itself, gives up on at once.
"""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]  # loaded lazily, so unseen
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from hipo_data.schemas.errors import SourceError

_LOG = logging.getLogger(__name__)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FAILURES = (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, RuntimeError, EntryNotFoundError)
"""What huggingface_hub, hf_xet and the system raise for a file that cannot be had."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class Patience:
    """How often a request is made whose failure may pass, and the seconds in between, which double and are jittered."""

    tries: int = 8
    first_s: float = 1
    longest_s: float = 60
    asked_s: float = 600
    """The longest wait that the Hub may ask for."""
    sleep: Callable[[float], None] = time.sleep

    def between(self, state: RetryCallState) -> float:
        """Seconds to wait: what the Hub asked for, or else the next of the doubling ones."""
        error = state.outcome.exception() if state.outcome else None
        asked = _asked_wait(error) if isinstance(error, HfHubHTTPError) else None
        if asked is not None:
            return min(asked + 1, self.asked_s)  # the Hub counts whole seconds
        return wait_exponential_jitter(multiplier=self.first_s, max=self.longest_s, jitter=self.first_s)(state)


USUAL = Patience()


@dataclass(frozen=True)
class Subject:
    """What a request is about."""

    endpoint: str
    repo: str
    revision: str
    file: str | None = None

    def __str__(self) -> str:
        return f"{f'{self.file} of ' if self.file else ''}dataset {self.repo} at {self.revision}"


def is_commit(revision: str) -> bool:
    """Whether a revision is a whole commit, which never moves."""
    return _COMMIT.fullmatch(revision) is not None


def may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed later: no answer, a broken one, 408, 429 or 5xx."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in (408, 429) or error.response.status_code >= 500
    return isinstance(error, httpx2.TimeoutException | httpx2.NetworkError | httpx2.RemoteProtocolError)


def left_by_downloader(error: BaseException) -> bool:
    """Whether a failure may pass and `hf_hub_download` (of huggingface_hub 2.4) has not repeated the request by itself.

    Of its GET it repeats what has no answer, what ends early, 408 and 429. Of its HEAD it repeats all that comes out as
    `LocalEntryNotFoundError`.
    """
    if type(error) is OSError and error.errno is None:
        return True  # fewer bytes than announced
    if isinstance(error, HfHubHTTPError):
        return may_pass(error) and (error.response.request.method != "GET" or error.response.status_code >= 500)
    if isinstance(error, httpx2.ConnectError | httpx2.TimeoutException | httpx2.RemoteProtocolError):
        return error.request.method != "GET"
    return may_pass(error)


def ask(
    request: Callable[[], _T],
    subject: Subject,
    patience: Patience,
    again: Callable[[BaseException], bool] = may_pass,
) -> _T:
    """What the request returns; repeated while `again` says so and patience lasts. Raises `SourceError`."""
    tries = Retrying(
        stop=stop_after_attempt(patience.tries),
        wait=patience.between,
        retry=retry_if_exception(again),
        before_sleep=partial(_log, subject),
        sleep=patience.sleep,
        reraise=True,
    )
    try:
        return tries(request)
    except _FAILURES as error:
        # Without the cause, whose text holds signed addresses: whoever reads those can read the files.
        cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) and error.__cause__ else error
        count = tries.statistics["attempt_number"]
        made = f"after {count} tries" if count > 1 else "at the first try"
        if may_pass(cause) and not again(error):
            made = "after the tries that huggingface_hub makes"
        raise SourceError(_sentence(cause, subject, made)) from None


def _sentence(error: BaseException, subject: Subject, tries: str) -> str:
    endpoint, repo, revision = subject.endpoint, subject.repo, subject.revision
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    token = f"HF_TOKEN to a token with access ({'the one in use gives none' if get_token() else 'none is set'})"
    match error:
        case OfflineModeIsEnabled() if not is_commit(revision):
            return (
                f"revision '{revision}' of dataset {repo} cannot be looked up while HF_HUB_OFFLINE is set; "
                "give the commit, 40 hexadecimal digits, as 'revision'"
            )
        case OfflineModeIsEnabled():
            return (
                f"{subject} is not in the cache ({constants.HF_HUB_CACHE}) and HF_HUB_OFFLINE is set; run once without "
                f"it, or fetch the files with 'hf download {repo} --repo-type dataset --revision {revision}'"
            )
        case GatedRepoError():
            return f"{subject} is gated; ask for access at {endpoint}/datasets/{repo}, then set {token}"
        case RepositoryNotFoundError():
            return f"dataset {repo} is not to be found at {endpoint}; check its name, and if it is private, set {token}"
        case RevisionNotFoundError():
            return f"dataset {repo} has no revision '{revision}'; {endpoint}/datasets/{repo}/commits/main lists commits"
        case EntryNotFoundError() if status == httpx2.codes.NOT_FOUND:
            return f"dataset {repo} has no file {subject.file} at {revision}; check 'files' and 'revision'"
        case HfHubHTTPError() if status in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN):
            advice = f"set {token}"
        case _ if may_pass(error) or isinstance(error, ConnectionError | TimeoutError):  # the last two are hf_xet's
            advice = "check the network, or run again later"
        case _:
            advice = f"see whether {endpoint} is the Hub and whether {constants.HF_HUB_CACHE} can be written"
    return f"{subject} could not be read, {tries}: {_reason(error)}; {advice}"


def _asked_wait(error: HfHubHTTPError) -> float | None:
    headers = error.response.headers
    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    asked = headers.get("Retry-After", "").strip()
    return float(asked) if asked.isdecimal() else None


def _reason(error: BaseException) -> str:
    if isinstance(error, HfHubHTTPError):
        text = f"HTTP {error.response.status_code} {error.response.reason_phrase}"
        text += f" ({error.server_message})" if error.server_message else ""
    else:
        text = f"{type(error).__name__}: {error}"
    token = get_token()
    return " ".join((text.replace(token, "<token>") if token else text).split())[:300]


def _log(subject: Subject, state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if error is not None and state.next_action is not None:
        _LOG.warning("%s: %s; next try in %.0f s", subject, _reason(error), state.next_action.sleep)
