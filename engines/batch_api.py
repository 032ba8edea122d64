"""The OpenAI batch API: a file of requests goes up, a batch works on it, files of results come down."""

from pathlib import Path
from typing import Any

import tenacity

from engines.endpoint_failure import EndpointFailure, Kind
from engines.http_endpoint import HttpEndpoint

URL = "/v1/chat/completions"
"""What the lines of a batch ask for; the same at every provider, wherever its own addresses begin."""
_NAME = "hipo_data"
_PAGE, _PAGES = "100", 50
_ENDED = {"completed", "expired", "cancelled", "failed"}


class BatchApi:
    """Each call is tried again as `retrying` says. Raises `EndpointFailure`."""

    def __init__(self, http: HttpEndpoint, retrying: tenacity.AsyncRetrying) -> None:
        self._http = http
        self._retrying = retrying

    async def upload(self, file: Path) -> str:
        """Uploads a file of requests; its id."""
        found: Any = await self._retrying.copy()(self._http.upload, "files", file, purpose="batch")
        return _text(found, "id")

    async def create(self, name: str, file_id: str, window: str) -> str:
        """Creates the batch called `name` and no second one, even if the answer to the first try is lost; its id."""
        tried = False

        async def once() -> str:
            nonlocal tried
            known = await self.find(name) if tried else None
            if known is not None:
                return known
            tried = True
            body = {
                "input_file_id": file_id,
                "endpoint": URL,
                "completion_window": window,
                "metadata": {_NAME: name},
            }
            return _text(await self._http.post("batches", body), "id")

        found: str = await self._retrying.copy()(once)
        return found

    async def find(self, name: str) -> str | None:
        """The id of the batch called `name`, where there is one."""
        query = {"limit": _PAGE}
        for _ in range(_PAGES):
            page: Any = await self._retrying.copy()(self._http.get, "batches", **query)
            rows = [row for row in _rows(page) if isinstance(row, dict)]
            for row in rows:
                if (row.get("metadata") or {}).get(_NAME) == name:
                    return _text(row, "id")
            if not page.get("has_more") or not rows:
                return None
            query["after"] = _text(rows[-1], "id")
        return None

    async def state(self, batch_id: str) -> dict[str, Any]:
        """The batch as it is now; asked once, since it is asked again anyway."""
        found = await self._http.get(f"batches/{batch_id}")
        _text(found, "status")
        return dict(found)

    async def download(self, file_id: str, target: Path) -> None:
        """Writes a file of results to `target`."""
        await self._retrying.copy()(self._http.download, f"files/{file_id}/content", target)


def has_ended(state: dict[str, Any]) -> bool:
    """Whether nothing more will come of a batch."""
    return state["status"] in _ENDED


def reasons(state: dict[str, Any]) -> list[dict[str, Any]]:
    """Why a batch failed as a whole."""
    errors = state.get("errors")
    rows = errors.get("data") if isinstance(errors, dict) else None
    return [row for row in rows or [] if isinstance(row, dict)]


def _rows(page: Any) -> list[Any]:
    rows = page.get("data") if isinstance(page, dict) else None
    if not isinstance(rows, list):
        raise EndpointFailure(Kind.BROKEN, "the endpoint's list of batches has no data")
    return rows


def _text(found: Any, name: str) -> str:
    if not isinstance(found, dict) or not isinstance(found.get(name), str):
        raise EndpointFailure(Kind.BROKEN, f"the endpoint's answer has no {name}: {str(found)[:200]}")
    return str(found[name])
