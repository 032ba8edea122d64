"""Chat completions through the OpenAI batch API: collected, sent as a file, and back within a day at a lower price."""

import asyncio
import json
import logging
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from openai.types import Batch

from hipo_data.engines.base import Completion, EngineDeadError, EngineError, GenerationRequest
from hipo_data.engines.batch_api import URL, BatchApi, has_ended
from hipo_data.engines.batch_files import BatchFolder, BatchRecord
from hipo_data.engines.chat_reply import completion
from hipo_data.engines.chat_request import chat_body
from hipo_data.engines.clock import Clock
from hipo_data.engines.endpoint_failure import EndpointFailure, Kind, said_in, status_kind, status_text
from hipo_data.engines.http_endpoint import HttpEndpoint
from hipo_data.engines.model_check import check_model, note_model
from hipo_data.engines.reply_shape import shaped_line
from hipo_data.engines.retrying import INCONCLUSIVE_TRIES, patiently
from hipo_data.schemas.config import BatchMode, Endpoint, OpenAIEngine
from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.keys import digest

_LOG = logging.getLogger(__name__)
_QUEUE_FULL = "token_limit_exceeded"
"""OpenAI's code for a batch that does not fit beside those in progress."""
_LONGEST_COLLECTING = 10
"""In units of `collect_s`: requests that trickle in do not hold back the first of them for ever."""


