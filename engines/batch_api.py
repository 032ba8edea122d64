"""The OpenAI batch API: a file of requests goes up, a batch works on it, files of results come down."""

import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx2
import openai
import tenacity
from openai.types import Batch

from hipo_data.engines.endpoint_failure import EndpointFailure, Kind
from hipo_data.engines.http_endpoint import CONNECT_TIMEOUT_S, HttpEndpoint
from hipo_data.engines.json_body import parsed

URL: Literal["/v1/chat/completions"] = "/v1/chat/completions"
"""What the lines of a batch ask for; the same at every provider, wherever its own addresses begin."""
_NAME = "hipo_data"
_PAGE, _MOST_LISTED = 100, 5000
_ENDED = {"completed", "expired", "cancelled", "failed"}

T = TypeVar("T")
_LOG = logging.getLogger(__name__)


class BatchApi:
    """Each call is tried again as `retrying` says. Raises `EndpointFailure`."""

    def __init__(self, http: HttpEndpoint, request_timeout_s: float, retrying: tenacity.AsyncRetrying) -> None:
        self._http = http
        self._retrying = retrying
        self._client = openai.AsyncOpenAI(
            base_url=http.url,
            default_query=http.query,
            api_key="in the header",
            default_headers={"Authorization": http.authorization},
            timeout=httpx2.Timeout(request_timeout_s, connect=CONNECT_TIMEOUT_S),
            max_retries=0,  # `retrying` keeps to the engine's own clock and limits
        )

    async def upload(self, file: Path) -> str:
        """Uploads a file of requests; its id."""
        return self._text(await self._patiently(self._client.files.create, file=file, purpose="batch"), "id")

    async def create(self, name: str, file_id: str, window: str) -> str:
        """Creates the batch called `name` and no second one, even if the answer to the first try is lost; its id."""
        tried = False

        async def once() -> str:
            nonlocal tried
            known = await self._find(name) if tried else None
            if known is not None:
                return known
            tried = True
            made = await self._client.batches.create(
                input_file_id=file_id,
                endpoint=URL,
                completion_window=window,  # type: ignore[arg-type]  # other providers have other windows
                metadata={_NAME: name},
            )
            return self._text(made, "id")

        return await self._patiently(once)

    async def find(self, name: str) -> str | None:
        """The id of the batch called `name`, where there is one."""
        return await self._patiently(self._find, name)

    async def state(self, batch_id: str) -> Batch:
        """The batch as it is now; asked once, since it is asked again anyway."""
        found = await self._told(self._client.batches.retrieve, batch_id)
        self._text(found, "status")
        return found

    async def download(self, file_id: str, target: Path, most_bytes: int) -> None:
        """Writes a file of results to `target`, which is there whole or not at all.

        One that goes on for longer than so many bytes is cut off there: what is missing then is asked for again.
        """
        partial = target.with_name(f"{target.name}.partial")

        async def once() -> None:
            async with self._client.files.with_streaming_response.content(file_id) as reply:
                with partial.open("wb") as file:
                    async for chunk in reply.iter_bytes():
                        file.write(chunk[: most_bytes - file.tell()])
                        if file.tell() == most_bytes:
                            _LOG.warning("%s: results are read up to %.1f MB", self._http.address, most_bytes / 1e6)
                            return

        await self._patiently(once)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(target)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def _find(self, name: str) -> str | None:
        seen = 0
        async for batch in self._client.batches.list(limit=_PAGE):
            if (getattr(batch, "metadata", None) or {}).get(_NAME) == name:
                return self._text(batch, "id")
            seen += 1
            if seen == _MOST_LISTED:
                break
        return None

    def _text(self, found: Any, name: str) -> str:
        """A field of an answer, which the client takes as it comes."""
        value = getattr(found, name, None)
        if not isinstance(value, str):
            said = self._http.without_key(str(found))[:200]
            raise EndpointFailure(Kind.BROKEN, f"the endpoint's answer has no {name}: {said}")
        return value

    async def _patiently(self, call: Callable[..., Awaitable[T]], *args: Any, **named: Any) -> T:
        found: T = await self._retrying.copy()(self._told, call, *args, **named)
        return found

    async def _told(self, call: Callable[..., Awaitable[T]], *args: Any, **named: Any) -> T:
        """The client's errors as `EndpointFailure`."""
        try:
            return await call(*args, **named)
        except openai.APIStatusError as error:
            body = parsed(error.response.content)
            failure = self._http.status_failure(error.status_code, error.response.headers, body)
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            failure = self._http.no_answer(_kind(error.__cause__ or error), error.__cause__ or error)
        # Raised out here, where no error of the client hangs on to it: those hold the request's headers.
        raise failure


def _kind(error: BaseException) -> Kind:
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return Kind.UNREACHABLE
    return Kind.OVERLOADED if isinstance(error, httpx2.TimeoutException) else Kind.BROKEN


def has_ended(batch: Batch) -> bool:
    """Whether nothing more will come of a batch."""
    return batch.status in _ENDED
