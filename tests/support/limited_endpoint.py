"""A server on this machine that speaks the OpenAI chat protocol and can keep up with so many requests at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answers = Callable[["LimitedEndpoint", dict[str, Any]], Awaitable[web.Response | None]]


@dataclass
class LimitedEndpoint:
    """What the server allows, and what happened. Change it while it runs."""

    url: str = ""
    capacity: int = 10_000
    """Requests at once; one more is answered with 429."""
    takes_s: float = 0.0
    status: int = 200
    """Of every answer, where it is not 200."""
    refusal_headers: dict[str, str] = field(default_factory=dict)
    usage: dict[str, int] = field(default_factory=lambda: {"prompt_tokens": 7, "completion_tokens": 3})
    models_status: int = 200
    listed: list[str] = field(default_factory=lambda: ["teacher"])
    gate: asyncio.Event | None = None
    """Answers wait for it."""
    served: int = 0
    refused: int = 0
    busy: int = 0
    most_busy: int = 0
    keys: set[str] = field(default_factory=set)
    models: list[str] = field(default_factory=list)
    on_request: Callable[[], None] = lambda: None


@asynccontextmanager
async def limited_endpoint(port: int = 0, **settings: Any) -> AsyncIterator[LimitedEndpoint]:
    """Runs the server in this event loop, on `port` or else a free one, while the context lasts."""
    endpoint = LimitedEndpoint(**settings)

    async def models(request: web.Request) -> web.Response:
        if endpoint.models_status != 200:
            return _error(endpoint.models_status, endpoint)
        return web.json_response({"object": "list", "data": [{"id": name} for name in endpoint.listed]})

    async def chat(request: web.Request) -> web.Response:
        body = await request.json()
        endpoint.on_request()
        endpoint.keys.add(request.headers["Authorization"].removeprefix("Bearer "))
        endpoint.models.append(body["model"])
        if endpoint.status != 200:
            return _error(endpoint.status, endpoint)
        if endpoint.busy >= endpoint.capacity:
            return _error(429, endpoint)
        endpoint.busy += 1
        endpoint.most_busy = max(endpoint.most_busy, endpoint.busy)
        try:
            await asyncio.sleep(endpoint.takes_s)
            if endpoint.gate is not None:
                await endpoint.gate.wait()
        finally:
            endpoint.busy -= 1
        endpoint.served += 1
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "4"}}
        return web.json_response({"model": body["model"], "choices": [choice], "usage": endpoint.usage})

    app = web.Application()
    app.router.add_get("/v1/models", models)
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield endpoint
    finally:
        await runner.cleanup()


def _error(status: int, endpoint: LimitedEndpoint) -> web.Response:
    endpoint.refused += 1
    body = {"error": {"message": "not now", "type": "x", "code": None}}
    return web.json_response(body, status=status, headers=endpoint.refusal_headers)