class OpenAIBatches:
    """An engine whose requests wait for each other. Equal requests share one response.

    Batches are recorded in a folder before they are created. An engine that starts on the same folder finds the
    responses of earlier batches there, and waits for those in flight instead of paying for them again.
    """

    def __init__(self, config: OpenAIEngine, folder: Path, clock: Clock | None = None) -> None:
        self._config = config
        self._mode = config.batch or BatchMode()
        self._folder = BatchFolder(folder, int(config.max_reply_mb * 1e6))
        self._clock = clock or Clock()
        self._slots = asyncio.Semaphore(config.max_in_flight)
        self._http: HttpEndpoint | None = None
        self._api: BatchApi | None = None
        self._batches: dict[str, _Batch] = {}
        """The latest batch that holds a request, by the request's id."""
        self._collected: dict[str, bytes] = {}
        self._collected_bytes = 0
        self._coming: asyncio.Future[_Batch] | None = None
        """The batch that collected requests will be part of."""
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Asks the endpoint for its models and looks for earlier batches.

        Raises `EngineRefusedError` where key, address or model are wrong, and `EngineDeadError` where nobody answers.
        """
        config = self._config
        endpoint = config.endpoints[0] if config.endpoints else Endpoint()
        self._http = HttpEndpoint(config, endpoint, self._clock)
        retrying = patiently(self._clock, config.max_attempts)
        self._api = BatchApi(self._http, config.request_timeout_s, retrying)
        try:
            await retrying.copy()(check_model, self._http, config.extra_body, config.max_tokens_field)
            for record in await asyncio.to_thread(self._folder.records):
                await self._recall(record)
        except EndpointFailure as error:
            failure = error
        else:
            return
        raise _fatal(failure)

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Leave to have one request under way, of `max_in_flight`."""
        return self._slots

    async def generate(self, request: GenerationRequest) -> Completion:
        """One response, once the batch that holds the request has ended; raises `EngineError` after all attempts."""
        assert self._http is not None
        body = chat_body(self._config, request, self._http.model)
        custom_id = digest(body)
        failure = EndpointFailure(Kind.BROKEN, "no attempt was made")
        inconclusive = 0
        for _ in range(self._config.max_attempts):
            batch = self._batches.get(custom_id) or await self._collect(custom_id, body)
            await batch.ended(self)
            try:
                return self._completion(batch.record, custom_id, request)
            except EndpointFailure as error:
                failure = error
            if failure.kind is Kind.REJECTED or (failure.kind is Kind.REFUSED and not batch.recalled):
                break  # what an earlier run was refused, such as for want of money, may be granted now
            inconclusive += failure.kind is Kind.INCONCLUSIVE
            if inconclusive == INCONCLUSIVE_TRIES:
                break
            if self._batches.get(custom_id) is batch:
                del self._batches[custom_id]
        if failure.kind is Kind.REFUSED:
            raise EngineRefusedError(str(failure))
        raise EngineError(str(failure), permanent=not failure.kind.may_pass, empty=failure.empty)

    async def close(self) -> None:
        """Stops waiting. Batches in flight go on at the endpoint, and the next engine on this folder takes them up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None and self._api is not None:
            await self._api.close()
            await self._http.close()

    async def _recall(self, record: BatchRecord) -> None:
        assert self._api is not None
        if record.batch_id is None:
            record.batch_id = await self._api.find(record.name)
            if record.batch_id is None:  # the driver ended before it was created
                self._folder.remove(record)
                return
            self._folder.save(record)
        batch = _Batch(record, recalled=True)
        self._batches |= dict.fromkeys(record.custom_ids, batch)

    async def _collect(self, custom_id: str, body: dict[str, Any]) -> "_Batch":
        """The batch that the request goes out with."""
        try:
            encoded = json.dumps(body, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise EngineError(f"the prompt is not valid Unicode: {error.reason}", permanent=True) from None
        if self._coming is None:
            self._coming = asyncio.get_running_loop().create_future()
            self._task(self._collecting(self._coming))
        coming = self._coming
        if custom_id not in self._collected:
            self._collected[custom_id] = encoded
            self._collected_bytes += len(encoded)
        if len(self._collected) >= self._mode.max_requests or self._collected_bytes >= self._mode.max_file_mb * 1e6:
            self._send()
        return await asyncio.shield(coming)

    async def _collecting(self, coming: "asyncio.Future[_Batch]") -> None:
        """Sends what is collected for `coming`, once nothing has been added for a while."""
        count = 0
        for _ in range(_LONGEST_COLLECTING):
            if coming is not self._coming or count == len(self._collected):
                break
            count = len(self._collected)
            await self._clock.sleep(self._mode.collect_s)
        if coming is self._coming:
            self._send()

    def _send(self) -> None:
        assert self._coming is not None
        bodies, self._collected, self._collected_bytes = self._collected, {}, 0
        coming, self._coming = self._coming, None
        batch = _Batch(self._folder.new(bodies, self._clock.wall()), bodies)
        self._batches |= dict.fromkeys(bodies, batch)
        coming.set_result(batch)

    def _task(self, work: Any) -> "asyncio.Task[Any]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def run(self, batch: "_Batch") -> "asyncio.Task[None]":
        """Brings a batch to its end."""
        return self._task(self._run(batch))

    async def _run(self, batch: "_Batch") -> None:
        try:
            await self._to_end(batch)
        except EndpointFailure as error:
            failure = error
        else:
            return
        raise _fatal(failure)

    async def _to_end(self, batch: "_Batch") -> None:
        assert self._api is not None
        record = batch.record
        if record.ended is None:
            if record.batch_id is None:
                await asyncio.to_thread(self._folder.write_input, record, batch.bodies, URL)
                batch.bodies = {}
                record.input_file_id = await self._api.upload(self._folder.input(record))
                await self._create(record)
            ended = await self._ended(record)
            ids = (ended.output_file_id, ended.error_file_id) if ended is not None else (None, None)
            for file_id, path in zip(ids, self._folder.outputs(record), strict=True):
                if file_id:
                    await self._api.download(file_id, path, self._folder.longest * (1 + len(record.custom_ids)))
            record.ended = "lost" if ended is None else ended.status
            self._folder.save(record)
            self._folder.input(record).unlink(missing_ok=True)
        await asyncio.to_thread(self._folder.index, record)

    async def _create(self, record: BatchRecord) -> None:
        assert self._api is not None and record.input_file_id is not None
        self._folder.save(record)
        record.batch_id = await self._api.create(record.name, record.input_file_id, self._mode.completion_window)
        self._folder.save(record)
        _LOG.info("batch %s holds %d requests", record.batch_id, len(record.custom_ids))

    async def _ended(self, record: BatchRecord) -> Batch | None:
        """The batch once it has ended; where the endpoint's queue is full, once it got in and ended.

        None where the endpoint no longer knows it.
        """
        while True:
            batch = await self._polled(record)
            if batch is None or batch.status != "failed":
                return batch
            why = (batch.errors and batch.errors.data) or []
            assert self._http is not None
            said = self._http.without_key("; ".join(str(reason.message) for reason in why)) or "no reason given"
            if not any(reason.code == _QUEUE_FULL for reason in why):
                self._folder.remove(record)  # nothing of it was paid for, and its reason may be gone next time
                raise EndpointFailure(Kind.REFUSED, f"batch {record.batch_id} failed: {said}")
            _LOG.warning("batch %s has to wait: %s", record.batch_id, said)
            await self._clock.sleep(self._mode.poll_s)
            await self._again(record)

    async def _again(self, record: BatchRecord) -> None:
        """Creates the batch anew from the file that is already there, under a new name."""
        earlier = BatchRecord(**vars(record))
        record.name, record.batch_id = self._folder.new([], self._clock.wall()).name, None
        if self._folder.input(earlier).exists():
            self._folder.input(earlier).rename(self._folder.input(record))
        await self._create(record)
        self._folder.remove(earlier)

    async def _polled(self, record: BatchRecord) -> Batch | None:
        assert self._api is not None and record.batch_id is not None
        silent_since: float | None = None
        while True:
            now = self._clock.monotonic()
            try:
                batch = await self._api.state(record.batch_id)
            except EndpointFailure as failure:
                if failure.status == 404:
                    _LOG.warning("batch %s of an earlier run is gone, so its requests go out again", record.batch_id)
                    return None
                silent_since = now if silent_since is None else silent_since
                if not failure.kind.may_pass or now - silent_since >= self._config.give_up_after_s:
                    raise
            else:
                if has_ended(batch):
                    return batch
                silent_since = None
            await self._clock.sleep(self._mode.poll_s)

    def _completion(self, record: BatchRecord, custom_id: str, request: GenerationRequest) -> Completion:
        assert self._http is not None
        line = self._folder.result(record, custom_id)
        if line is None:
            said = f"batch {record.batch_id} ended as '{record.ended}' without a response"
            unreadable = self._folder.unreadable(record)
            raise EndpointFailure(Kind.BROKEN, said + f"; {unreadable} of its lines cannot be read" * bool(unreadable))
        result = shaped_line(line)
        if result.response is None:
            said = f"batch {record.batch_id}: {said_in({'error': result.error}) or 'no response and no error'}"
            raise EndpointFailure(Kind.BROKEN, self._http.without_key(said))
        status, body = result.response.status_code, result.response.body
        if status >= 300:
            said = f"batch {record.batch_id} {status_text(status, body, self._config.max_tokens_field)}"
            raise EndpointFailure(status_kind(status, body, self._http.model), self._http.without_key(said))
        note_model(self._http, body)
        return completion(body, request.response_prefix, request.reasoning_ends)


class _Batch:
    """A batch of this run or an earlier one. Nothing is done about it until somebody waits."""

    def __init__(self, record: BatchRecord, bodies: dict[str, bytes] | None = None, *, recalled: bool = False) -> None:
        self.record = record
        self.bodies = bodies or {}
        self.recalled = recalled
        self._end: asyncio.Task[None] | None = None

    async def ended(self, engine: OpenAIBatches) -> None:
        """Waits until the results are here."""
        if self._end is None:
            self._end = engine.run(self)
        await asyncio.shield(self._end)


def _fatal(failure: EndpointFailure) -> EngineRefusedError | EngineDeadError:
    """What a failure of the batch API itself means for the engine."""
    if failure.kind.may_pass:
        return EngineDeadError(str(failure))
    return EngineRefusedError(str(failure))
