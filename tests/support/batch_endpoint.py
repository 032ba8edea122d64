"""A server on this machine that speaks the OpenAI batch API: files, batches, and the files of their results."""

import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Line = dict[str, Any]
Answers = Callable[[Line], Line | None]


def served(line: Line) -> Line:
    """A result with a response, which repeats the question."""
    body = line["body"]
    message = {"role": "assistant", "content": f"{body['messages'][-1]['content']} = 4"}
    reply = {
        "object": "chat.completion",
        "model": body["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }
    return {"response": {"status_code": 200, "request_id": "r", "body": reply}, "error": None}


def failed(status: int, message: str, **error: Any) -> Answers:
    """Results with an HTTP error."""
    body = {"error": {"message": message, **error}}
    return lambda line: {"response": {"status_code": status, "request_id": "r", "body": body}, "error": None}


def expired(line: Line) -> Line:
    """The result of a request that the batch had no time for."""
    return {"response": None, "error": {"code": "batch_expired", "message": "could not be executed in time"}}


@dataclass
class BatchEndpoint:
    """What the server does, and what happened. Change it while it runs."""

    url: str = ""
    polls: int = 2
    """Questions after a batch that it answers with "in progress"."""
    answers: Answers = served
    status: str = "completed"
    """That batches end with."""
    failures: list[Line] = field(default_factory=list)
    """Reasons of batches that fail as a whole, used up in order."""
    replies: dict[str, list[int]] = field(default_factory=dict)
    """HTTP statuses to answer with, used up in order, by path below /v1."""
    cut_after_creating: int = 0
    """Times that a batch is created and the answer is lost."""
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, Line] = field(default_factory=dict)
    worked_on: Counter[str] = field(default_factory=Counter)
    """How often each request was answered, and so paid for, by its question."""
    keys: set[str] = field(default_factory=set)
    queries: list[str | None] = field(default_factory=list)
    """`api-version` of each request."""


@asynccontextmanager
async def batch_endpoint(**settings: Any) -> AsyncIterator[BatchEndpoint]:
    """Runs the server in this event loop while the context lasts."""
    endpoint = BatchEndpoint(**settings)
    server = _Server(endpoint)
    app = web.Application(client_max_size=2**28, middlewares=[server.guard])
    app.router.add_get("/v1/models", server.models)
    app.router.add_post("/v1/files", server.upload)
    app.router.add_get("/v1/files/{id}/content", server.content)
    app.router.add_post("/v1/batches", server.create)
    app.router.add_get("/v1/batches", server.listing)
    app.router.add_get("/v1/batches/{id}", server.state)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield endpoint
    finally:
        await runner.cleanup()


class _Server:
    def __init__(self, endpoint: BatchEndpoint) -> None:
        self._of = endpoint
        self._polled: Counter[str] = Counter()
        self._numbers = itertools.count(1)

    @web.middleware
    async def guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self._of.keys.add(request.headers["Authorization"].removeprefix("Bearer "))
        self._of.queries.append(request.query.get("api-version"))
        planned = self._of.replies.get(request.path.removeprefix("/v1/"), [])
        if planned:
            await request.read()
            return _error(planned.pop(0), f"planned; you sent {request.headers['Authorization']}")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def models(self, request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "teacher"}]})

    async def upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        if form["purpose"] != "batch" or not isinstance(file, web.FileField) or not file.filename.endswith(".jsonl"):
            return _error(400, "not a file of requests")
        file_id = self._keep(file.file.read())
        return web.json_response({"id": file_id, "object": "file", "purpose": "batch"})

    async def create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        lines = [json.loads(line) for line in self._of.files[body["input_file_id"]].splitlines()]
        ids = [line["custom_id"] for line in lines]
        if len(set(ids)) < len(ids) or any(len(custom_id) > 64 for custom_id in ids):
            return _error(400, "custom_id")
        if {(line["method"], line["url"]) for line in lines} != {("POST", body["endpoint"])}:
            return _error(400, "url")
        batch_id = f"batch_{next(self._numbers)}"
        batch = {"id": batch_id, "object": "batch", "status": "validating", **body}
        self._of.batches = {batch_id: batch, **self._of.batches}  # listed with the newest first
        if self._of.cut_after_creating > 0:
            self._of.cut_after_creating -= 1
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        return web.json_response(batch)

    async def listing(self, request: web.Request) -> web.Response:
        rows = list(self._of.batches.values())
        after = request.query.get("after")
        begin = 0 if after is None else 1 + [row["id"] for row in rows].index(after)
        page = rows[begin : begin + 2]
        return web.json_response({"object": "list", "data": page, "has_more": begin + 2 < len(rows)})

    async def state(self, request: web.Request) -> web.Response:
        batch = self._of.batches.get(request.match_info["id"])
        if batch is None:
            return _error(404, "No batch found")
        self._polled[batch["id"]] += 1
        if self._polled[batch["id"]] > self._of.polls and batch["status"] in ("validating", "in_progress"):
            self._end(batch)
        elif batch["status"] == "validating":
            batch["status"] = "in_progress"
        return web.json_response(batch)

    async def content(self, request: web.Request) -> web.Response:
        return web.Response(body=self._of.files[request.match_info["id"]])

    def _end(self, batch: Line) -> None:
        if self._of.failures:
            batch |= {"status": "failed", "errors": {"object": "list", "data": [self._of.failures.pop(0)]}}
            return
        results: list[Line] = []
        for line in map(json.loads, self._of.files[batch["input_file_id"]].splitlines()):
            found = self._of.answers(line)
            if found is not None:
                self._of.worked_on[line["body"]["messages"][-1]["content"]] += found["response"] is not None
                results.append({"id": "x", "custom_id": line["custom_id"], **found})
        results.reverse()  # results come in any order
        good = [row for row in results if _is_served(row["response"])]
        bad = [row for row in results if row not in good]
        batch |= {"status": self._of.status, "output_file_id": self._written(good), "error_file_id": self._written(bad)}

    def _written(self, rows: list[Mapping[str, Any]]) -> str | None:
        return self._keep("".join(json.dumps(row) + "\n" for row in rows).encode()) if rows else None

    def _keep(self, content: bytes) -> str:
        file_id = f"file-{next(self._numbers)}"
        self._of.files[file_id] = content
        return file_id


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "type": "x", "code": None}}, status=status)


def _is_served(response: Any) -> bool:
    return isinstance(response, dict) and response.get("status_code") == 200
